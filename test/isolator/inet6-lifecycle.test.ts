import { setImmediate as nextTurn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { defaultGateways } from '../../src/isolator/host/inet6-routers.js'
import type { IsolatorError } from '../../src/isolator/isolator-error.js'
import type { PortMappingIsolatorOptions } from '../../src/isolator/options/options.js'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { RtnetlinkSocket } from '../../src/rtnetlink-socket.js'
import { ip, ipBatch, ipJson, runIn, tc } from '../helpers/iproute2.js'
import { tcpConnect, tcpEcho } from '../helpers/tcp-traffic.js'
import { createTopology, HOST_IP, HOST_MAC, type NamespaceRef, type Topology } from '../helpers/topology.js'
import { HOST_IP6, HOST_LINES, REMOTE_IP6, twoContainers6 } from './inet6-topology.js'
import { needsIsolation, OPTIONS, PATIENTLY } from './isolated-topology.js'
import { changesNothing, settleLoopback } from './kernel-state.js'

const PORTS = '31000-31007'
const OTHER_IP6 = '2001:db8:9::3'

async function emptyTopology(t: Test, hostLines: readonly string[] = HOST_LINES): Promise<Topology> {
  const topology = await createTopology({ containers: 1, prefix: 'i' })
  t.teardown(() => topology.close())
  await settleLoopback(topology.host, HOST_MAC)
  await ipBatch(topology.host.name, [...hostLines])
  await ipBatch(topology.remote.name, [
    `addr add ${REMOTE_IP6}/64 dev eth0 nodad`,
    'addr add fe80::1/64 dev eth0 nodad',
  ])
  return topology
}

const create = ({ host }: Topology, options: Partial<PortMappingIsolatorOptions> = {}) =>
  PortMappingIsolator.create({ ...OPTIONS, netns: host.name, ipv6: true, ...options })

interface ShownAddress {
  family: string
  local: string
  prefixlen: number
  scope: string
}

/** The IPv6 addresses of a container. */
async function shownIn({ name }: NamespaceRef): Promise<ShownAddress[]> {
  const links = await ipJson<{ addr_info: ShownAddress[] }>(name, 'addr show dev eth0')
  return links.flatMap(({ addr_info }) => addr_info.filter(({ family }) => family === 'inet6'))
}

const addressesIn = async (container: NamespaceRef): Promise<string[]> =>
  (await shownIn(container)).map(({ local }) => local)

/** Its global ones, in the order in which it prefers them. */
const prefixesIn = async (container: NamespaceRef): Promise<string[]> =>
  (await shownIn(container)).flatMap(({ local, prefixlen, scope }) =>
    scope === 'global' ? [`${local}/${prefixlen}`] : [],
  )

const reaches = async ({ remote, containers: [c1] }: Topology, address: string): Promise<string> => {
  await using server = await tcpEcho(c1!, '::', 31_000)
  return await tcpConnect(remote, address, server.port, PATIENTLY)
}

t.test('what is made is taken away', needsIsolation(), async t => {
  const topology = await emptyTopology(t)
  const { host, containers } = topology
  const [c1] = containers
  await ip(c1!.name, 'link set lo up')
  await changesNothing(t, [host], async () => {
    const isolator = await create(topology)
    await isolator.isolate('web-1', { netns: c1!.name, ports: PORTS })
    t.equal(await reaches(topology, HOST_IP6), 'connected')
    t.ok(await isolator.cleanup('web-1'))
    await isolator.isolate('web-2', { netns: c1!.name, ports: PORTS })
    t.equal(await reaches(topology, HOST_IP6), 'connected', 'the same namespace again')
    await isolator.destroy()
  })
  await changesNothing(t, [host], async () => {
    const isolator = await create(topology)
    await isolator.isolate('web-1', { netns: c1!.name, ports: PORTS })
    await isolator.close()
    await PortMappingIsolator.remove({ netns: host.name })
  })
})

t.test('after a restart', needsIsolation(), async t => {
  const topology = await emptyTopology(t)
  const { host, containers } = topology
  const first = await create(topology)
  await first.isolate('web-1', { netns: containers[0]!.name, ports: PORTS })
  await first.close()

  await t.test('the same again', async t => {
    const second = await create(topology)
    t.strictSame((await second.recover(['web-1'])).recovered, ['web-1'])
    t.strictSame(await second.verify(), [])
    t.equal(await reaches(topology, HOST_IP6), 'connected')
    await second.close()
  })
  await t.test('without IPv6', async t => {
    await changesNothing(t, [host], () =>
      t.rejects(create(topology, { ipv6: false, ephemeralPortsPerContainer: 512 }), {
        code: 'ERR_FOREIGN_STATE',
        message: /'ipv6' as before/,
      }),
    )
  })
  await t.test('with another address, and another gateway', async t => {
    await ip(host.name, `addr add ${OTHER_IP6}/64 dev eth0 nodad`)
    const third = await create(topology, { gateway6: REMOTE_IP6, addresses6: [HOST_IP6, OTHER_IP6] })
    await third.recover(['web-1'])
    t.strictSame(await third.verify(), [], 'recover() gives the container what it is to have')
    for (const address of [HOST_IP6, OTHER_IP6])
      t.equal(await reaches(topology, address), 'connected', address)
    await third.close()
  })
  await t.test('with fewer', async t => {
    const fourth = await create(topology, { addresses6: [HOST_IP6], neighbours6: 'prefix' })
    await fourth.recover(['web-1'])
    t.strictSame(await fourth.verify(), [])
    t.strictSame(await prefixesIn(containers[0]!), [`${HOST_IP6}/64`], 'none of before, and its new prefix')
    t.equal(await reaches(topology, HOST_IP6), 'connected')
    await fourth.destroy()
  })
})

t.test('a host that had none of it', needsIsolation(), async t => {
  const topology = await emptyTopology(t)
  const before = await create(topology, { ipv6: false })
  await before.isolate('web-1', { netns: topology.containers[0]!.name, ports: PORTS })
  t.strictSame(await addressesIn(topology.containers[0]!), [], 'IPv6 is off in the container')
  await before.close()
  const isolator = await create(topology)
  t.teardown(() => isolator.destroy())
  await isolator.recover(['web-1'])
  t.strictSame(await isolator.verify(), [])
  t.equal(await reaches(topology, HOST_IP6), 'connected', 'after recover() the container has IPv6')
})

t.test('a filter of others ahead of those for IPv6', needsIsolation(), async t => {
  const topology = await emptyTopology(t)
  const { host } = topology
  const isolator = await create(topology)
  t.teardown(() => isolator.destroy())
  const matches = 'u32 match u32 0 0 at 0 flowid 1:1'
  await tc(host.name, `filter add dev eth0 ingress prio 1024 protocol ip ${matches}`)
  t.strictSame(await isolator.verify(), [], 'one for IPv4 is behind those for IPv4')
  await tc(host.name, `filter add dev eth0 ingress prio 1025 protocol ipv6 ${matches}`)
  t.match(await isolator.verify(), [{ kind: 'ahead', foreign: true, object: /prio 1025/ }])
})

t.test('a priority of others', needsIsolation(), async t => {
  const topology = await emptyTopology(t)
  const { host } = topology
  await tc(host.name, 'qdisc add dev eth0 clsact')
  await tc(host.name, 'filter add dev eth0 ingress prio 1030 protocol ipv6 u32 match u32 0 0 at 0 flowid 1:1')
  await changesNothing(t, [host], async () => {
    const isolator = await create(topology, { ipv6: false })
    t.strictSame(await isolator.verify(), [], 'without IPv6 it is nothing to us')
    await isolator.destroy()
  })
  await tc(host.name, 'filter add dev eth0 ingress prio 1030 protocol ipv6 handle 14: u32 divisor 1')
  await tc(
    host.name,
    'filter add dev eth0 ingress prio 1030 protocol ipv6 handle 14:0:1 u32 ht 14: match u32 0 0 at 0 flowid 1:1',
  )
  for (const _ of [1, 2]) {
    const isolator = await create(topology, { ipv6: false })
    t.strictSame(await isolator.verify(), [], 'nor is one in a table of such a number')
    await isolator.close()
  }
  await PortMappingIsolator.remove({ netns: host.name })
  await tc(host.name, 'filter del dev eth0 ingress prio 1030')
  await changesNothing(t, [host], async () => {
    const isolator = await create(topology)
    await isolator.isolate('web-1', { netns: topology.containers[0]!.name, ports: PORTS })
    t.equal(await reaches(topology, HOST_IP6), 'connected')
    await isolator.destroy()
  })
})

t.test('addresses and gateways', needsIsolation(), async t => {
  const lines = [
    `addr add 2001:db8:9::7/64 dev eth0 nodad preferred_lft 0`,
    `addr add ${OTHER_IP6}/64 dev eth0 nodad`,
    'route add default via fe80::9 dev eth0 metric 2048',
    'route change default via fe80::1 dev eth0 src 2001:db8:9::3 metric 1024',
  ]
  const topology = await emptyTopology(t, [...HOST_LINES, ...lines])
  const [c1] = topology.containers
  const isolator = await create(topology)
  t.teardown(() => isolator.destroy())
  await isolator.isolate('web-1', { netns: c1!.name, ports: PORTS })
  t.strictSame(isolator.host.ipv6, {
    addresses: [OTHER_IP6, HOST_IP6],
    linkLocal: 'fe80::aff:fe09:2',
    gateways: ['fe80::1', 'fe80::9'],
  })
  t.strictSame(
    (await addressesIn(c1!)).sort(),
    [HOST_IP6, OTHER_IP6, 'fe80::aff:fe09:2'],
    'none that is deprecated',
  )
  t.match(
    await runIn(c1!.path, 'ip', '-6', 'route', 'get', REMOTE_IP6),
    new RegExp(`via fe80::1 .*src ${OTHER_IP6}`),
    'as the host prefers',
  )
})

t.test('what is refused', needsIsolation(), async t => {
  const topology = await emptyTopology(t, [
    'link set eth0 addrgenmode none',
    'addr flush dev eth0 scope link',
  ])
  await changesNothing(t, [topology.host], async () => {
    const refuses = async (options: Partial<PortMappingIsolatorOptions>, option: string) => {
      const error = await create(topology, options).catch((error: unknown) => error as IsolatorError)
      t.match(error, { code: 'ERR_INVALID_OPTION', details: { option } })
    }
    await refuses({}, 'ipv6')
    await refuses({ addresses6: [HOST_IP6] }, 'addresses6[0]')
    await refuses({ addresses6: [] }, 'addresses6')
    await refuses({ addresses6: ['10.9.0.2'] }, 'addresses6[0]')
    await refuses({ gateway6: 'fe80::1%eth0' }, 'gateway6')
    await refuses({ ipv6: false, addresses6: [HOST_IP6] }, 'addresses6')
    await refuses({ ipv6: false, gateway6: 'none' }, 'gateway6')
    await refuses({ ipv6: false, neighbours6: 'prefix' }, 'neighbours6')
  })
  const auto = await create(topology, { ipv6: 'auto' })
  t.equal(auto.host.ipv6, undefined, "'auto' does without")
  await auto.destroy()
})

t.test('what is missing inside is put back', needsIsolation(), async t => {
  const { isolator, remote, c1 } = await twoContainers6(t)
  await ipBatch(c1.name, [`addr del ${HOST_IP6}/128 dev eth0`, 'route del default via fe80::1 dev eth0'])
  await runIn(c1.path, 'sysctl', '-qw', 'net.ipv6.conf.eth0.accept_ra=2')
  await runIn(c1.path, 'tc', 'filter', 'del', 'dev', 'lo', 'ingress', 'prio', '1030')
  t.not((await isolator.verify('web-1')).length, 0)
  await isolator.repair('web-1')
  t.strictSame(await isolator.verify('web-1'), [])
  await using server = await tcpEcho(c1, '::', c1.port)
  t.equal(await tcpConnect(remote, HOST_IP6, server.port, PATIENTLY), 'connected')
})

/** What `create()` warns of. */
async function warningsOf(work: () => Promise<unknown>): Promise<string[]> {
  const warnings: string[] = []
  const note = (warning: Error & { code?: string }): void => {
    if (warning.code === 'RTNETLINK_ROUTES') warnings.push(warning.message)
  }
  process.on('warning', note)
  try {
    await work()
    await nextTurn()
    return warnings
  } finally {
    process.off('warning', note)
  }
}

t.test('many routers, and none', needsIsolation(), async t => {
  const lines = Array.from(
    { length: 20 },
    (_, i) => `route add default via fe80::a:${i} dev eth0 metric ${2000 - i}`,
  )
  const topology = await emptyTopology(t, [...HOST_LINES, ...lines])
  const warnings = await warningsOf(async () => {
    const isolator = await create(topology)
    t.strictSame(isolator.host.ipv6?.gateways.slice(0, 3), ['fe80::1', 'fe80::a:19', 'fe80::a:18'])
    t.equal(isolator.host.ipv6?.gateways.length, 16)
    await isolator.isolate('web-1', { netns: topology.containers[0]!.name, ports: PORTS })
    t.strictSame(await isolator.verify(), [])
    await isolator.destroy()
  })
  t.match(warnings, [/21 IPv6 default routers on eth0.* the first 16: 'gateway6' takes/])
  await ip(topology.host.name, '-6 route flush default')
  const without = await warningsOf(async () => (await create(topology)).destroy())
  t.match(without, [/no IPv6 default route .*: 'gateway6' takes/])
  t.strictSame(await warningsOf(async () => (await create(topology, { gateway6: 'none' })).destroy()), [])
})

t.test('routers of the same metric', async t => {
  const said = ['low', undefined, 'high', 'medium'] as const
  const routes = said.map((preference, i) => ({
    dev: 'eth0',
    metric: 1024,
    gateway: `fe80::${i}`,
    preference,
  }))
  const first = { dev: 'eth0', metric: 512, gateway: 'fe80::5', preference: 'low' }
  const rt = { routes: { list: () => Promise.resolve([...routes, first]) } } as unknown as RtnetlinkSocket
  t.strictSame(await defaultGateways(rt, 'eth0'), ['fe80::5', 'fe80::2', 'fe80::1', 'fe80::3', 'fe80::0'])
})

t.test("'auto' waits for addresses that are looked for duplicates of", needsIsolation(), async t => {
  const topology = await emptyTopology(t, [...HOST_LINES.slice(0, 2), `addr add ${HOST_IP6}/64 dev eth0`])
  const isolator = await create(topology, { ipv6: 'auto' })
  t.strictSame(isolator.host.ipv6?.addresses, [HOST_IP6])
  await isolator.destroy()
})

t.test("'auto' keeps what containers share when the host has lost it", needsIsolation(), async t => {
  const topology = await emptyTopology(t)
  const first = await create(topology)
  await first.isolate('web-1', { netns: topology.containers[0]!.name, ports: PORTS })
  await first.close()
  await ip(topology.host.name, `addr del ${HOST_IP6}/64 dev eth0`)
  const warnings = await warningsOf(async () => {
    const second = await create(topology, { ipv6: 'auto' })
    await second.recover(['web-1'])
    t.strictSame(second.host.ipv6?.addresses, [HOST_IP6])
    t.strictSame(await second.verify(), [])
    await second.destroy()
  })
  t.match(warnings, [/no IPv6 address to share now, and containers keep 2001:db8:9::2/])
})

t.test('many addresses', needsIsolation(), async t => {
  const lines = Array.from({ length: 70 }, (_, i) => `addr add 2001:db8:9::1:${i}/64 dev eth0 nodad`)
  const topology = await emptyTopology(t, [...HOST_LINES, ...lines])
  await changesNothing(t, [topology.host], async () => {
    await t.rejects(create(topology), {
      code: 'ERR_INVALID_OPTION',
      message: /eth0 has 71 IPv6 addresses to share/,
    })
    await t.rejects(create(topology, { addresses6: [HOST_IP6] }), {
      code: 'ERR_INVALID_OPTION',
      message: /the host has 72 IPv6 addresses/,
    })
  })
  const warnings = await warningsOf(async () => {
    const isolator = await create(topology, {
      ipv6: 'auto',
      neighbours6: 'prefix',
      multicast: 'allow',
      hostAccess: '80',
    })
    t.equal(isolator.host.ipv6?.addresses.length, 16)
    const netns = topology.containers[0]!.name
    // As many as 120 ports that do not lie together, beside so many addresses.
    const ports = Array.from({ length: 120 }, (_, i) => `${31_000 + 2 * i}`).join()
    t.match(await isolator.isolate('web-1', { netns, ports }).catch((error: unknown) => error), {
      code: 'ERR_INVALID_OPTION',
      details: { option: 'ports', ranges: 120 },
    })
    t.match(await isolator.isolate('web-1', { netns, ports: PORTS }), { id: 'web-1' })
    t.strictSame(await isolator.verify(), [])
    await isolator.destroy()
  })
  t.match(warnings, [
    /eth0 has 71 IPv6 addresses to share, of which containers share the first 16/,
    /the host has 72 IPv6 addresses/,
  ])
})

t.test('the address that a container prefers', needsIsolation(), async t => {
  const topology = await emptyTopology(t, [...HOST_LINES, `addr add ${OTHER_IP6}/64 dev eth0 nodad`])
  const [c1] = topology.containers
  const isolator = await create(topology, { addresses6: [HOST_IP6, OTHER_IP6] })
  t.teardown(() => isolator.destroy())
  await isolator.isolate('web-1', { netns: c1!.name, ports: PORTS })
  const preferred = [`${HOST_IP6}/128`, `${OTHER_IP6}/128`]
  t.strictSame(await prefixesIn(c1!), preferred)
  for (const lines of [
    [`addr del ${OTHER_IP6}/128 dev eth0`],
    [`addr del ${OTHER_IP6}/128 dev eth0`, `addr add ${OTHER_IP6}/128 dev eth0 nodad`],
    [`addr del ${HOST_IP6}/128 dev eth0`, `addr add ${HOST_IP6}/64 dev eth0 nodad`],
    [`addr add 2001:db8:9::66/64 dev eth0 nodad`],
  ]) {
    await ipBatch(c1!.name, lines)
    t.not((await isolator.verify('web-1')).length, 0, lines.join(', '))
    t.strictSame((await isolator.repair('web-1')).left, [])
    t.strictSame(await prefixesIn(c1!), preferred)
    t.strictSame(await isolator.verify('web-1'), [])
  }
  await ipBatch(c1!.name, [`addr add 2001:db8:9::67/64 dev eth0`])
  t.strictSame(
    await isolator.verify('web-1'),
    [],
    'one that the container looks for duplicates of is its own',
  )
})

t.test('a lo with another name', needsIsolation(), async t => {
  const topology = await emptyTopology(t)
  const isolator = await create(topology)
  t.teardown(() => isolator.destroy())
  const [c1] = topology.containers
  const unhandled: unknown[] = []
  const note = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', note)
  t.teardown(() => process.off('unhandledRejection', note))
  // Root inside renames it behind the first look, which refuses a namespace without a lo.
  const open = RtnetlinkSocket.open.bind(RtnetlinkSocket)
  RtnetlinkSocket.open = async options => {
    const rt = await open(options)
    if (options?.netns !== undefined) rt.links.get = () => Promise.reject(new Error('lo has another name'))
    return rt
  }
  const restored = (): void => void (RtnetlinkSocket.open = open)
  t.teardown(restored)
  await t.rejects(isolator.isolate('web-1', { netns: c1!.name, ports: PORTS }), {
    code: 'ERR_INSIDE_CONTAINER',
    message: /lo has another name/,
    details: { id: 'web-1' },
  })
  t.strictSame(unhandled, [], 'no rejection that nobody handles')
  restored()
  t.match(await isolator.isolate('web-1', { netns: c1!.name, ports: PORTS }), { id: 'web-1' })
})

t.test('update() gives and takes ports in both families', needsIsolation(), async t => {
  const { isolator, remote, c1 } = await twoContainers6(t)
  await isolator.update('web-1', { ports: '31100-31107' })
  for (const address of [HOST_IP6, HOST_IP]) {
    await using given = await tcpEcho(c1, address, 31_100)
    await using taken = await tcpEcho(c1, address, 31_000)
    t.equal(await tcpConnect(remote, address, given.port, PATIENTLY), 'connected')
    t.equal(await tcpConnect(remote, address, taken.port, PATIENTLY), 'refused', "the port is the host's")
  }
  t.strictSame(await isolator.verify(), [])
})

t.test('sockets of the host on ports of containers', needsIsolation(), async t => {
  const topology = await emptyTopology(t)
  const isolator = await create(topology)
  t.teardown(() => isolator.destroy())
  const isolated = () => isolator.isolate('web-1', { netns: topology.containers[0]!.name, ports: PORTS })
  for (const address of [HOST_IP6, '::1', '::']) {
    await using _socket = await tcpEcho(topology.host, address, 31_000)
    const error = await isolated().catch((error: unknown) => error as IsolatorError)
    t.match(error, { code: 'ERR_PORTS_IN_USE', details: { port: 31_000, address } })
  }
  t.match(await isolated(), { id: 'web-1' }, 'control: without them')
})

t.test('inspect() knows what the programs are', needsIsolation(), async t => {
  const { host } = await twoContainers6(t, { multicast: 'allow', hostAccess: '80' })
  const { settings, faults } = await PortMappingIsolator.inspect({ netns: host.name })
  t.match(settings, { multicast: 'allow', hostAccess: 'restricted', neighbours: 'prefix', fragments: 'drop' })
  t.strictSame(faults, [])
  await tc(host.name, 'filter del dev eth0 ingress prio 1030 protocol ipv6 handle 18:6:1 u32')
  t.match((await PortMappingIsolator.inspect({ netns: host.name })).faults, [/eth0 lacks 1 of/])
})
