import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { answersPerSecond } from '../../src/isolator/plan/answers.js'
import { NetworkNamespace } from '../../src/netns/network-namespace.js'
import { FrameTool } from '../helpers/frame-tool.js'
import { ip, tc } from '../helpers/iproute2.js'
import { resolveNeighbour } from '../helpers/neighbours.js'
import { arp, ETH_P_ARP, ethernet, icmp, ipv4, IPPROTO_ICMP, IPPROTO_UDP, udp } from '../helpers/packets.js'
import { ping } from '../helpers/ping.js'
import {
  createTopology,
  HOST_IP,
  HOST_MAC,
  REMOTE_IP,
  REMOTE_MAC,
  WIRE,
  type NamespaceRef,
} from '../helpers/topology.js'
import { needsIsolation, OPTIONS, PATIENTLY, twoContainers } from './isolated-topology.js'
import { changesNothing, settleLoopback } from './kernel-state.js'

/** As many as the wire is given at once. */
const FLOOD = 300
/** What a queue holds at least, and a burst passes at once. */
const BURST = 16 + 4

const fromWire = (payload: Uint8Array, type?: number) =>
  ethernet({ destination: HOST_MAC, source: REMOTE_MAC, ...(type !== undefined && { type }) }, payload)
const toHost = (protocol: number, payload: Uint8Array, fields = {}) =>
  fromWire(ipv4({ source: REMOTE_IP, destination: HOST_IP, protocol, ...fields }, payload))
const echoReply = toHost(IPPROTO_ICMP, icmp({ type: 0, rest: Buffer.from([1, 2, 0, 1]) }, Buffer.alloc(8)))
const aboutPing = toHost(
  IPPROTO_ICMP,
  icmp(
    { type: 11 },
    ipv4(
      { source: HOST_IP, destination: REMOTE_IP, protocol: IPPROTO_ICMP },
      icmp({ type: 8 }, Buffer.alloc(8)),
    ),
  ),
)
const arpReply = fromWire(
  arp({ operation: 'reply', senderMac: REMOTE_MAC, senderIp: REMOTE_IP, targetIp: HOST_IP }),
  ETH_P_ARP,
)
const laterFragment = toHost(IPPROTO_UDP, udp({ sourcePort: 1, destinationPort: 2 }, Buffer.alloc(8)), {
  fragmentOffset: 8,
})

/** A host with room for as many containers, of which two are there. */
async function world(t: Test, ephemeralPortsPerContainer: number) {
  const { remote, c1, c2, host, isolator } = await twoContainers(t, {
    ephemeralPortsPerContainer,
    fragments: 'allow',
  })
  const tool = await FrameTool.start()
  t.teardown(() => tool.close())
  const listen = ({ path }: NamespaceRef) => tool.packetSocket({ netns: path, device: WIRE, outgoing: false })
  const [wire, ...inside] = await Promise.all([listen(remote), listen(c1), listen(c2)])
  /** Sends frames from the wire, and counts those that each container has got of them a while later. */
  const copies = async (frames: readonly Buffer[]): Promise<number[]> => {
    for (const socket of inside) socket.take()
    await wire.send(...frames)
    await sleep(500)
    await tool.flush()
    const sent = new Set(frames.map(frame => frame.toString('latin1')))
    return inside.map(
      socket => socket.take().filter(({ bytes }) => sent.has(bytes.toString('latin1'))).length,
    )
  }
  return { remote, host, c1, c2, isolator, tool, copies }
}

/** How many echo replies a namespace's stack has seen. */
async function echoRepliesIn({ path }: NamespaceRef): Promise<number> {
  await using netns = NetworkNamespace.open(path)
  const [text] = await netns.accessFiles([['/proc/thread-self/net/snmp', null]])
  const [names = '', values = ''] = String(text)
    .split('\n')
    .filter(line => line.startsWith('Icmp:'))
  return Number(values.split(' ')[names.split(' ').indexOf('InEchoReps')])
}

t.test('the more containers there is room for, the fewer answers for everyone', async t => {
  for (const sort of ['arp', 'icmp', 'fragment'] as const) {
    const rates = [1, 24, 100, 500, 1000, 4095].map(capacity => ({
      capacity,
      rate: answersPerSecond(sort, { capacity }),
    }))
    for (const { capacity, rate } of rates) {
      t.ok(rate * capacity <= 100_000, `${sort}: at most 100,000 copies a second for ${capacity}`)
      t.ok(rate >= 10, 'and some for each')
    }
  }
})

t.test('with room for eight a flood reaches everyone', needsIsolation(), async t => {
  const { host, copies } = await world(t, 1024)
  const before = await echoRepliesIn(host)
  for (const [what, frame] of Object.entries({ echoReply, aboutPing, arpReply, laterFragment }))
    t.strictSame(await copies(Array.from({ length: FLOOD }, () => frame)), [FLOOD, FLOOD], what)
  t.equal((await echoRepliesIn(host)) - before, FLOOD, 'and the host, once each')
})

t.test('with room for a thousand most of it is dropped, but for the host', needsIsolation(), async t => {
  const { host, c1, c2, tool, copies } = await world(t, 8)
  const perSecond = {
    icmp: answersPerSecond('icmp', { capacity: 1024 }),
    arp: answersPerSecond('arp', { capacity: 1024 }),
  }
  const before = await echoRepliesIn(host)
  for (const [what, frame, rate] of [
    ['echo replies', echoReply, perSecond.icmp],
    ['errors about pings', aboutPing, perSecond.icmp],
    ['ARP replies', arpReply, perSecond.arp],
    ['later fragments', laterFragment, perSecond.arp],
  ] as const) {
    const started = Date.now()
    const seen = await copies(Array.from({ length: FLOOD }, () => frame))
    const most = BURST + Math.ceil(rate / 4) + (rate * (Date.now() - started)) / 1000
    for (const count of seen)
      t.ok(count > 0 && count <= most, `${what}: ${count} of ${FLOOD}, at most ${most}`)
  }
  t.equal((await echoRepliesIn(host)) - before, FLOOD, 'the host gets each of its own, once')

  await t.test('a flood of one sort leaves the others alone', async t => {
    const flood = Array.from({ length: FLOOD }, () => echoReply)
    const [first] = await copies([...flood, arpReply, arpReply])
    const [second] = await copies(flood)
    t.ok(first! > 0 && second! > 0)
    await ip(c1.name, 'neigh flush dev eth0')
    const [, mac] = await Promise.all([copies(flood), resolveNeighbour(c1, WIRE, REMOTE_IP)])
    t.equal(mac, REMOTE_MAC, 'the gateway is found')
  })

  await t.test('pings are answered once it is over', async t => {
    for (const from of [c1, c2]) t.equal(await ping(tool, from, REMOTE_IP, PATIENTLY), 'answered')
  })
})

t.test('a pair that somebody has deleted', needsIsolation(), async t => {
  const { host, c1, c2, isolator, tool } = await world(t, 1024)
  await ip(host.name, 'link del pmanswers')
  t.equal(await ping(tool, c1, REMOTE_IP, { timeout: 200 }), 'timeout')
  const found = await isolator.verify()
  t.match(found[0], { kind: 'missing', foreign: false, object: /^ip link add .*pmanswers/ })
  const { left } = await isolator.repair()
  t.strictSame(left, [])
  t.strictSame(await isolator.verify(), [])
  for (const from of [c1, c2]) t.equal(await ping(tool, from, REMOTE_IP, PATIENTLY), 'answered')

  await t.test('is made again by who follows the host', async t => {
    isolator.on('error', () => undefined)
    await sleep(100)
    await ip(host.name, 'link del pmcopies')
    let answer = 'timeout'
    for (let tries = 0; tries < 50 && answer !== 'answered'; tries++)
      answer = await ping(tool, c1, REMOTE_IP, { timeout: 200 })
    t.equal(answer, 'answered')
  })
})

t.test('what an earlier run left is completed', needsIsolation(), async t => {
  const topology = await createTopology({ containers: 0, prefix: 'i' })
  t.teardown(() => topology.close())
  const { host } = topology
  await settleLoopback(host, HOST_MAC)
  const create = () => PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
  await changesNothing(t, [host], async () => {
    await (await create()).close()
    for (const cut of [
      'qdisc del dev pmanswers root',
      'qdisc del dev pmcopies ingress',
      'filter del dev pmcopies ingress prio 1020',
      'filter del dev pmanswers parent 1: prio 1020',
    ]) {
      await tc(host.name, cut)
      const again = await create()
      t.strictSame(await again.verify(), [], cut)
      await again.close()
    }
    const other = await PortMappingIsolator.create({
      ...OPTIONS,
      netns: host.name,
      ephemeralPortsPerContainer: 8,
    })
    t.strictSame(await other.verify(), [], 'the limits are those of the last run')
    await other.destroy()
  })
})

t.test("links of somebody else's with these names", needsIsolation(), async t => {
  const topology = await createTopology({ containers: 0, prefix: 'i' })
  t.teardown(() => topology.close())
  const { host } = topology
  await settleLoopback(host, HOST_MAC)
  for (const name of ['pmanswers', 'pmcopies']) {
    await ip(host.name, `link add ${name} type veth peer name theirs`)
    await changesNothing(t, [host], () =>
      t.rejects(PortMappingIsolator.create({ ...OPTIONS, netns: host.name }), {
        code: 'ERR_FOREIGN_STATE',
        message: new RegExp(`${name} .*ip link del ${name}`),
      }),
    )
    await ip(host.name, `link del ${name}`)
  }
})
