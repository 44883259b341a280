/**
 * The scenarios of Mesos's src/tests/containerizer/port_mapping_tests.cpp by its names, here those of traffic. Its `nc`
 * servers are echo servers of ours: what comes back is what arrived, and `peers` are those who were heard.
 */
import t, { type Test } from 'tap'
import { FrameTool } from '../../helpers/frame-tool.js'
import { arp, BROADCAST, ETH_P_ARP, ethernet } from '../../helpers/packets.js'
import { ping } from '../../helpers/ping.js'
import { dnsServer, reverseLookup } from '../../helpers/reverse-dns.js'
import { tcpEcho, tcpExchange } from '../../helpers/tcp-traffic.js'
import { HOST_IP, HOST_MAC, REMOTE_IP, REMOTE_MAC, WIRE, type NamespaceRef } from '../../helpers/topology.js'
import { udpEcho, udpExchange } from '../../helpers/udp-traffic.js'
import { needsIsolation, PATIENTLY } from '../../isolator/isolated-topology.js'
import { CONTAINER1_PORTS, CONTAINER2_PORTS, INVALID_PORT, prepare, VALID_PORT } from './containers.js'

const LOCALHOST = '127.0.0.1'

/** What comes back of `text`, or why nothing does. */
type Says = (
  from: NamespaceRef,
  to: { address: string; port: number; timeout?: number },
  text: string,
) => Promise<string>

const tcpSays: Says = async (from, { address, port, timeout = PATIENTLY.timeout }, text) => {
  const { answer, outcome } = await tcpExchange(from, address, port, Buffer.from(text), { timeout })
  return outcome === 'connected' ? answer.toString() : outcome
}

const udpSays: Says = async (from, { address, port, timeout = PATIENTLY.timeout }, text) => {
  const outcome = await udpExchange(from, address, port, { payload: Buffer.from(text), timeout })
  return outcome === 'answered' ? text : outcome
}

const PROTOCOLS = {
  TCP: { echo: tcpEcho, says: tcpSays },
  UDP: { echo: udpEcho, says: udpSays },
} as const

/**
 * Container 1 listens to a port of its own, by 127.0.0.1 and by the public address, and to one that is not its own;
 * `from` says hello to all of them.
 */
async function hello(
  t: Test,
  protocol: keyof typeof PROTOCOLS,
  container1: NamespaceRef,
  from: NamespaceRef,
): Promise<void> {
  const { echo, says } = PROTOCOLS[protocol]
  await using loopback = await echo(container1, LOCALHOST, VALID_PORT)
  await using publicly = await echo(container1, HOST_IP, VALID_PORT)
  await using invalid = await echo(container1, '0.0.0.0', INVALID_PORT)
  t.equal(await says(from, { address: LOCALHOST, port: VALID_PORT }, 'hello1'), 'hello1')
  t.equal(await says(from, { address: LOCALHOST, port: INVALID_PORT }, 'hello2'), 'refused')
  t.equal(await says(from, { address: HOST_IP, port: VALID_PORT }, 'hello3'), 'hello3')
  t.equal(await says(from, { address: HOST_IP, port: INVALID_PORT }, 'hello4'), 'refused')
  t.equal(loopback.peers.length, 1, 'hello1 by the loopback address')
  t.equal(publicly.peers.length, 1, 'hello3 by the public one')
  t.strictSame(invalid.peers, [], 'nothing else')
  const others = { address: '127.0.0.2', port: INVALID_PORT }
  t.equal(await says(container1, others, 'hello5'), 'refused', 'other loopback addresses lead to the host')
}

for (const protocol of ['TCP', 'UDP'] as const) {
  t.test(`ContainerToContainer${protocol}`, needsIsolation(), async t => {
    const { isolate } = await prepare(t)
    const container1 = await isolate(0, { ports: CONTAINER1_PORTS })
    const container2 = await isolate(1, { ports: CONTAINER2_PORTS })
    await hello(t, protocol, container1, container2)
  })

  t.test(`HostToContainer${protocol}`, needsIsolation(), async t => {
    const { isolate, host } = await prepare(t)
    await hello(t, protocol, await isolate(0, { ports: CONTAINER1_PORTS }), host)
  })
}

/** A container, and a tool to send frames from inside of it. */
async function withTool(t: Test) {
  const prepared = await prepare(t)
  const container = await prepared.isolate(0, { ports: CONTAINER1_PORTS })
  const tool = await FrameTool.start()
  t.teardown(() => tool.close())
  return { ...prepared, container, tool }
}

t.test('ContainerICMPExternal', needsIsolation(), async t => {
  const { container, tool } = await withTool(t)
  t.equal(await ping(tool, container, REMOTE_IP, PATIENTLY), 'answered')
})

t.test('ContainerICMPInternal', needsIsolation(), async t => {
  const { container, tool } = await withTool(t)
  t.equal(await ping(tool, container, LOCALHOST, PATIENTLY), 'answered')
  t.equal(await ping(tool, container, HOST_IP, PATIENTLY), 'answered')
})

t.test('ContainerARPExternal', needsIsolation(), async t => {
  const { container, tool } = await withTool(t)
  // As arping: a request from a packet socket, whatever the neighbour table has.
  const wire = await tool.packetSocket({ netns: container.path, device: WIRE, protocol: ETH_P_ARP })
  const ask = (targetIp: string) =>
    wire.send(
      ethernet(
        { source: HOST_MAC, destination: BROADCAST, type: ETH_P_ARP },
        arp({ operation: 'request', senderMac: HOST_MAC, senderIp: HOST_IP, targetIp }),
      ),
    )
  await ask(REMOTE_IP)
  const reply = arp({
    operation: 'reply',
    ...{ senderMac: REMOTE_MAC, senderIp: REMOTE_IP, targetMac: HOST_MAC, targetIp: HOST_IP },
  })
  t.ok(await wire.next(({ bytes }) => bytes.subarray(14, 14 + reply.length).equals(reply), 5000))
})

t.test('DNS', needsIsolation(), async t => {
  const { remote, container } = await withTool(t)
  await using server = await dnsServer(remote, 'gateway.example')
  t.strictSame(await reverseLookup(container, REMOTE_IP, REMOTE_IP), ['gateway.example'])
  const [first, last] = container.info.ephemeralPorts
  for (const peer of server.peers) {
    const [address, port] = peer.split(':')
    t.equal(address, HOST_IP)
    t.ok(Number(port) >= first && Number(port) <= last, `asked from ${port}`)
  }
})
