import { existsSync } from 'node:fs'
import t, { type Test } from 'tap'
import { PortMappingIsolator } from '../../../src/isolator/port-mapping-isolator.js'
import type { PortMappingIsolatorOptions } from '../../../src/isolator/options/options.js'
import { giveName } from '../../../src/isolator/container/namespace-handles.js'
import { readHoldings } from '../../../src/isolator/host/holdings.js'
import { seeContainers } from '../../../src/isolator/recovery/seen.js'
import { RemovalLog, type Removal } from '../../../src/isolator/removal/removal.js'
import { removeByIds } from '../../../src/isolator/removal/remove-containers.js'
import { NetworkNamespace } from '../../../src/netns/network-namespace.js'
import { netnsId } from '../../../src/rtnetlink/index.js'
import { RtnetlinkSocket } from '../../../src/rtnetlink-socket.js'
import { ip, ipBatch, run, runIn, tc, tcBatch } from '../../helpers/iproute2.js'
import { allOf, hasQdisc } from '../../helpers/privilege.js'
import { tcpConnect, tcpEcho } from '../../helpers/tcp-traffic.js'
import {
  carrierNoticed,
  createTopology,
  HOST_IP,
  HOST_MAC,
  REMOTE_IP,
  type Topology,
} from '../../helpers/topology.js'
import {
  firstPort,
  needsIsolation,
  OPTIONS,
  PATIENTLY,
  preparedTopology,
  twoContainers,
} from '../isolated-topology.js'
import { changesNothing, isAsBefore, settleLoopback, stateOf } from '../kernel-state.js'

const remove = ({ host }: Pick<Topology, 'host'>, ids?: string[]): Promise<Removal> =>
  PortMappingIsolator.remove({ netns: host.name, ...(ids && { ids }) })

const NOTHING: Removal = { containers: [], missing: [], removed: [], left: [] }

const setAlias = (netns: string, dev: string, alias: string): Promise<unknown> =>
  run('ip', ['-n', netns, 'link', 'set', dev, 'alias', alias])

const renameInterface = ({ host }: Topology, from: string, to: string): Promise<unknown> =>
  ipBatch(host.name, [`link set ${from} down`, `link set ${from} name ${to}`, `link set ${to} up`])

const defaultRoute = (verb: string, via: string): string => `route ${verb} default via ${via} dev eth0`

/** A state that a host is in, with two containers. */
interface State {
  what: string
  options?: Partial<PortMappingIsolatorOptions>
  /** What is there before `create()`. */
  before?: (topology: Topology) => Promise<unknown>
  change: (topology: Topology) => Promise<unknown>
  /** Takes back what is nobody's of ours to take back. */
  afterwards?: (topology: Topology) => Promise<unknown>
}

const FOREIGN_FILTER =
  'filter add dev eth0 ingress prio 7 protocol ip u32 match ip dst 10.9.0.99/32 action mirred egress redirect dev eth0'

const STATES: State[] = [
  { what: 'all is sound', change: () => Promise.resolve() },
  {
    what: 'the address is gone, and with it the route',
    change: ({ host }) => ip(host.name, `addr flush dev eth0`),
    afterwards: ({ host }) =>
      ipBatch(host.name, [`addr add ${HOST_IP}/24 dev eth0`, defaultRoute('add', REMOTE_IP)]),
  },
  {
    what: 'the gateway is another',
    change: ({ host }) => ip(host.name, defaultRoute('replace', '10.9.0.77')),
    afterwards: ({ host }) => ip(host.name, defaultRoute('replace', REMOTE_IP)),
  },
  {
    what: 'the public interface has another name',
    change: topology => renameInterface(topology, 'eth0', 'wan0'),
    afterwards: async topology => {
      await renameInterface(topology, 'wan0', 'eth0')
      await carrierNoticed(topology.host)
      await ip(topology.host.name, defaultRoute('add', REMOTE_IP))
    },
  },
  {
    what: 'the public interface is gone',
    options: { publicInterface: 'eth1', address: '10.8.0.2' },
    before: ({ host }) =>
      ipBatch(host.name, [
        `link add eth1 address ${HOST_MAC} type veth peer name eth1x`,
        'addr add 10.8.0.2/24 dev eth1',
        'link set eth1 up',
      ]),
    change: ({ host }) => ip(host.name, 'link del eth1'),
  },
  { what: 'a qdisc is deleted', change: ({ host }) => tc(host.name, 'qdisc del dev eth0 ingress') },
  {
    what: 'a priority is deleted',
    change: ({ host }) => tc(host.name, 'filter del dev eth0 ingress prio 1020'),
  },
  {
    what: 'a container is half made',
    change: ({ host }) =>
      ipBatch(host.name, [
        `link add pm7 address ${HOST_MAC} arp off multicast off type veth peer name pm7x`,
        'link set pm1 down',
      ]),
  },
  { what: 'a container is dead', change: ({ host }) => ip(host.name, 'link del pm1') },
  {
    what: "a container's alias and its name are gone",
    change: async ({ host }) => {
      await setAlias(host.name, 'pm1', '')
      await run('ip', ['netns', 'delete', 'pm1'])
    },
  },
  { what: 'the record is gone', change: ({ host }) => setAlias(host.name, 'lo', '') },
  {
    what: 'there were other options',
    options: {
      ...{ reserveHostPorts: true, fragments: 'allow', multicast: 'allow', hostAccess: '80' },
      ...{ neighbours: 'gateway', ephemeralPortsPerContainer: 100 },
    },
    change: () => Promise.resolve(),
  },
  {
    what: 'somebody shares the qdisc',
    before: ({ host }) => tcBatch(host.name, ['qdisc add dev eth0 clsact', FOREIGN_FILTER]),
    change: () => Promise.resolve(),
    afterwards: async ({ host }) => {
      t.match(await tc(host.name, 'filter show dev eth0 ingress'), /pref 7 u32[^]*mirred/)
      await tc(host.name, 'qdisc del dev eth0 clsact')
    },
  },
  {
    what: 'somebody shares the qdisc, and a priority is deleted',
    before: ({ host }) => tcBatch(host.name, ['qdisc add dev eth0 ingress', FOREIGN_FILTER]),
    change: ({ host }) => tc(host.name, 'filter del dev eth0 ingress prio 1020'),
    afterwards: async ({ host }) => {
      const shown = await tc(host.name, 'filter show dev eth0 ingress')
      t.notMatch(shown, /pref 1\d\d\d/)
      // The numbers of our tables are free again.
      await tc(host.name, 'filter add dev eth0 ingress prio 7 protocol ip handle 100: u32 divisor 64')
      await tc(host.name, 'qdisc del dev eth0 ingress')
    },
  },
  {
    what: 'somebody has a filter on our qdisc, listed by another name of the hook',
    change: ({ host }) =>
      tc(
        host.name,
        'filter add dev eth0 parent ffff: prio 7 protocol ip u32 match u32 0 0 action mirred egress redirect dev eth0',
      ),
    afterwards: async ({ host }) => {
      const shown = await tc(host.name, 'filter show dev eth0 ingress')
      t.match(shown, /pref 7 u32/)
      t.notMatch(shown, /pref 1\d\d\d/)
      await tc(host.name, 'qdisc del dev eth0 ingress')
    },
  },
  {
    what: 'bridges and names alone',
    change: async topology => {
      const { host, containers } = topology
      for (const link of ['pm1', 'pm2', 'pmanswers']) await ip(host.name, `link del ${link}`)
      for (const dev of ['lo', 'eth0']) await tc(host.name, `qdisc del dev ${dev} ingress`)
      await ip(host.name, 'link add pmb1 arp off multicast off type bridge')
      await using hostNetns = NetworkNamespace.open(host.name)
      await using netns = NetworkNamespace.open(containers[0]!.name)
      await using rt = await RtnetlinkSocket.open({ netns: host.name })
      await rt.send([netnsId.assign(netns.fd)])
      for (const slot of [8, 9]) await giveName(hostNetns, slot, netns)
      await run('umount', ['/run/netns/pm8'])
    },
  },
]

t.test('whatever state a host is in, it is as before create()', needsIsolation(), async t => {
  const topology = await createTopology({ containers: 2, prefix: 'i' })
  t.teardown(() => topology.close())
  const { host, containers } = topology
  await settleLoopback(host, HOST_MAC)
  const reserved = (): Promise<string> => runIn(host.path, 'sysctl', '-n', 'net.ipv4.ip_local_reserved_ports')
  const reservedBefore = await reserved()
  const stateBefore = await stateOf([host])
  for (const { what, options, before, change, afterwards } of STATES) {
    await t.test(what, async t => {
      await before?.(topology)
      const isolator = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name, ...options })
      for (const [i, { name }] of containers.entries()) {
        const port = firstPort(i)
        await isolator.isolate(`web-${i + 1}`, { netns: name, ports: [[port, port + 7]] })
      }
      await isolator.close()
      await change(topology)
      const removal = await remove(topology)
      t.strictSame(removal.left, [])
      t.ok(removal.removed.length > 0, removal.removed.join(', '))
      t.strictSame(await remove(topology), NOTHING, 'a second call finds nothing')
      t.match(await PortMappingIsolator.inspect({ netns: host.name }), {
        ...{ prepared: false, containers: [], faults: [] },
      })
      await afterwards?.(topology)
      await isAsBefore(t, [host], stateBefore)
      t.equal(await reserved(), reservedBefore)
      for (const slot of [1, 2, 7, 8, 9]) t.notOk(existsSync(`/run/netns/pm${slot}`), `no name pm${slot}`)
    })
  }
})

t.test('flows and shapers', allOf(needsIsolation(), hasQdisc('fq_codel'), hasQdisc('htb')), async t => {
  const topology = await createTopology({ containers: 1, prefix: 'i' })
  t.teardown(() => topology.close())
  const { host, containers } = topology
  await settleLoopback(host, HOST_MAC)
  await changesNothing(t, [host], async () => {
    const isolator = await PortMappingIsolator.create({
      ...{ ...OPTIONS, netns: host.name, egressUniqueFlowPerContainer: true },
      ...{ egressRateLimitPerContainer: '1MB', egressEnforcement: 'host' },
    })
    await isolator.isolate('web-1', { netns: containers[0]!.name, ports: '31000' })
    const [info] = isolator.list()
    await isolator.close()
    const found = await PortMappingIsolator.inspect({ netns: host.name })
    t.match(found, { settings: { egressFlowClassifierParent: 'root' }, containers: [info], faults: [] })
    await ip(host.name, 'link del pm1')
    t.strictSame((await remove(topology)).left, [])
    t.strictSame(await remove(topology), NOTHING)
  })
})

/** A host whose address has moved to another interface: both have filters of ours, with a container of before and one of after. */
async function movedHost(t: Test, options: Partial<PortMappingIsolatorOptions> = {}): Promise<Topology> {
  const topology = await createTopology({ containers: 2, prefix: 'i' })
  t.teardown(() => topology.close())
  t.teardown(() => remove(topology))
  const { host, containers } = topology
  await settleLoopback(host, HOST_MAC)
  const before = await PortMappingIsolator.create({ ...OPTIONS, ...options, netns: host.name })
  await before.isolate('web-1', { netns: containers[0]!.name, ports: '31000' })
  await before.close()
  await ipBatch(host.name, [
    `link add eth1 address ${HOST_MAC} type veth peer name eth1x`,
    `addr del ${HOST_IP}/24 dev eth0`,
    `addr add ${HOST_IP}/24 dev eth1`,
    'link set eth1 up',
    `route add default via ${REMOTE_IP} dev eth1`,
  ])
  const after = await PortMappingIsolator.create({
    ...{ ...OPTIONS, ...options, netns: host.name, publicInterface: 'eth1' },
  })
  await after.recover('all')
  await after.isolate('web-2', { netns: containers[1]!.name, ports: '31008' })
  await after.close()
  return topology
}

t.test('a container whose host has changed its interface', needsIsolation(), async t => {
  const topology = await movedHost(t)
  const { host } = topology
  t.match(await tc(host.name, 'filter show dev eth0 ingress'), /Redirect to device pm1/, 'it has ways in')
  t.match(await tc(host.name, 'filter show dev eth1 ingress'), /Redirect to device pm1/)
  t.strictSame((await remove(topology, ['web-1'])).containers, ['web-1'])
  for (const dev of ['eth0', 'eth1'])
    t.notMatch(await tc(host.name, `filter show dev ${dev} ingress`), /Redirect to device (pm1|\*)/, dev)
})

t.test('one call removes two queues', allOf(needsIsolation(), hasQdisc('fq_codel')), async t => {
  const topology = await movedHost(t, { egressUniqueFlowPerContainer: true })
  const queues = async (): Promise<string[]> =>
    (await tc(topology.host.name, 'qdisc show')).split('\n').filter(line => line.includes('504d:'))
  t.equal((await queues()).length, 2)
  t.strictSame((await remove(topology)).left, [])
  t.strictSame(await queues(), [])
  t.strictSame(await remove(topology), NOTHING)
})

t.test('containers of some ids', needsIsolation(), async t => {
  const { topology, host, isolator, remote, c2 } = await twoContainers(t)
  await isolator.close()
  await using server = await tcpEcho(c2, '0.0.0.0', c2.port)
  t.strictSame(await remove(topology, ['web-1', 'web-7', 'web-1']), {
    ...{ containers: ['web-1'], missing: ['web-7'], removed: [], left: [] },
  })
  t.notOk(existsSync('/run/netns/pm1'))
  t.equal(await tcpConnect(remote, HOST_IP, server.port, PATIENTLY), 'connected', 'the other keeps running')
  const { containers, faults } = await PortMappingIsolator.inspect({ netns: host.name })
  t.match(containers, [{ id: 'web-2' }])
  t.strictSame(faults, [])
  await setAlias(host.name, 'pm2', 'x')
  t.strictSame((await remove(topology, ['pm2'])).containers, ['pm2'], 'one without an id, by its link')
  t.strictSame(await remove(topology, []), NOTHING)
  const again = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
  t.strictSame(await again.verify(), [])
  await again.destroy()
})

t.test('containers of some ids, where answers of the kernel are lost', needsIsolation(), async t => {
  const { topology, host, isolator } = await twoContainers(t)
  await isolator.close()
  const ids = ['web-1', 'web-2']
  await using netns = NetworkNamespace.open(host.name)
  await using rt = await RtnetlinkSocket.open({ netns })
  const seen = await seeContainers({ netns, rt }, await readHoldings(rt))
  const log = new RemovalLog()
  rt.send = () => Promise.reject(new Error('the answers are lost'))
  await removeByIds({ netns, rt }, seen, ids, log)
  t.strictSame(log.result, {
    ...{ containers: [], missing: [], removed: [] },
    left: ['pm1: the answers are lost', 'pm2: the answers are lost'],
  })
  t.strictSame((await remove(topology, ids)).containers, ids, 'a further call tries again')
})

t.test('what is not ours is left alone', needsIsolation(), async t => {
  const { topology, host } = await preparedTopology(t, { containers: 0 })
  const other = await twoContainers(t)
  await remove(topology)
  await changesNothing(t, [host, other.host], async () => {
    await ipBatch(host.name, [
      'link add pm9 type veth peer name pm10',
      'link add pmanswers type veth peer name x12',
      'link add pmb0 type bridge',
      'link set pm9 up',
    ])
    await tcBatch(host.name, [
      'qdisc add dev eth0 ingress',
      'filter add dev eth0 ingress prio 1020 protocol ip handle 1: u32 divisor 64',
      'filter add dev eth0 ingress prio 1000 protocol ip u32 match u32 0 0 action mirred egress redirect dev eth0',
    ])
    await setAlias(host.name, 'lo', 'mine')
    await changesNothing(t, [host, other.host], async () => {
      t.strictSame(await remove(topology), NOTHING)
    })
    t.ok(existsSync('/run/netns/pm1'), "another host's")
    for (const dev of ['pm9', 'pmanswers', 'pmb0']) await ip(host.name, `link del ${dev}`)
    await tc(host.name, 'qdisc del dev eth0 ingress')
    await setAlias(host.name, 'lo', '')
  })
})
