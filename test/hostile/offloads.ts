import { isIPv6 } from 'node:net'
import { turnOffFeatures } from '../../src/ethtool/features.js'
import { NetworkNamespace } from '../../src/netns/network-namespace.js'
import { RtnetlinkSocket } from '../../src/rtnetlink-socket.js'
import type { CapturedFrame } from '../helpers/frame-socket.js'
import { TCP_ACK } from '../helpers/packets.js'
import { WIRE } from '../helpers/topology.js'
import { MOMENT } from './acts.js'
import type { Check, Group, Scenario } from './check.js'
import { INET, INET6, twins, type Family } from './family.js'
import { FOREIGN } from './frames.js'
import type { World } from './world.js'

/** struct virtio_net_hdr, linux/virtio_net.h: what a packet socket may ask of the device that sends a frame. */
export function virtioNetHeader(fields: {
  type?: number
  size?: number
  start: number
  offset: number
}): Buffer {
  const header = Buffer.alloc(10)
  header[0] = NEEDS_CSUM
  header[1] = fields.type ?? 0
  header.writeUInt16LE(fields.size ?? 0, 4)
  header.writeUInt16LE(fields.start, 6)
  header.writeUInt16LE(fields.offset, 8)
  return header
}
const NEEDS_CSUM = 1
const GSO_TCPV4 = 1
const GSO_TCPV6 = 4
const GSO_UDP = 3

const ETHERNET = 14

/** What arrives at the remote of a frame that the host's interface has to finish itself, as one without offloads does. */
async function finished(
  world: World,
  header: Buffer,
  frame: (mark: Buffer) => Buffer,
): Promise<CapturedFrame[]> {
  await withoutOffloads(world)
  const wire = await world.eth0(world.remote)
  const inside = await world.eth0(world.c1, { vnetHeader: true, protocol: 0 })
  const mark = world.mark()
  await inside.send(Buffer.concat([header, frame(mark)]))
  const first = await wire.next(({ bytes }) => bytes.includes(PATTERN), MOMENT)
  await world.tool.flush()
  await Promise.all([wire.close(), inside.close()])
  return [...(first ? [first] : []), ...wire.take().filter(({ bytes }) => bytes.includes(PATTERN))]
}

async function withoutOffloads({ host }: World): Promise<void> {
  await using netns = NetworkNamespace.open(host.name)
  await using rt = await RtnetlinkSocket.open({ netns })
  const ifindex = rt.devices.interfaceIndex(WIRE)
  await turnOffFeatures(netns, [{ ifindex, feature: 'tx-checksum-ip-generic' }])
}

const PATTERN = Buffer.from('superframe ')
const body = (length: number) => (): Buffer => Buffer.alloc(length, PATTERN)

/** What both families have. */
function offloadsOf(family: Family & { gsoTcp: number }): Check[] {
  const { host, elsewhere, headerLength, sourceAt, gsoTcp, ported, segment } = family
  const [source, transport] = [ETHERNET + sourceAt, ETHERNET + headerLength]
  const sent = ported()(Buffer.alloc(0))
  const addressLength = isIPv6(host) ? 16 : 4
  /** Another source address or port than what was sent has. */
  const isForged = ({ bytes }: CapturedFrame): boolean =>
    [
      [source, source + addressLength],
      [transport, transport + 2],
    ].some(([begin, end]) => !bytes.subarray(begin, end).equals(sent.subarray(begin, end)))
  const superframe = virtioNetHeader({
    ...{ type: gsoTcp, size: 1468 - headerLength },
    ...{ start: transport, offset: 16 },
  })
  const rewriting = (id: string, rule: string, start: number): Scenario => ({
    id,
    rule,
    control: 'open',
    run: async world => {
      const seen = await finished(world, virtioNetHeader({ start, offset: 0 }), () => ported()(body(40)()))
      const forged = seen.find(isForged)
      return forged && `${forged.bytes.subarray(source, transport + 2).toString('hex')} is on the wire`
    },
  })
  return [
    {
      id: 'G01',
      rule: 'a superframe of its own, as TCP sends them',
      run: async world => {
        const seen = await finished(world, superframe, () => segment(TCP_ACK)(body(20_000)()))
        return seen.length >= 14 && !seen.some(isForged) ? undefined : `${seen.length} frames arrive`
      },
    },
    ...(
      [
        ['A41', 'from elsewhere', { source: elsewhere }],
        ['G02', 'from a port of another', { sourcePort: FOREIGN }],
      ] as const
    ).map(([id, what, fields]): Scenario => ({
      id,
      rule: `a superframe ${what}`,
      control: 'open',
      run: async world => {
        const seen = await finished(world, superframe, () => segment(TCP_ACK, fields)(body(20_000)()))
        return seen.length > 0 ? `${seen.length} frames arrive` : undefined
      },
    })),
    {
      id: 'G03',
      rule: 'a datagram that is to be cut into IP fragments behind the filters',
      control: 'open',
      run: async world => {
        const header = virtioNetHeader({ type: GSO_UDP, size: 1440, start: transport, offset: 6 })
        const seen = await finished(world, header, () => ported()(body(4000)()))
        return seen.length > 0 ? `${seen.length} fragments arrive` : undefined
      },
    },
    rewriting('G04', 'a checksum that is written over the source address', source),
    rewriting('G05', 'a checksum that is written over the source port', transport),
  ]
}

const name = 'Offloads'
/** Frames that are finished behind the filters: cut up, or given a checksum, by the interface that sends them. */
export const offloads: Group = { name, checks: offloadsOf({ ...INET, gsoTcp: GSO_TCPV4 }) }
export const offloads6: Group = {
  name: `${name}, IPv6`,
  checks: twins(offloadsOf({ ...INET6, gsoTcp: GSO_TCPV6 })),
}
