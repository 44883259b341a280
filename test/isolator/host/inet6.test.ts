import t from 'tap'
import { findGateways } from '../../../src/isolator/host/inet6-routers.js'
import type { IsolatorError } from '../../../src/isolator/isolator-error.js'
import type { PortMappingIsolatorOptions } from '../../../src/isolator/options/options.js'
import type { RtnetlinkSocket } from '../../../src/rtnetlink-socket.js'
import { ip, runIn } from '../../helpers/iproute2.js'
import { addressesIn, create, emptyTopology, OTHER_IP6, PORTS, warningsOf } from '../inet6-host.js'
import { HOST_IP6, HOST_LINES, REMOTE_IP6 } from '../inet6-topology.js'
import { needsIsolation } from '../isolated-topology.js'
import { changesNothing } from '../kernel-state.js'

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
    addresses: [OTHER_IP6, HOST_IP6].map(address => ({ address, prefixLength: 128 })),
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
    const [reported, ...others] = await isolator.verify()
    t.match(reported, { foreign: true, found: /21 IPv6 default routers .*: 'gateway6' takes/ })
    t.strictSame(others, [])
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
  t.strictSame((await findGateways(rt, 'eth0')).gateways, [
    'fe80::5',
    'fe80::2',
    'fe80::1',
    'fe80::3',
    'fe80::0',
  ])
})

t.test("'auto' waits for addresses that are looked for duplicates of", needsIsolation(), async t => {
  const topology = await emptyTopology(t, [...HOST_LINES.slice(0, 2), `addr add ${HOST_IP6}/64 dev eth0`])
  const isolator = await create(topology, { ipv6: 'auto' })
  t.strictSame(isolator.host.ipv6?.addresses, [{ address: HOST_IP6, prefixLength: 128 }])
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
    t.strictSame(second.host.ipv6?.addresses, [{ address: HOST_IP6, prefixLength: 128 }])
    const differences = await second.verify()
    t.match(differences, [
      { kind: 'missing', foreign: true, found: /eth0 has lost 2001:db8:9::2, which containers share/ },
    ])
    t.equal(differences.length, 1)
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
    const found = (await isolator.verify()).map(difference => difference.found)
    t.match(found, [/71 IPv6 addresses to share/, /72 IPv6 addresses/])
    t.equal(found.length, 2)
    await isolator.destroy()
  })
  t.match(warnings, [
    /eth0 has 71 IPv6 addresses to share, of which containers share the first 16/,
    /the host has 72 IPv6 addresses/,
  ])
})
