import t from 'tap'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { NetworkNamespace } from '../../src/netns/network-namespace.js'
import { tcpServerIn, tcpSocketIn, udpSocketIn } from '../helpers/namespace-sockets.js'
import { createTopology, HOST_MAC, REMOTE_IP } from '../helpers/topology.js'
import { needsIsolation, OPTIONS } from './isolated-topology.js'
import { changesNothing, settleLoopback } from './kernel-state.js'

const RESERVED = 'net.ipv4.ip_local_reserved_ports'

/** Overlaps the range that a new namespace allocates from, 32768 to 60999. */
const OVERLAPPING = { ephemeralPorts: '32768-40959', ports: '41000-41099', reserveHostPorts: true } as const

t.test('managed ports are kept from the host', needsIsolation(), async t => {
  const topology = await createTopology({ containers: 2, prefix: 'i' })
  t.teardown(() => topology.close())
  const { host, remote, containers } = topology
  await settleLoopback(host, HOST_MAC)
  await using netns = NetworkNamespace.open(host.name)
  await netns.writeSysctl(RESERVED, '8080,40000-41010')
  const create = (options: object) => PortMappingIsolator.create({ ...OPTIONS, netns: host.name, ...options })

  await changesNothing(t, [host], async () => {
    await t.rejects(create({ ...OVERLAPPING, reserveHostPorts: false }), {
      code: 'ERR_PORTS_OVERLAP',
      message: /sysctl -w net.ipv4.ip_local_port_range="\d+ \d+"/,
    })
    await t.rejects(create({ ...OVERLAPPING, ephemeralPorts: '32768-40959,42000-60999' }), {
      code: 'ERR_PORTS_OVERLAP',
      message: /would leave the host \d+ of its ephemeral ports/,
    })
  })

  // A connection of before: its port is in the first ephemeral block, and the block is passed over.
  const server = await tcpServerIn(remote, REMOTE_IP, 0)
  t.teardown(() => server.close())
  const early = tcpSocketIn(host, '0.0.0.0', 32_800)
  t.teardown(() => early.destroy())
  early.connect((server.address() as { port: number }).port, REMOTE_IP)
  await new Promise(resolve => early.once('connect', resolve))

  await changesNothing(t, [host], async () => {
    const isolator = await create(OVERLAPPING)
    t.equal(await netns.readSysctl(RESERVED), '8080,32768-41099')
    const { ephemeralPorts } = await isolator.isolate('web-1', { netns: containers[0]!.name, ports: '41000' })
    t.strictSame(ephemeralPorts, [33_792, 34_815], 'the second block')
    for (let i = 0; i < 50; i++) {
      const socket = await udpSocketIn(host)
      const { port } = socket.address()
      socket.close()
      if (port < 41_100) t.fail(`the host got port ${port}`)
    }
    await isolator.cleanup('web-1')
    const isolated = isolator.isolate('web-2', { netns: containers[1]!.name })
    t.equal(await isolator.cleanup('web-2'), true, 'waits for what is under way')
    t.strictSame((await isolated).ephemeralPorts, [33_792, 34_815])
    await isolator.close()
    const restarted = await create({ ...OVERLAPPING, ports: '41000-41199' })
    t.equal(await netns.readSysctl(RESERVED), '8080,32768-41199', 'after a restart with other ports')
    await restarted.destroy()
    t.equal(await netns.readSysctl(RESERVED), '8080,40000-41010', 'what others reserved stays')
  })
})
