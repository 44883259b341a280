import { once } from 'node:events'
import t, { type Test } from 'tap'
import { PortMappingIsolator } from '../../../src/isolator/port-mapping-isolator.js'
import type { Repair } from '../../../src/isolator/health/repair.js'
import { ip, ipBatch, ipJson } from '../../helpers/iproute2.js'
import { tcpConnect, tcpEcho } from '../../helpers/tcp-traffic.js'
import { createTopology, HOST_IP, REMOTE_IP, REMOTE_MAC } from '../../helpers/topology.js'
import {
  needsIsolation,
  OPTIONS,
  PATIENTLY,
  twoContainers,
  type IsolatedTopology,
} from '../isolated-topology.js'

/** Collects what an isolator tells of. */
class Told {
  readonly repairs: Repair[] = []
  readonly errors: Error[] = []
  readonly #wake = new EventTarget()

  constructor(isolator: PortMappingIsolator) {
    isolator.on('repaired', repair => {
      this.repairs.push(repair)
      this.#wake.dispatchEvent(new Event('told'))
    })
    isolator.on('error', error => this.errors.push(error))
  }

  /** Waits for a repair of that kind, those before included. */
  async repair(wanted: (repair: Repair) => boolean): Promise<Repair> {
    for (;;) {
      const found = this.repairs.find(wanted)
      if (found) return found
      await once(this.#wake as never, 'told')
    }
  }
}

const isMissing = ({ left }: Repair): boolean =>
  left.some(
    ({ kind, object, foreign }) => kind === 'missing' && foreign && object === 'ip link set dev eth0 up',
  )

const isMended = ({ left }: Repair): boolean => left.length === 0

/** The wire as createTopology() makes it, with another MAC. */
const wireAgain = ({ host, remote }: IsolatedTopology): Promise<string> =>
  ipBatch(host.name, [
    `link add eth0 address 02:00:0a:09:00:42 mtu 1400 type veth peer name eth0 netns ${remote.name} address ${REMOTE_MAC}`,
    'addr add 10.9.0.2/24 dev eth0',
    'link set eth0 up',
    `route add default via ${REMOTE_IP} dev eth0`,
  ]).then(() => ipBatch(remote.name, [`addr add ${REMOTE_IP}/24 dev eth0`, 'link set eth0 up']))

async function trafficFlows(
  t: Test,
  { remote, c1, c2 }: Awaited<ReturnType<typeof twoContainers>>,
): Promise<void> {
  await using server = await tcpEcho(c1, '0.0.0.0', c1.port)
  await using outside = await tcpEcho(remote, '0.0.0.0', 7000)
  t.strictSame(
    await Promise.all([
      tcpConnect(remote, HOST_IP, server.port, PATIENTLY),
      tcpConnect(c2, HOST_IP, server.port, PATIENTLY),
      tcpConnect(c1, REMOTE_IP, outside.port, PATIENTLY),
    ]),
    ['connected', 'connected', 'connected'],
  )
}

t.test('missing as it begins to be followed, and made again later', needsIsolation(), async t => {
  const world = await twoContainers(t)
  const { isolator, host } = world
  await ip(host.name, 'link del eth0')
  const told = new Told(isolator)
  await told.repair(isMissing)
  await wireAgain(world)
  await told.repair(isMended)
  t.strictSame(await isolator.verify(), [])
  await trafficFlows(t, world)

  await t.test('and once more, while it is followed', async t => {
    told.repairs.length = 0
    await ip(host.name, 'link del eth0')
    await told.repair(isMissing)
    told.repairs.length = 0
    await wireAgain(world)
    await told.repair(isMended)
    t.strictSame(await isolator.verify(), [])
    await trafficFlows(t, world)
  })
  t.strictSame(told.errors, [])
})

t.test('another one of its name', needsIsolation(), async t => {
  const world = await twoContainers(t)
  const { isolator, host } = world

  await t.test('since before it was followed', async t => {
    await ip(host.name, 'link del eth0')
    await wireAgain(world)
    await ip(host.name, 'link set eth0 address 02:00:0a:09:00:02 mtu 1500')
    const told = new Told(isolator)
    await told.repair(isMended)
    t.strictSame(await isolator.verify(), [])
    await trafficFlows(t, world)
  })

  await t.test('it is renamed, and gets its name back', async t => {
    const told = new Told(isolator)
    await ipBatch(host.name, ['link set eth0 down', 'link set eth0 name other'])
    await told.repair(({ left }) => left.some(({ object }) => object === 'ip link set dev other up'))
    t.match(isolator.explain().at(-1), /dev other /, 'it is known by its new name')
    await ipBatch(host.name, ['link set other name eth0', 'link set eth0 up'])
    await ip(host.name, `route add default via ${REMOTE_IP} dev eth0`)
    // Up again, it has all it had: there is nothing to be told.
    t.strictSame(await isolator.verify(), [])
    await trafficFlows(t, world)
    t.strictSame(told.errors, [])
  })
})

t.test('a container is not sound while it is missing', needsIsolation(), async t => {
  const { isolator, host } = await twoContainers(t)
  await ip(host.name, 'link del eth0')
  const missing = { kind: 'missing', object: 'ip link set dev eth0 up', foreign: true }
  t.strictSame(await isolator.verify('web-1'), [missing])
  t.strictSame(await isolator.repair('web-1'), { repaired: [], left: [missing] })
  t.match(await isolator.verify(), [missing], 'the host likewise')
})

t.test('while it is missing containers can be cleaned up, and none made', needsIsolation(), async t => {
  const { isolator, host, c1 } = await twoContainers(t)
  await ip(host.name, 'link del eth0')
  t.equal(await isolator.cleanup('web-1'), true)
  await t.rejects(isolator.isolate('web-1', { netns: c1.name }), { code: 'ENODEV', message: /'eth0'/ })
  t.strictSame(await isolator.cleanupMany(['web-2']), [true])
  t.strictSame(isolator.list(), [])
})

t.test('destroy() without it', needsIsolation(), async t => {
  await using topology = await createTopology({ containers: 1, prefix: 'i' })
  const { host, containers } = topology
  const isolator = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
  await isolator.isolate('web-1', { netns: containers[0]!.name })
  await ip(host.name, 'link del eth0')
  await isolator.destroy()
  const [lo, ...others] = await ipJson(host.name, 'link show')
  t.match(lo, { ifname: 'lo', mtu: 65_536, ifalias: undefined })
  // A kernel with tunnels has one of each kind, such as gre0, in every namespace.
  t.strictSame(
    others.filter(({ ifname }) => /^(pm|eth)/.test(String(ifname))),
    [],
  )
})

t.test('another MAC and MTU, which nobody listens for', needsIsolation(), async t => {
  const world = await twoContainers(t, { containers: 3 })
  const { isolator, topology, host, remote } = world
  const third = topology.containers[2]!
  const macAndMtu = async (): Promise<unknown[]> =>
    (await ipJson(host.name, 'link show'))
      .filter(({ ifname }) => /^(pm\d+|lo)$/.test(String(ifname)))
      .map(({ address, mtu }) => [address, mtu])

  await t.test('isolate() makes no container of what was', async t => {
    await ip(host.name, 'link set eth0 address 02:00:0a:09:00:43 mtu 1400')
    await ip(remote.name, 'neigh flush dev eth0')
    await isolator.isolate('web-3', { netns: third.name, ports: '31100' })
    t.strictSame(await macAndMtu(), Array(4).fill(['02:00:0a:09:00:43', 1400]), 'what was there has followed')
    t.match(await ipJson(third.name, 'link show dev eth0'), [{ address: '02:00:0a:09:00:43', mtu: 1400 }])
    t.strictSame(await isolator.verify(), [])
    await trafficFlows(t, world)
  })

  await t.test('nor does recover() take one for sound', async t => {
    await ip(host.name, 'link set eth0 address 02:00:0a:09:00:44 mtu 1300')
    await ip(remote.name, 'neigh flush dev eth0')
    const again = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
    t.teardown(() => again.close())
    await again.recover(['web-1', 'web-2', 'web-3'])
    t.strictSame(await macAndMtu(), Array(4).fill(['02:00:0a:09:00:44', 1300]))
    t.strictSame(await again.verify(), [])
    await trafficFlows(t, world)
  })
})
