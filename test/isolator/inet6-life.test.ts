import t from 'tap'
import type { IsolatorError } from '../../src/isolator/isolator-error.js'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { RtnetlinkSocket } from '../../src/rtnetlink-socket.js'
import { ip, tc } from '../helpers/iproute2.js'
import { tcpConnect, tcpEcho } from '../helpers/tcp-traffic.js'
import { HOST_IP } from '../helpers/topology.js'
import { addressesIn, create, emptyTopology, OTHER_IP6, PORTS, prefixesIn, reaches } from './inet6-host.js'
import { HOST_IP6, REMOTE_IP6, twoContainers6 } from './inet6-topology.js'
import { needsIsolation, PATIENTLY } from './isolated-topology.js'
import { changesNothing } from './kernel-state.js'

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
