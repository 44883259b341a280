import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import t, { type Test } from 'tap'
import {
  link,
  type BridgePort,
  type LinkChange,
  type LinkSpec,
  type PlainLinkSpec,
} from '../../src/rtnetlink/index.js'
import { ip, ipJson } from '../helpers/iproute2.js'
import { allOf, canCreateNamespaces, hasLink } from '../helpers/privilege.js'
import { ipLink, linkAsIp, type Json } from './as-ip-shows.js'
import { bash, scratch, VETH, type Scratch } from './scratch.js'
import { without } from './without.js'

const ours = ({ rt }: Scratch): Json[] => rt.links.list({}).map(linkAsIp)
const ips = async ({ name }: Scratch): Promise<Json[]> => (await ipJson(name, '-d -s link show')).map(ipLink)

/** Asserts that we and `ip` list the same links with the same statistics, as soon as nothing changes meanwhile. */
async function sameAsIp(t: Test, made: Scratch): Promise<void> {
  const before = ours(made)
  const shown = await ips(made)
  if (isDeepStrictEqual(ours(made), before)) t.strictSame(before, shown, 'ip -d -s link shows the same')
  else await sameAsIp(t, made)
}

/** The links as `ip` shows them, but for addresses chosen at random and what tells of time. */
async function shown({ name }: Scratch): Promise<unknown> {
  const links = await ipJson<{ address: string; linkinfo?: { info_data?: Json } }>(name, '-d link show')
  return links.map(({ address, linkinfo, ...rest }) => ({
    ...rest,
    address: address.startsWith('02:') && address,
    kind: without(linkinfo ?? {}, 'info_data'),
    data: without(linkinfo?.info_data ?? {}, 'bridge_id', 'root_id', 'gc_timer', 'hello_timer'),
  }))
}

/** A VLAN needs a device below it. */
function hasVlan(): { skip: false | string } {
  const script = 'ip link add a0 type veth; ip link add link a0 name a0.5 type vlan id 5'
  const { status, stderr } = spawnSync('unshare', ['--net', 'sh', '-ec', script], { encoding: 'utf8' })
  return { skip: status === 0 ? false : `link vlan: ${stderr.trim()}` }
}

const links: Record<string, LinkSpec> = {
  veth: VETH,
  ifb: { name: 'ifb0', kind: 'ifb', index: 20, address: '02:00:00:00:00:0c', txQueues: 2, rxQueues: 1 },
  dummy: { name: 'dummy0', kind: 'dummy', index: 20, address: '02:00:00:00:00:0d', up: true },
  bridge: {
    name: 'br0',
    kind: 'bridge',
    index: 20,
    address: '02:00:00:00:00:0e',
    forwardDelay: 300,
    stpState: 1,
    priority: 4096,
    ageingTime: 12300,
    mcastSnooping: 0,
    groupFwdMask: 8,
  },
}

for (const [kind, spec] of Object.entries(links)) {
  t.test(
    `a ${kind}: as ip shows it, and as its command line makes it`,
    allOf(canCreateNamespaces(), hasLink(kind)),
    async t => {
      const [one, two] = [await scratch(t), await scratch(t)]
      one.rt.links.add(spec)
      await sameAsIp(t, one)
      await bash(two, link.command('add', spec))
      t.strictSame(await shown(two), await shown(one), link.command('add', spec))
      const again = without(one.rt.links.get(20), 'alias', 'inet', 'inet6') as LinkSpec
      one.rt.links.delete(20)
      one.rt.links.add(again)
      if (kind !== 'veth')
        t.strictSame(await shown(one), await shown(two), 'what was listed can be added again')
      else
        t.match(
          one.rt.links.get('a0'),
          { index: 20, mtu: 1400, peer: { index: 21 } },
          'but for the other end',
        )
    },
  )
}

t.test(
  'a vlan: as ip shows it, and as its command line makes it',
  allOf(canCreateNamespaces(), hasLink('veth'), hasVlan()),
  async t => {
    const spec: LinkSpec = {
      name: 'a0.5',
      kind: 'vlan',
      link: 'a0',
      id: 5,
      protocol: '802.1ad',
      reorderHdr: true,
      gvrp: true,
      egressQosMap: [{ from: 1, to: 2 }],
    }
    const [one, two] = [await scratch(t), await scratch(t)]
    for (const { rt } of [one, two]) rt.links.add(VETH)
    one.rt.links.add(spec)
    await sameAsIp(t, one)
    await bash(two, link.command('add', spec))
    t.strictSame(await shown(two), await shown(one), link.command('add', spec))
    t.match(one.rt.links.get('a0.5'), spec)
  },
)

t.test('what cannot be made says so', allOf(canCreateNamespaces()), async t => {
  const { rt } = await scratch(t)
  t.throws(() => rt.links.add({ name: 'x', kind: 'no-such-kind' as 'dummy' }), {
    code: 'EOPNOTSUPP',
    extack: 'Unknown device type',
  })
  t.throws(() => rt.links.get('nope'), { code: 'ENODEV', command: 'ip link show dev nope' })
  t.throws(() => rt.links.delete('nope'), { code: 'ENODEV', command: 'ip link delete dev nope' })
  t.throws(() => rt.links.change({ dev: 'nope', up: true }), {
    code: 'ENODEV',
    command: 'ip link set dev nope up',
  })
  t.throws(
    () => rt.links.change({ dev: 'nope', group: 0, mtu: 1000 }),
    { code: 'ENODEV', name: 'NoSuchDeviceError' },
    'not all links of group 0',
  )
  t.equal(rt.links.get('lo').mtu, 65536)
})

/** The pair but for what differs between one made at one time and one made at another. */
const comparable = ({ rt }: Scratch): object[] =>
  rt.links.list({ kind: 'veth' }).map(found => ({
    ...without(found, 'statistics', 'carrierChanges', 'operationalState'),
    flags: found.flags.filter(flag => !['RUNNING', 'LOWER_UP'].includes(flag)),
  }))

t.test('changes of a link', allOf(canCreateNamespaces(), hasLink('veth')), async t => {
  const [one, two] = [await scratch(t), await scratch(t)]
  for (const { rt } of [one, two]) {
    rt.links.add(VETH)
    rt.links.change({ dev: 'b0', up: true })
  }
  const changes: LinkChange[] = [
    { dev: 'a0', alias: `it's web-1 32768-33791`, up: true, inet6: { addrGenMode: 'none' } },
    { dev: 20, mtu: 1200, txQueueLength: 10, group: 9, arp: true, promisc: true, allmulticast: true },
    { dev: 'a0', address: '02:00:00:00:00:99', gsoMaxSize: 30000, gsoMaxSegments: 10 },
    { dev: 'a0', inet: { rp_filter: 1, accept_local: 1, route_localnet: 1, arp_ignore: 8 } },
    { dev: 'a0', up: false },
    { dev: 'a0', name: 'a1' },
    { dev: 'a1', promisc: false, allmulticast: false, multicast: true },
  ]
  for (const change of changes) {
    const line = link.command('change', change)
    one.rt.links.change(change)
    await bash(two, line)
    t.strictSame(comparable(two), comparable(one), line)
  }
  await sameAsIp(t, one)
  t.match(one.rt.links.get('a1'), {
    alias: `it's web-1 32768-33791`,
    inet: { rp_filter: 1, accept_local: 1, route_localnet: 1, arp_ignore: 8 },
  })
})

t.test(
  'options of a port of a bridge',
  allOf(canCreateNamespaces(), hasLink('veth'), hasLink('bridge')),
  async t => {
    const [one, two] = [await scratch(t), await scratch(t)]
    for (const { rt } of [one, two]) {
      rt.links.add({ name: 'br0', kind: 'bridge' })
      rt.links.add({ ...VETH, master: 'br0' })
    }
    const { bridgePort = {} } = one.rt.links.get('a0')
    t.ok(Object.keys(bridgePort).length >= 17)
    // Those that need another option first, and those that ip 6.1 has no words for.
    const free = without(
      bridgePort,
      'mab',
      'vlanTunnel',
      'neighVlanSuppress',
      'mcastMaxGroups',
      'mcastEhtHostsLimit',
    ) as BridgePort
    const others = Object.fromEntries(
      Object.entries(free).map(([name, value]) => [
        name,
        typeof value === 'boolean' ? !value : Number(value) ^ 1,
      ]),
    )
    for (const options of [others, free, { groupFwdMask: 65_533 }]) {
      one.rt.links.change({ dev: 'a0', bridgePort: options })
      t.match(one.rt.links.get('a0').bridgePort, options)
      await bash(two, link.command('change', { dev: 'a0', bridgePort: options }))
      t.strictSame(two.rt.links.get('a0').bridgePort, one.rt.links.get('a0').bridgePort)
    }
    await sameAsIp(t, one)
    t.throws(() => one.rt.links.change({ dev: 'b0', bridgePort: { learning: false } }), {
      code: 'EOPNOTSUPP',
    })
  },
)

t.test('sysctls of a link are those of /proc', allOf(canCreateNamespaces(), hasLink('veth')), async t => {
  const one = await scratch(t)
  one.rt.links.add(VETH)
  const names = Object.keys(one.rt.links.get('a0').inet ?? {})
  t.ok(names.length >= 33)
  // Each gets a value of its own: a name with the wrong number is found.
  const values = names
    .filter(name => !/^(forwarding|mc_forwarding)$/.test(name))
    .map((name, i) => [name, i + 2] as const)
  one.rt.links.change({ dev: 'a0', inet: Object.fromEntries(values) })
  const lines = (await bash(one, 'cd /proc/sys/net/ipv4/conf/a0; grep -H "" *')).trim().split('\n')
  const inProc = new Map(lines.map(line => line.split(':') as [string, string]))
  for (const [name, value] of values.filter(([name]) => inProc.has(name)))
    t.equal(Number(inProc.get(name)), value, name)
  t.ok(values.filter(([name]) => !inProc.has(name)).length <= 2, 'all but few are in /proc')
})

t.test(
  'a container is made, named and configured in one batch',
  allOf(canCreateNamespaces(), hasLink('veth')),
  async t => {
    const [host, container] = [await scratch(t), await scratch(t)]
    const fd = openSync(container.path, 'r')
    t.teardown(() => {
      closeSync(fd)
    })
    const pair: PlainLinkSpec = {
      name: 'pm1',
      kind: 'veth',
      arp: false,
      peer: { name: 'eth0', mtu: 1400, netns: { fd, name: container.name } },
    }
    const results = host.rt.batch(batch => {
      batch.links.add(pair)
      batch.links.change({ dev: 'pm1', alias: 'web-1', inet: { rp_filter: 1 }, up: true })
    })
    t.strictSame(
      results.map(({ error }) => error),
      [undefined, undefined],
    )
    const near = host.rt.links.get('pm1')
    const far = container.rt.links.get('eth0')
    t.match(near, { alias: 'web-1', up: true, arp: false, inet: { rp_filter: 1 } })
    t.equal(far.mtu, 1400)
    t.equal(near.kind === 'veth' && near.peer?.index, far.index)
    await sameAsIp(t, host)
    host.rt.links.delete('pm1')
    t.throws(() => container.rt.links.get('eth0'), { code: 'ENODEV' })
    await bash(host, link.command('add', pair))
    t.equal(container.rt.links.get('eth0').mtu, 1400, link.command('add', pair))
    host.rt.links.delete('pm1')
    await bash(host, link.command('add', { ...pair, peer: { ...pair.peer, netns: { fd } } }))
    t.equal(container.rt.links.get('eth0').mtu, 1400, 'without a name, by this process')
  },
)

t.test(
  'lists of links are narrowed',
  allOf(canCreateNamespaces(), hasLink('veth'), hasLink('bridge')),
  async t => {
    const { rt } = await scratch(t)
    rt.links.add({ name: 'br0', kind: 'bridge' })
    rt.links.add({ name: 'a0', kind: 'veth', master: 'br0', up: true, peer: { name: 'b0', group: 5 } })
    const names = (query: Parameters<typeof rt.links.list>[0]): string[] =>
      rt.links
        .list(query)
        .map(({ name }) => name)
        .sort()
    t.strictSame(names({}), ['a0', 'b0', 'br0', 'lo'])
    t.strictSame(names({ kind: 'veth' }), ['a0', 'b0'])
    t.strictSame(names({ kind: 'no-such-kind' }), [])
    t.strictSame(names({ master: 'br0' }), ['a0'])
    t.strictSame(names({ master: rt.links.get('br0').index, kind: 'veth' }), ['a0'])
    t.strictSame(names({ up: true }), ['a0'])
    t.strictSame(names({ group: 5 }), ['b0'])
    t.ok(rt.links.list({}).every(({ statistics }) => statistics))
    t.match(rt.links.get('a0'), { master: 'br0', slaveKind: 'bridge' })
    rt.links.change({ dev: 'a0', master: null })
    t.equal(rt.links.get('a0').master, undefined)
  },
)

t.test('a positive control: ip and we see a change of the other', canCreateNamespaces(), async t => {
  const one = await scratch(t)
  await ip(one.name, 'link set lo up')
  t.equal(one.rt.links.get('lo').up, true)
  one.rt.links.change({ dev: 'lo', up: false })
  t.notMatch(await ip(one.name, 'link show lo'), /UP/)
})
