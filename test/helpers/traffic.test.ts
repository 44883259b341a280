import t from 'tap'
import { FrameTool } from './frame-tool.js'
import { ip } from './iproute2.js'
import { resolveNeighbour } from './neighbours.js'
import { ping } from './ping.js'
import { canCreateNamespaces } from './privilege.js'
import { tcpConnect, tcpEcho, tcpExchange } from './tcp-traffic.js'
import { createTopology, HOST_IP, HOST_MAC, REMOTE_IP, WIRE } from './topology.js'
import { udpEcho, udpExchange } from './udp-traffic.js'

const UNUSED_IP = '10.9.0.77'

t.test('traffic between namespaces', canCreateNamespaces(), async t => {
  const topology = await createTopology({ containers: 0 })
  t.teardown(() => topology.close())
  const { remote, host } = topology

  await t.test('TCP', async t => {
    await using server = await tcpEcho(host, HOST_IP, 0)
    t.equal(await tcpConnect(remote, HOST_IP, server.port, { localPort: 4321 }), 'connected')
    t.strictSame(server.peers, [`${REMOTE_IP}:4321`])
    const payload = Buffer.alloc(300_000, 'rtnetlink')
    const exchange = await tcpExchange(remote, HOST_IP, server.port, payload, { timeout: 2000 })
    t.ok(exchange.answer.equals(payload))
    t.equal(server.peers[1], `${REMOTE_IP}:${exchange.localPort}`)
  })

  await t.test('TCP that is refused or blocked', async t => {
    t.equal(await tcpConnect(remote, HOST_IP, 9), 'refused')
    t.equal(await tcpConnect(remote, UNUSED_IP, 9), 'timeout')
  })

  await t.test('UDP', async t => {
    await using server = await udpEcho(host, HOST_IP, 0)
    t.equal(await udpExchange(remote, HOST_IP, server.port, { localPort: 4321 }), 'answered')
    t.strictSame(server.peers, [`${REMOTE_IP}:4321`])
    t.equal(await udpExchange(remote, HOST_IP, 9), 'refused')
    t.equal(await udpExchange(remote, UNUSED_IP, 9), 'timeout')
  })

  await t.test('ping', async t => {
    await using tool = await FrameTool.start()
    t.equal(await ping(tool, remote, HOST_IP), 'answered')
    t.equal(await ping(tool, remote, HOST_IP, { size: 1400 }), 'answered')
    t.equal(await ping(tool, remote, REMOTE_IP), 'answered')
    t.equal(await ping(tool, remote, UNUSED_IP), 'timeout')
  })

  await t.test('ARP from an empty table', async t => {
    t.equal(await resolveNeighbour(remote, WIRE, HOST_IP), HOST_MAC)
    t.equal(await resolveNeighbour(remote, WIRE, UNUSED_IP, 100), undefined)
    await ip(host.name, `link set ${WIRE} arp off`)
    t.equal(await resolveNeighbour(remote, WIRE, HOST_IP, 100), undefined)
  })
})
