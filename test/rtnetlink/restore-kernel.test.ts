import t, { type Test } from 'tap'
import { RtnetlinkSocket } from '../../src/rtnetlink-socket.js'
import type { RtnetlinkSnapshot, TableName } from '../../src/rtnetlink-snapshot.js'
import { allOf, canCreateNamespaces, hasFilter, hasLink } from '../helpers/privilege.js'
import { bash, scratch, type Scratch } from './scratch.js'

const can = allOf(canCreateNamespaces(), hasLink('veth'), hasLink('bridge'))

/**
 * What fills a namespace. A line that the running kernel, or its `ip`, cannot carry out is left out and counted. A kernel that has
 * loaded tunnels has the first indexes in use: each namespace comes with a device of each.
 */
const LINES = [
  'ip link set lo up alias "the loopback"',
  // The children are listed before their parents here.
  'ip link add index 109 br0 address 02:00:00:00:00:20 type bridge forward_delay 300 && ip link set br0 addrgenmode none && ip link set br0 up',
  'ip link set br0 type bridge no_linklocal_learn 1',
  'ip link add index 105 a0 address 02:00:00:00:00:05 mtu 1400 type veth peer name b0 index 104 address 02:00:00:00:00:04 mtu 1380',
  'ip link set a0 addrgenmode none && ip link set b0 addrgenmode none && ip link set a0 master br0 up && ip link set b0 up group 7 alias "it is b0"',
  'ip link set a0 type bridge_slave cost 77 priority 9 hairpin on isolated on',
  'ip link property add dev b0 altname other altname another-name-of-the-link',
  'ip link add index 103 link b0 name b0.5 type vlan id 5 reorder_hdr off && ip link set b0.5 addrgenmode none && ip link set b0.5 up',
  'ip link add index 112 x0 address 02:00:00:00:00:12 type vxlan id 42 dev b0 group 239.1.1.1 dstport 4789',
  'ip link add index 113 m0 address 02:00:00:00:00:13 link b0 type macvlan mode bridge',
  'ip link add index 114 d0 address 02:00:00:00:00:14 type dummy && ip link set d0 addrgenmode none && ip link set d0 up',
  'ip link add index 115 i0 address 02:00:00:00:00:15 type ifb && ip link set i0 addrgenmode none && ip link set i0 up',
  'ip link add index 117 v0 address 02:00:00:00:00:17 type vrf table 77',
  'ip addr add 10.9.0.2/24 brd + dev b0 && ip addr add 10.9.0.3/24 dev b0 && ip addr add 10.8.0.2 peer 10.8.0.3 dev b0',
  'ip addr add fd00::2/64 dev b0 nodad && ip addr add 10.7.0.1/24 dev br0 && ip addr add 127.0.0.9/8 dev lo',
  'ip route add default via 10.9.0.1 && ip route add 10.20.0.0/16 via 10.8.0.3 src 10.9.0.3 metric 7',
  'ip route add 10.21.0.0/16 nexthop via 10.9.0.1 weight 3 nexthop via 10.8.0.3 dev b0 && ip route add blackhole 10.23.0.0/16',
  'ip -6 route add default via fd00::1 && ip -6 route add fd20::/32 via fd00::9 table 200 pref high',
  'ip route add 10.24.0.0/16 via 10.9.0.1 realms 3/4',
  'ip route add 10.25.0.0/16 encap mpls 100/200 via 10.9.0.1',
  'ip route add 10.26.0.0/16 encap ip id 7 dst 10.9.0.9 via 10.9.0.1',
  'ip route add 10.27.0.0/16 nexthop encap mpls 300 via 10.9.0.1 nexthop via 10.8.0.3 dev b0',
  'ip -6 route add fd30::/32 encap seg6 mode encap segs fd00::7,fd00::8 dev b0',
  'ip neigh add 10.9.0.1 lladdr 02:00:00:00:00:99 dev b0 && ip neigh add proxy 10.9.0.77 dev b0',
  'tc qdisc add dev b0 root handle 1: htb default 20',
  'tc class add dev b0 parent 1: classid 1:1 htb rate 100mbit && tc class add dev b0 parent 1:1 classid 1:20 htb rate 10mbit',
  'tc qdisc add dev b0 parent 1:20 handle 20: pfifo limit 77',
  'tc qdisc add dev a0 clsact && tc qdisc add dev i0 root handle 5: tbf rate 1mbit burst 10kb latency 50ms',
  'tc filter add dev b0 parent 1: prio 7 protocol ip u32 match ip dst 10.0.0.7 classid 1:20',
  'tc filter add dev b0 parent 1: prio 5 protocol ip u32 match ip dst 10.0.0.5 classid 1:20',
  'tc filter add dev a0 ingress prio 3 protocol ip u32 match ip src 10.0.0.1 action mirred egress redirect dev b0',
] as const

async function fill(t: Test, one: Scratch): Promise<void> {
  const left: string[] = []
  for (const line of LINES) await bash(one, line).catch(() => left.push(line))
  t.comment(`${LINES.length - left.length} of ${LINES.length} lines; not here: ${left.join('; ')}`)
}

/** What changes by itself, or with the moment. */
const PASSING = new Set(
  (
    'statistics carrierChanges carrier operationalState promiscuity allmulti created updated references age' +
    ' confirmed used probes validLifetime preferredLifetime ipv6Sysctls'
  ).split(' '),
)
const FLAGS = /^(RUNNING|LOWER_UP|DORMANT|tentative|linkdown|dead)$/

/** What the kernel learns by itself depends on the moment. */
const isLearnt = (object: object): boolean =>
  'state' in object && !('proxy' in object) && object.state !== 'permanent'

const texts = (objects: readonly object[]): string[] =>
  objects
    .filter(object => !isLearnt(object))
    .map(object =>
      JSON.stringify(object, (key, value: unknown) => {
        if (PASSING.has(key)) return undefined
        if (key === 'flags') return (value as string[]).filter(flag => !FLAGS.test(flag))
        // The kernel numbers the root tables of u32 in the order in which they are made.
        if (key === 'handle' && typeof value === 'string') return value.replace(/^8[\da-f]{2}:/, 'root:')
        return typeof value === 'bigint' ? String(value) : value
      }),
    )
    .sort()

t.test('a namespace full of objects is made again in another', can, async t => {
  const [one, two] = [await scratch(t), await scratch(t)]
  await fill(t, one)
  await using from = await RtnetlinkSocket.open({ netns: one.name })
  await using to = await RtnetlinkSocket.open({ netns: two.name })
  const lists = await from.snapshot()
  const { added, leftOut, refused } = await to.restore(lists)
  for (const { table, error } of refused) t.comment(`${table}: ${error.message}`)
  t.strictSame(
    refused.map(({ table, object, error }) => [table, error.message, object]),
    [],
    'nothing is refused',
  )
  t.ok(leftOut.every(({ why }) => /^(comes|is|was) /.test(why)))
  const again = await to.snapshot()
  let count = 0
  for (const table of Object.keys(lists) as TableName[]) {
    t.strictSame(texts(again[table]), texts(lists[table]), table)
    count += lists[table].length
  }
  t.comment(`${count} objects: ${added.length} made again, ${leftOut.length} left to the kernel`)
  t.ok(added.length > 25 && leftOut.length > 10)
})

t.test('BPF filters of one priority keep their order', allOf(can, hasFilter('bpf')), async t => {
  const { name } = await scratch(t)
  await using rt = await RtnetlinkSocket.open({ netns: name })
  await rt.links.add({ name: 'a0', kind: 'veth', peer: { name: 'b0' } })
  await rt.qdiscs.add({ dev: 'a0', kind: 'clsact' })
  const place = { dev: 'a0', parent: 'ingress', priority: 5, protocol: 'all', kind: 'bpf' } as const
  for (const k of [1, 2, 3]) {
    const program = [{ code: 6, jt: 0, jf: 0, k }]
    await rt.filters.add({ ...place, program, classid: `1:${k}` })
  }
  const order = async (): Promise<unknown[]> =>
    (await rt.filters.list({ dev: 'a0', parent: 'ingress' })).map(
      filter => 'classid' in filter && filter.classid,
    )
  const before = await order()
  t.strictSame([...before].sort(), ['1:1', '1:2', '1:3'])
  const lists = await rt.snapshot(['qdiscs', 'filters'])
  await rt.qdiscs.delete({ dev: 'a0', kind: 'clsact' })
  const { refused } = await rt.restore(lists)
  t.strictSame(refused, [])
  t.strictSame(await order(), before)
})

t.test('what is refused is said, and the rest is made', can, async t => {
  const { name } = await scratch(t)
  await using rt = await RtnetlinkSocket.open({ netns: name })
  await bash({ name, path: `/run/netns/${name}` }, 'ip link add a0 type ifb; ip link add b0 type ifb')
  const { links } = await rt.snapshot(['links'])
  for (const dev of ['a0', 'b0']) await rt.links.delete(dev)
  const [lo, a0, b0] = ['lo', 'a0', 'b0'].map(wanted => links.find(({ name }) => name === wanted))
  const lists: Partial<RtnetlinkSnapshot> = {
    links: [lo!, { ...a0!, uncarried: ['IFLA_XDP.IFLA_XDP_ATTACHED'] }, b0!],
  }
  const { added, refused } = await rt.restore(lists)
  t.strictSame(
    added.map(({ object }) => 'name' in object && object.name),
    ['lo', 'b0'],
  )
  t.match(refused, [{ table: 'links', object: { name: 'a0' }, error: { message: /IFLA_XDP_ATTACHED/ } }])
  await t.rejects(rt.restore({ link: [] } as object), {
    message: /^RtnetlinkSocket.restore: unknown 'link', did you mean 'links'\?/,
  })
})
