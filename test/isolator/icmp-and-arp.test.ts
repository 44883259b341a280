import t, { type Test } from 'tap'
import { FrameTool } from '../helpers/frame-tool.js'
import { resolveNeighbour } from '../helpers/neighbours.js'
import {
  arp,
  BROADCAST,
  ETH_P_ARP,
  ETH_P_IP,
  ethernet,
  icmp,
  ipv4,
  IPPROTO_ICMP,
  udp,
} from '../helpers/packets.js'
import { ping } from '../helpers/ping.js'
import { tcpConnect } from '../helpers/tcp-traffic.js'
import { HOST_IP, HOST_MAC, REMOTE_IP, REMOTE_MAC, WIRE } from '../helpers/topology.js'
import { udpEcho, udpExchange } from '../helpers/udp-traffic.js'
import { needsIsolation, twoContainers, PATIENTLY } from './isolated-topology.js'

const CLOSED = 9
const ICMP_ECHOREPLY = 0 // linux/icmp.h
const ICMP_DEST_UNREACH = 3
const ICMP_ECHO = 8
const ICMP_TIME_EXCEEDED = 11
const IPPROTO_SCTP = 132 // linux/in.h
const IPPROTO_UDP = 17

const isIcmp = (frame: Buffer, type: number): boolean =>
  frame.readUInt16BE(12) === ETH_P_IP && frame[23] === IPPROTO_ICMP && frame[34] === type
const isArpReply = (frame: Buffer): boolean =>
  frame.readUInt16BE(12) === ETH_P_ARP && frame.readUInt16BE(20) === 2

async function withTool(t: Test, options: Parameters<typeof twoContainers>[1] = {}) {
  const world = await twoContainers(t, options)
  const tool = await FrameTool.start()
  t.teardown(() => tool.close())
  const listen = ({ path }: { path: string }, outgoing = false) =>
    tool.packetSocket({ netns: path, device: WIRE, outgoing })
  return { ...world, tool, listen }
}

for (const neighbours of ['prefix', 'gateway'] as const) {
  t.test(`ping and ARP, neighbours: '${neighbours}'`, needsIsolation(), async t => {
    const { remote, host, c1, c2, tool, listen } = await withTool(t, { neighbours })

    await t.test('everyone pings out', async t => {
      for (const from of [c1, c2, host]) {
        t.equal(await ping(tool, from, REMOTE_IP, PATIENTLY), 'answered')
        t.equal(await ping(tool, from, REMOTE_IP, { size: 1400, ...PATIENTLY }), 'answered')
        t.equal(await ping(tool, from, '10.9.0.77', { timeout: 100 }), 'timeout')
      }
    })

    await t.test('everyone pings the shared address and 127.0.0.1', async t => {
      for (const from of [host, c1]) {
        t.equal(await ping(tool, from, HOST_IP, PATIENTLY), 'answered')
        t.equal(await ping(tool, from, '127.0.0.1', PATIENTLY), 'answered')
      }
      t.equal(await ping(tool, remote, HOST_IP, PATIENTLY), 'answered')
    })

    await t.test('one ping from the wire has one answer, and no container sees it', async t => {
      const [wire, ...inside] = await Promise.all([listen(remote), listen(c1), listen(c2)])
      const request = icmp({ type: ICMP_ECHO, rest: Buffer.from([1, 2, 0, 1]) }, Buffer.from('rtnetlink'))
      const packet = ipv4({ source: REMOTE_IP, destination: HOST_IP, protocol: IPPROTO_ICMP }, request)
      await wire.send(ethernet({ destination: HOST_MAC, source: REMOTE_MAC }, packet))
      t.ok(await wire.next(({ bytes }) => isIcmp(bytes, ICMP_ECHOREPLY)))
      await tool.flush()
      t.strictSame(
        wire.take().filter(({ bytes }) => isIcmp(bytes, ICMP_ECHOREPLY)),
        [],
        'no second answer',
      )
      for (const socket of inside)
        t.strictSame(
          socket.take().filter(({ bytes }) => isIcmp(bytes, ICMP_ECHO)),
          [],
        )
    })

    await t.test('ARP from an empty table', async t => {
      for (const from of [c1, c2, host]) t.equal(await resolveNeighbour(from, WIRE, REMOTE_IP), REMOTE_MAC)
      const wire = await listen(remote)
      t.equal(await resolveNeighbour(remote, WIRE, HOST_IP), HOST_MAC)
      await tool.flush()
      t.equal(wire.take().filter(({ bytes }) => isArpReply(bytes)).length, 1, 'one question, one answer')
      await wire.close()
    })

    await t.test("the gateway's gratuitous ARP reaches everyone, others' nobody", async t => {
      const wire = await listen(remote)
      const sockets = await Promise.all([listen(c1), listen(c2)])
      const announce = (address: string, operation: 'request' | 'reply') =>
        wire.send(
          ethernet(
            { destination: BROADCAST, source: REMOTE_MAC, type: ETH_P_ARP },
            arp({ operation, senderMac: REMOTE_MAC, senderIp: address, targetIp: address }),
          ),
        )
      await announce('10.9.0.77', 'request')
      await announce('10.9.0.77', 'reply')
      await announce(REMOTE_IP, 'request')
      await announce(REMOTE_IP, 'reply')
      for (const socket of sockets) {
        const seen: string[] = []
        for (let i = 0; i < 2; i++) {
          const frame = await socket.next(({ bytes }) => bytes.readUInt16BE(12) === ETH_P_ARP)
          seen.push(
            frame ? `${frame.bytes.readUInt16BE(20)} ${frame.bytes.subarray(28, 32).join('.')}` : 'nothing',
          )
        }
        t.strictSame(seen, [`1 ${REMOTE_IP}`, `2 ${REMOTE_IP}`])
        t.strictSame(
          socket.take().filter(({ bytes }) => bytes.readUInt16BE(12) === ETH_P_ARP),
          [],
        )
      }
    })
  })
}

t.test('ICMP errors find the container that asked', needsIsolation(), async t => {
  const { remote, c1, c2, tool, listen } = await withTool(t)

  await t.test('port unreachable', async t => {
    for (const [asking, other] of [
      [c1, c2],
      [c2, c1],
    ] as const) {
      await using elsewhere = await udpEcho(other, '0.0.0.0', 0)
      const [mine, others] = await Promise.all([listen(asking), listen(other)])
      t.equal(await udpExchange(asking, REMOTE_IP, CLOSED), 'refused')
      t.equal(await tcpConnect(asking, REMOTE_IP, CLOSED), 'refused')
      await tool.flush()
      t.equal(mine.take().filter(({ bytes }) => isIcmp(bytes, ICMP_DEST_UNREACH)).length, 1)
      t.strictSame(
        others.take().filter(({ bytes }) => bytes.readUInt16BE(12) === ETH_P_IP),
        [],
        'nothing for the other',
      )
      t.strictSame(elsewhere.peers, [])
    }
  })

  await t.test('time exceeded and fragmentation needed, by the quoted source port', async t => {
    const [wire, one, two] = await Promise.all([listen(remote), listen(c1), listen(c2)])
    for (const [type, code] of [
      [ICMP_TIME_EXCEEDED, 0],
      [ICMP_DEST_UNREACH, 4],
    ] as const) {
      for (const [owner, mine, others] of [
        [c1, one, two],
        [c2, two, one],
      ] as const) {
        const asked = udp({ sourcePort: owner.port + 3, destinationPort: CLOSED }, Buffer.alloc(8))
        const quoted = ipv4({ source: HOST_IP, destination: REMOTE_IP, protocol: IPPROTO_UDP }, asked)
        const packet = ipv4(
          { source: REMOTE_IP, destination: HOST_IP, protocol: IPPROTO_ICMP },
          icmp({ type, code }, quoted),
        )
        await wire.send(ethernet({ destination: HOST_MAC, source: REMOTE_MAC }, packet))
        t.ok(await mine.next(({ bytes }) => isIcmp(bytes, type)))
        await tool.flush()
        t.strictSame(
          others.take().filter(({ bytes }) => isIcmp(bytes, type)),
          [],
        )
      }
    }
  })
})

t.test('SCTP', needsIsolation(), async t => {
  const { remote, c1, c2, tool } = await withTool(t)
  const socketIn = ({ path }: { path: string }) => tool.rawSocket({ netns: path, protocol: IPPROTO_SCTP })
  const [wire, one, two] = await Promise.all([socketIn(remote), socketIn(c1), socketIn(c2)])
  /** A common header, RFC 9260, section 3.1; whoever receives it here does not look at the rest. */
  const packet = (
    source: string,
    destination: string,
    sourcePort: number,
    destinationPort: number,
  ): Buffer => {
    const header = Buffer.alloc(12)
    header.writeUInt16BE(sourcePort, 0)
    header.writeUInt16BE(destinationPort, 2)
    return ipv4({ source, destination, protocol: IPPROTO_SCTP }, header)
  }
  const ports = (frame: { bytes: Buffer } | undefined) =>
    frame && [frame.bytes.readUInt16BE(20), frame.bytes.readUInt16BE(22)]
  const any = (): boolean => true

  await wire.send(packet(REMOTE_IP, HOST_IP, 5000, 31_500), packet(REMOTE_IP, HOST_IP, 5000, c1.port))
  t.strictSame(ports(await one.next(any)), [5000, c1.port], 'the one for a port of its own arrives first')
  await wire.send(packet(REMOTE_IP, HOST_IP, 5000, c2.port))
  t.strictSame(ports(await two.next(any)), [5000, c2.port])
  await one.send(packet(HOST_IP, REMOTE_IP, c2.port, 5000), packet(HOST_IP, REMOTE_IP, c1.port, 5000))
  t.strictSame(ports(await wire.next(any)), [c1.port, 5000], 'the one from a port of its own leaves')
  await one.send(packet(HOST_IP, HOST_IP, c1.port, c2.port))
  t.strictSame(ports(await two.next(any)), [c1.port, c2.port], 'container to container')
  await tool.flush()
  t.strictSame(
    [wire, two].map(socket => socket.take()),
    [[], []],
  )
})
