import t, { type Test } from 'tap'
import type { FrameSocket } from '../helpers/frame-socket.js'
import { FrameTool } from '../helpers/frame-tool.js'
import { udp } from '../helpers/packets.js'
import { ETH_P_IPV6, icmpv6, IPPROTO_ICMPV6, ipv6, ipv6Bytes, macOption } from '../helpers/packets6.js'
import { HOST_MAC, REMOTE_MAC, WIRE, type NamespaceRef } from '../helpers/topology.js'
import {
  DUPLICATE,
  FOREIGN,
  frame,
  HOST_PORT,
  LOCAL,
  MARTIANS,
  NOT_LOCAL,
  NOWHERE,
  OUT,
  OWN,
  TO_CONTAINER,
} from './inet6-frames.js'
import {
  HOST_IP6,
  HOST_LINES_WITH_OTHERS,
  HOST_LINK_LOCAL,
  NOT_SHARED,
  REMOTE_IP6,
  REMOTE_LINK_LOCAL,
  twoContainers6,
} from './inet6-topology.js'
import { needsIsolation, type TopologyOfIsolator } from './isolated-topology.js'

async function withTool(t: Test, options: TopologyOfIsolator = {}) {
  const world = await twoContainers6(t, { hostLines: HOST_LINES_WITH_OTHERS, ...options })
  const tool = await FrameTool.start()
  t.teardown(() => tool.close())
  const listen = ({ path }: NamespaceRef, device = WIRE, protocol?: number): Promise<FrameSocket> =>
    tool.packetSocket({ netns: path, device, ...(protocol !== undefined && { protocol }) })
  return { ...world, tool, listen }
}

/** Whether a frame arrives, tags aside, which the kernel takes off. */
const arrives = async (socket: FrameSocket, sent: Buffer, timeout?: number): Promise<boolean> =>
  (await socket.next(({ bytes }) => bytes.equals(sent), timeout)) !== undefined

const QUICKLY = 1

for (const options of [
  {},
  { egressEnforcement: 'host', egressRateLimitPerContainer: '100MB', bloatReduction: 'none' },
] as const)
  t.test(`what a container may send: ${JSON.stringify(options)}`, needsIsolation(), async t => {
    const { remote, host, c1, c2, tool, listen } = await withTool(t, options)
    const from = await listen(c1)
    const [wire, other, stack] = [await listen(remote), await listen(c2), await listen(host, 'lo')]
    const controls = async (): Promise<void> => {
      await from.send(OUT[0]![1], LOCAL[0]![1])
      t.ok(await arrives(wire, OUT[0]![1]), 'control: UDP to the remote arrives')
      t.ok(await arrives(other, LOCAL[0]![1]), 'control: UDP to another container arrives')
    }
    await controls()
    for (const [about, sent] of OUT) {
      await from.send(sent)
      t.ok(await arrives(wire, sent), `out: ${about}`)
    }
    for (const [about, sent] of LOCAL) {
      await from.send(sent)
      t.ok(await arrives(stack, sent), `local: ${about}`)
    }
    for (const [about, sent] of [...NOWHERE, ...NOT_LOCAL]) {
      await from.send(sent)
      await tool.flush()
      const untagged =
        sent.readUInt16BE(12) === 0x8100 ? Buffer.concat([sent.subarray(0, 12), sent.subarray(16)]) : sent
      for (const socket of [wire, other, stack])
        t.notOk(await arrives(socket, untagged, QUICKLY), `nowhere: ${about}`)
    }
    await controls()
  })

/** A frame of the remote to the host. */
const inbound = (payload: Uint8Array, about: Parameters<typeof frame>[1] = {}): Buffer =>
  frame(payload, { source: REMOTE_IP6, destination: HOST_IP6, mac: REMOTE_MAC, to: HOST_MAC, ...about })

const icmpTo = (
  destination: string,
  type: number,
  payload: Uint8Array,
  about: Parameters<typeof frame>[1] = {},
): Buffer => {
  const ends = { source: about.source ?? REMOTE_IP6, destination }
  return inbound(icmpv6({ type, rest: Buffer.from([0x40, 0, 0, 0]) }, payload, ends), {
    ...{ nextHeader: IPPROTO_ICMPV6, destination, ...about },
  })
}

const advertisement = (
  target: string,
  destination: string,
  about: Parameters<typeof frame>[1] = {},
): Buffer =>
  icmpTo(destination, 136, Buffer.concat([ipv6Bytes(target), macOption(2, REMOTE_MAC)]), {
    hopLimit: 255,
    ...about,
  })

/** An error of the wire about a packet that came from a port here. */
const errorAbout = (type: number, port: number): Buffer =>
  icmpTo(
    HOST_IP6,
    type,
    ipv6(
      { source: HOST_IP6, destination: REMOTE_IP6, nextHeader: 17 },
      udp({ sourcePort: port, destinationPort: 53 }, Buffer.alloc(8)),
    ),
  )

for (const neighbours6 of ['gateway', 'prefix'] as const)
  t.test(`what comes from the wire, neighbours6: '${neighbours6}'`, needsIsolation(), async t => {
    const { remote, host, c1, c2, tool, listen } = await withTool(t, { neighbours6 })
    const wire = await listen(remote)
    const [one, two] = [await listen(c1), await listen(c2)]
    const stack = await listen(host, WIRE, ETH_P_IPV6)
    const seen = async (sent: Buffer): Promise<string[]> => {
      await wire.send(sent)
      await tool.flush()
      const sockets = { c1: one, c2: two, host: stack }
      const found: string[] = []
      for (const [name, socket] of Object.entries(sockets))
        if (await arrives(socket, sent, name === 'host' ? 20 : 60)) found.push(name)
      return found
    }
    const udpTo = (destinationPort: number): Buffer =>
      inbound(udp({ sourcePort: 53, destinationPort }, Buffer.alloc(8)))

    t.strictSame(await seen(TO_CONTAINER), ['c1'], 'control')
    for (const [about, sent] of MARTIANS) t.strictSame(await seen(sent), [], `dropped: ${about}`)
    t.strictSame(await seen(DUPLICATE), ['host'], 'an advertisement of the address of the host is its to see')
    t.strictSame(await seen(udpTo(FOREIGN)), ['c2'])
    t.strictSame(await seen(udpTo(HOST_PORT)), ['host'])
    t.strictSame(
      await seen(
        inbound(udp({ sourcePort: 53, destinationPort: OWN }, Buffer.alloc(8)), {
          destination: HOST_LINK_LOCAL,
        }),
      ),
      ['c1'],
      'by the link-local address',
    )
    t.strictSame(
      await seen(
        inbound(udp({ sourcePort: 53, destinationPort: OWN }, Buffer.alloc(8)), { destination: NOT_SHARED }),
      ),
      ['host'],
      'by an address that is not shared',
    )
    t.strictSame(
      await seen(
        inbound(
          Buffer.concat([
            Buffer.from([17, 0, 0, 1, 0, 0, 0, 0]),
            udp({ sourcePort: 53, destinationPort: OWN }, Buffer.alloc(8)),
          ]),
          { nextHeader: 44 },
        ),
      ),
      ['host'],
      'a fragment',
    )
    for (const type of [1, 2, 3, 4]) {
      t.strictSame(await seen(errorAbout(type, OWN)), ['c1'], `an error of type ${type}`)
      t.strictSame(await seen(errorAbout(type, HOST_PORT)), ['host'], `an error of type ${type} for the host`)
    }
    const all = ['c1', 'c2', 'host']
    t.strictSame(await seen(icmpTo(HOST_IP6, 129, Buffer.alloc(8))), all, 'an echo reply')
    t.strictSame(await seen(icmpTo(HOST_IP6, 128, Buffer.alloc(8))), ['host'], 'an echo request')
    t.strictSame(
      await seen(advertisement(REMOTE_LINK_LOCAL, HOST_IP6)),
      all,
      'an advertisement of the gateway',
    )
    t.strictSame(
      await seen(advertisement(REMOTE_LINK_LOCAL, HOST_LINK_LOCAL)),
      all,
      'to the link-local address',
    )
    t.strictSame(
      await seen(advertisement(REMOTE_LINK_LOCAL, HOST_IP6, { hopLimit: 64 })),
      ['host'],
      'one that came through a router',
    )
    t.strictSame(
      await seen(advertisement(REMOTE_IP6, HOST_IP6)),
      neighbours6 === 'prefix' ? all : ['host'],
      'an advertisement of another neighbour',
    )
    const toAll = { to: '33:33:00:00:00:01' }
    t.strictSame(
      await seen(advertisement(REMOTE_LINK_LOCAL, 'ff02::1', toAll)),
      all,
      "the gateway's to all nodes",
    )
    t.strictSame(await seen(advertisement(REMOTE_IP6, 'ff02::1', toAll)), ['host'], 'of another to all nodes')
    const router = icmpTo('ff02::1', 134, Buffer.alloc(8), {
      source: REMOTE_LINK_LOCAL,
      hopLimit: 255,
      ...toAll,
    })
    t.strictSame(await seen(router), ['host'], 'a router advertisement')
    const tagged = inbound(udp({ sourcePort: 54, destinationPort: OWN }, Buffer.alloc(8)), { vlans: [0] })
    await wire.send(tagged)
    t.ok(await one.next(({ bytes }) => bytes.readUInt16BE(bytes.length - 16) === 54, 400), 'a priority tag')
  })
