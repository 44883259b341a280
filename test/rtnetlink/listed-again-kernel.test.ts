/**
 * What was listed and is added again is the same, or is refused by a name: objects as `ip` makes them, of every kind that
 * the running kernel has.
 */
import t, { type Test } from 'tap'
import type { Link } from '../../src/rtnetlink/index.js'
import { allOf, canCreateNamespaces, hasLink } from '../helpers/privilege.js'
import { bash, scratch, type Scratch } from './scratch.js'
import { without } from './without.js'

const can = allOf(canCreateNamespaces(), hasLink('veth'), hasLink('bridge'))

/** What each line needs: that `ip` can make it here. */
async function made(one: Scratch, line: string): Promise<boolean> {
  try {
    await bash(one, line)
    return true
  } catch {
    return false
  }
}

/** A link but for what tells of time, and of the moment: what has a carrier, and since when. */
const lasting = (link: Link): object => ({
  ...without(
    link,
    'statistics',
    'carrierChanges',
    'operationalState',
    'carrier',
    'promiscuity',
    'allmulti',
    'permanentAddress',
  ),
  flags: link.flags.filter(flag => !['RUNNING', 'LOWER_UP'].includes(flag)),
})

/** Lines that make `x0`, with what is set of it afterwards. */
const links: Record<string, string> = {
  'a veth of which everything is set':
    'ip link add x0 index 30 mtu 1400 address 02:00:00:00:00:01 numtxqueues 2 type veth peer name x1 index 31 && ip link set x0 alias "it is one" group 3 txqueuelen 77 mode dormant',
  'further names':
    'ip link add x0 type ifb && ip link property add dev x0 altname other altname another-name-of-the-link',
  'sysctls and IPv6 settings':
    'ip link add x0 type ifb && sysctl -qw net.ipv4.conf.x0.rp_filter=2 net.ipv4.conf.x0.arp_ignore=1 && ip link set x0 addrgenmode none up',
  'a vlan without reorder_hdr': 'ip link add x0 link d0 type vlan id 5 reorder_hdr off',
  'a vlan with flags': 'ip link add x0 link d0 type vlan id 5 gvrp on loose_binding on egress-qos-map 1:2',
  'a bridge with booleans':
    'ip link add x0 type bridge forward_delay 300 group_fwd_mask 8 && ip link set x0 type bridge no_linklocal_learn 1 vlan_filtering 1 mcast_snooping 0',
  'a bridge with the booleans of newer programs':
    'ip link add x0 type bridge mcast_vlan_snooping 1 vlan_filtering 1',
  'a port of a bridge':
    'ip link add x0 master br0 type ifb && ip link set x0 type bridge_slave cost 77 priority 9 hairpin on guard on learning off isolated on mcast_router 2 neigh_suppress on',
  'a dummy': 'ip link add x0 type dummy && ip link set x0 up arp off',
  'a vxlan': 'ip link add x0 type vxlan id 42 dev d0 group 239.1.1.1 dstport 4789 ttl 9 ageing 77',
  'a vxlan of IPv6':
    'ip link add x0 type vxlan id 43 local fd00::1 remote fd00::2 dstport 4789 udp6zerocsumtx',
  'a vxlan of which a program knows the far ends': 'ip link add x0 type vxlan id 44 external dstport 4790',
  'a macvlan': 'ip link add x0 link d0 type macvlan mode private bcqueuelen 77',
  'a macvlan with sources':
    'ip link add x0 link d0 type macvlan mode source && ip link set x0 type macvlan macaddr add 02:00:00:00:00:09',
  'an ipvlan': 'ip link add x0 link d0 type ipvlan mode l3 private',
  'a bond': 'ip link add x0 type bond mode active-backup miimon 100',
  'a bond of 802.3ad': 'ip link add x0 type bond mode 802.3ad lacp_rate fast xmit_hash_policy layer3+4',
  'a bond with ARP monitoring':
    'ip link add x0 type bond mode active-backup arp_interval 100 arp_ip_target 10.0.0.9 arp_validate active',
  'a bond with delays': 'ip link add x0 type bond mode balance-xor miimon 100 updelay 200 downdelay 300',
  ...Object.fromEntries(
    ['balance-rr', 'balance-xor', 'broadcast', 'balance-tlb', 'balance-alb'].map(mode => [
      `a bond of ${mode}`,
      `ip link add x0 type bond mode ${mode}`,
    ]),
  ),
  'a vrf': 'ip link add x0 type vrf table 77',
  'a geneve': 'ip link add x0 type geneve id 7 remote 10.0.0.9',
  'a gre': 'ip link add x0 type gre remote 10.0.0.9 local 10.0.0.1 ttl 9 key 7',
  'a sit': 'ip link add x0 type sit remote 10.0.0.9 local 10.0.0.1',
  'an ipip': 'ip link add x0 type ipip remote 10.0.0.9 local 10.0.0.1',
  'a macsec': 'ip link add x0 link d0 type macsec sci 1 encrypt on',
  'a netdevsim-like nlmon': 'ip link add x0 type nlmon',
}

/** Two pairs to be below others, and a bridge. */
async function ground(t: Test): Promise<Scratch> {
  const one = await scratch(t)
  await bash(
    one,
    'ip link add d0 type veth peer name d1; ip link add br0 type bridge; ip link set d0 up; ip link set d1 up',
  )
  return one
}

let equal = 0
for (const [about, line] of Object.entries(links)) {
  t.test(about, can, async t => {
    const one = await ground(t)
    if (!(await made(one, line))) {
      t.comment(`not here: ${line}`)
      return
    }
    const { rt } = one
    const before = rt.links.get('x0')
    rt.links.delete('x0')
    rt.links.add(before)
    t.strictSame(lasting(rt.links.get('x0')), lasting(before), line)
    equal++
  })
}

t.test('the other end of a veth is not made silently as another', can, async t => {
  const { rt, ...one } = await ground(t)
  await bash(one, 'ip link add x0 type veth peer name x1 mtu 1380')
  const [x0, x1] = [rt.links.get('x0'), rt.links.get('x1')]
  rt.links.delete('x0')
  rt.links.add(x0)
  t.throws(() => rt.links.add(x1), { code: 'EEXIST' }, 'its settings are for restore(), or for peer')
  rt.links.delete('x0')
  rt.links.add({ ...x0, kind: 'veth', peer: { name: x1.name, index: x1.index, mtu: x1.mtu } })
  t.equal(rt.links.get('x1').mtu, 1380)
})

t.test('a tunnel whose packets travel in another namespace', can, async t => {
  const [one, two] = [await ground(t), await ground(t)]
  if (!(await made(one, 'ip link add x0 type gre remote 10.0.0.9 local 10.0.0.1 && ip link del x0'))) {
    t.comment('not here: gre')
    return
  }
  await bash(
    one,
    `ip link add x0 type gre remote 10.0.0.9 local 10.0.0.1 && ip link set x0 netns ${two.name}`,
  )
  const { rt } = two
  const before = rt.links.get('x0')
  t.type(before.linkNetnsid, 'number')
  rt.links.delete('x0')
  rt.links.add(before)
  t.strictSame(lasting(rt.links.get('x0')), lasting(before))
})

t.test('how many links', can, async t => {
  t.comment(`${equal} of ${Object.keys(links).length} links were made again`)
  t.ok(equal > 6)
})
