/**
 * The scenarios of Mesos's src/tests/containerizer/routing_tests.cpp by its names, here those of filters on ingress.
 *
 * Mesos looks a filter up by comparing its classifier with those of a dump. In ours a filter is known by its handle,
 * which whoever adds it computes: a duplicate is the same handle, and update and remove name it.
 */
import t, { type Test } from 'tap'
import { nodeHandle, PORT_BUCKETS, tableHandle } from '../../src/isolator/layout/layout.js'
import { portNode, type PortNode } from '../../src/isolator/layout/port-blocks.js'
import { mirred, u32, describeU32Keys } from '../../src/tc/index.js'
import type { ActionSpec, U32Filter, U32Keys, U32Match } from '../../src/tc/index.js'
import type { RtnetlinkSocketSync } from '../../src/rtnetlink-socket-sync.js'
import { allOf, hasAction, hasFilter, hasQdisc } from '../helpers/privilege.js'
import { u32Nodes, type U32Node } from './u32-nodes.js'
import { needsVeth, PEER, scratchWithPair, VETH } from './veth-pair.js'

const needsFilters = () => allOf(needsVeth(), hasQdisc('ingress'), hasFilter('u32'), hasAction('mirred'))

const REDIRECT = [mirred.redirect(PEER)]
const MIRROR = [mirred.mirror(PEER)]

type Place = Pick<U32Filter, 'dev' | 'parent' | 'kind' | 'protocol' | 'priority'> & { handle: string }

const INGRESS = { dev: VETH, parent: 'ingress', kind: 'u32' } as const
// The root table of the first priority is 800:. The kernel finds its nodes by that number, not as '::1'.
const ARP: Place = { ...INGRESS, protocol: 'arp', priority: 1, handle: '800::1' }
const IP: Place = { ...INGRESS, protocol: 'ip', priority: 1, handle: '800::1' }

async function withIngress(t: Test): Promise<RtnetlinkSocketSync> {
  const { rt } = await scratchWithPair(t)
  rt.qdiscs.add({ dev: VETH, kind: 'ingress' })
  return rt
}

const nodes = (rt: RtnetlinkSocketSync): U32Node[] => u32Nodes(rt, VETH, 'ingress')

const classifiers = (rt: RtnetlinkSocketSync): U32Match[][] =>
  nodes(rt).map(({ keys = [] }) => describeU32Keys(keys))

const operations = (rt: RtnetlinkSocketSync): unknown[] =>
  nodes(rt).map(({ actions = [] }) => actions.map(action => action.kind === 'mirred' && action.operation))

const update = (rt: RtnetlinkSocketSync, place: Place, actions: ActionSpec[]): void =>
  rt.filters.change({ ...place, actions })

t.test('ARPFilterCreate', needsFilters(), async t => {
  const rt = await withIngress(t)
  rt.filters.add({ ...ARP, actions: REDIRECT })
  t.match(nodes(rt), [{ protocol: 'arp', actions: [{ operation: 'redirect', dev: PEER }] }])
})

t.test('ARPFilterCreateDuplicated', needsFilters(), async t => {
  const rt = await withIngress(t)
  rt.filters.add({ ...ARP, actions: MIRROR })
  t.equal(nodes(rt).length, 1)
  t.throws(() => rt.filters.add({ ...ARP, actions: REDIRECT }), { code: 'EEXIST' })
  t.same(operations(rt), [['mirror']], 'the first one is as it was')
})

t.test('ARPFilterRemove', needsFilters(), async t => {
  const rt = await withIngress(t)
  rt.filters.add({ ...ARP, actions: MIRROR })
  t.equal(nodes(rt).length, 1)
  rt.filters.delete(ARP)
  t.same(nodes(rt), [])
})

t.test('ARPFilterUpdate', needsFilters(), async t => {
  const rt = await withIngress(t)
  t.throws(() => update(rt, ARP, MIRROR), { code: 'ENOENT' })
  rt.filters.add({ ...ARP, actions: REDIRECT })
  t.same(operations(rt), [['redirect']])
  update(rt, ARP, MIRROR)
  t.same(operations(rt), [['mirror']])
})

/** Mesos's icmp::Classifier. */
const icmp = (destination?: string): U32Keys => [
  u32.protocol('icmp'),
  ...(destination === undefined ? [] : [u32.destinationAddress(destination)]),
]
const isIcmp: U32Match = { match: 'protocol', value: 1 }
const isTo = (address: string): U32Match => ({ match: 'destinationAddress', prefix: `${address}/32` })

t.test('ICMPFilterCreate', needsFilters(), async t => {
  const rt = await withIngress(t)
  rt.filters.add({ ...IP, keys: icmp('1.2.3.4'), actions: REDIRECT })
  t.same(classifiers(rt), [[isIcmp, isTo('1.2.3.4')]])
})

t.test('ICMPFilterCreateDuplicated', needsFilters(), async t => {
  const rt = await withIngress(t)
  rt.filters.add({ ...IP, keys: icmp(), actions: MIRROR })
  t.same(classifiers(rt), [[isIcmp]])
  t.throws(() => rt.filters.add({ ...IP, keys: icmp(), actions: MIRROR }), { code: 'EEXIST' })
})

t.test('ICMPFilterCreateMultiple', needsFilters(), async t => {
  const rt = await withIngress(t)
  rt.filters.add({ ...IP, priority: 2, handle: '::1', keys: icmp('5.6.7.8'), actions: REDIRECT })
  rt.filters.add({ ...IP, priority: 1, handle: '::1', keys: icmp('1.2.3.4'), actions: REDIRECT })
  t.same(
    classifiers(rt),
    [
      [isIcmp, isTo('1.2.3.4')],
      [isIcmp, isTo('5.6.7.8')],
    ],
    'in order of priority',
  )
})

t.test('ICMPFilterRemove', needsFilters(), async t => {
  const rt = await withIngress(t)
  rt.filters.add({ ...IP, keys: icmp(), actions: REDIRECT })
  t.same(classifiers(rt), [[isIcmp]])
  rt.filters.delete(IP)
  t.same(classifiers(rt), [])
})

t.test('ICMPFilterUpdate', needsFilters(), async t => {
  const rt = await withIngress(t)
  t.throws(() => update(rt, IP, MIRROR), { code: 'ENOENT' })
  rt.filters.add({ ...IP, keys: icmp(), actions: REDIRECT })
  t.throws(() => update(rt, { ...IP, handle: '800::2' }, MIRROR), { code: 'ENOENT' }, 'another filter')
  t.throws(
    () => rt.filters.change({ ...IP, keys: icmp('1.2.3.4'), actions: MIRROR }),
    TypeError,
    'another classifier is not an update: the kernel would keep the old one',
  )
  t.same(operations(rt), [['redirect']])
  update(rt, IP, MIRROR)
  t.same(operations(rt), [['mirror']])
  t.same(classifiers(rt), [[isIcmp]])
})

/** Source and destination ports of the two classifiers in Mesos's tests. */
const PORTS = [
  { source: [1024, 1027], destination: [2000, 2000] },
  { source: [3024, 3025], destination: [4000, 4003] },
] as const

interface Ports {
  source: readonly [first: number, last: number]
  destination: readonly [first: number, last: number]
}

/** Mesos's ip::Classifier; its port keys look behind an IP header without options. */
const ip = (mac: string, { source, destination }: Ports): U32Keys => [
  u32.destinationMac(mac),
  u32.destinationAddress('1.2.3.4'),
  u32.ihl(5),
  u32.sourcePorts(...source),
  u32.destinationPorts(...destination),
]
const isIp = (address: string, { source, destination }: Ports): U32Match[] => [
  { match: 'destinationMac', address },
  { match: 'ihl', value: 5 },
  isTo('1.2.3.4'),
  { match: 'sourcePort', first: source[0], last: source[1] },
  { match: 'destinationPort', first: destination[0], last: destination[1] },
]

t.test('IPFilterCreate', needsFilters(), async t => {
  const rt = await withIngress(t)
  const mac = rt.links.get(VETH).address!
  rt.filters.add({ ...IP, keys: ip(mac, PORTS[0]), actions: REDIRECT })
  t.same(classifiers(rt), [isIp(mac, PORTS[0])])
})

t.test('IPFilterCreate2', needsFilters(), async t => {
  const rt = await withIngress(t)
  rt.filters.add({ ...IP, keys: [u32.destinationAddress('18.52.86.120')], actions: REDIRECT })
  t.same(classifiers(rt), [[isTo('18.52.86.120')]], 'neither MAC address nor ports')
})

t.test('IPFilterCreateDuplicated', needsFilters(), async t => {
  const rt = await withIngress(t)
  const keys = ip(rt.links.get(VETH).address!, PORTS[0])
  rt.filters.add({ ...IP, keys, actions: REDIRECT })
  t.throws(() => rt.filters.add({ ...IP, keys, actions: REDIRECT }), { code: 'EEXIST' })
  t.equal(nodes(rt).length, 1)
})

t.test('IPFilterCreateMultiple', needsFilters(), async t => {
  const rt = await withIngress(t)
  const mac = rt.links.get(VETH).address!
  rt.filters.add({ ...IP, priority: 1, handle: '::1', keys: ip(mac, PORTS[0]), actions: REDIRECT })
  rt.filters.add({ ...IP, priority: 2, handle: '::1', keys: ip(mac, PORTS[1]), actions: REDIRECT })
  t.same(
    classifiers(rt),
    PORTS.map(ports => isIp(mac, ports)),
  )
})

t.test('IPFilterRemove', needsFilters(), async t => {
  const rt = await withIngress(t)
  const mac = rt.links.get(VETH).address!
  rt.filters.add({ ...IP, handle: '800::1', keys: ip(mac, PORTS[0]), actions: REDIRECT })
  rt.filters.add({ ...IP, handle: '800::2', keys: ip(mac, PORTS[1]), actions: REDIRECT })
  rt.filters.delete(IP)
  t.same(classifiers(rt), [isIp(mac, PORTS[1])])
  rt.filters.delete({ ...IP, handle: '800::2' })
  t.same(classifiers(rt), [])
})

t.test('HandleGeneration', needsFilters(), async t => {
  await t.test('a handle that the kernel chooses is not one that is taken', async t => {
    const rt = await withIngress(t)
    const mac = rt.links.get(VETH).address!
    rt.filters.add({ ...IP, handle: '800::fff', keys: ip(mac, PORTS[0]), actions: REDIRECT })
    rt.filters.add({ ...IP, handle: undefined, keys: ip(mac, PORTS[1]), actions: REDIRECT })
    const chosen = nodes(rt).filter(({ handle }) => handle !== '800::fff')
    t.equal(chosen.length, 1)
    rt.filters.delete({ ...IP, handle: chosen[0]!.handle })
    t.same(classifiers(rt), [isIp(mac, PORTS[0])], 'and removes its own filter')
  })

  // In our layout no handle is left to the kernel, so MESOS-1617 cannot come up: each block of ports has one of its own.
  await t.test('a computed handle is that of one block of ports', async t => {
    const rt = await withIngress(t)
    const blocks = [4, 8, 16].map(size => portNode({ base: 4112, size }, 'destination'))
    const [{ table }] = blocks as [PortNode]
    const places = blocks.map(({ bucket, node }) => ({ ...IP, handle: nodeHandle(table, bucket, node) }))
    rt.filters.add({ ...IP, handle: tableHandle(table), divisor: PORT_BUCKETS })
    for (const place of places) rt.filters.add({ ...place, actions: REDIRECT })
    const handles = () =>
      nodes(rt)
        .map(({ handle }) => handle)
        .sort()
    t.strictSame(handles(), places.map(({ handle }) => handle).sort())
    rt.filters.delete(places[1]!)
    t.strictSame(handles(), [places[0]!.handle, places[2]!.handle].sort())
  })
})
