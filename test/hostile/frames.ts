/** Frames as containers and the wire send them, by default as they should be; each check forges one thing. */
import {
  arp,
  BROADCAST,
  ETH_P_ARP,
  ETH_P_IP,
  ethernet,
  icmp,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  ipv4,
  tcp,
  TCP_SYN,
  udp,
  type ArpFields,
  type IcmpFields,
  type Ipv4Fields,
} from '../helpers/packets.js'
import { HOST_IP, HOST_MAC, REMOTE_IP, REMOTE_MAC } from '../helpers/topology.js'

export const LOCALHOST = '127.0.0.1'
/** The host's other address on the wire. */
export const SECOND_ADDRESS = '10.9.0.7'
/** An address that nobody has. */
export const ELSEWHERE = '192.0.2.9'
export const EVIL_MAC = '02:00:0a:09:00:66'

/** The ports of the two containers, and one of the host. */
export const C1 = { first: 31_000, last: 31_007, ephemeral: [20_480, 20_735] } as const
export const C2 = { first: 31_008, last: 31_015, ephemeral: [20_736, 20_991] } as const
export const OWN = C1.first
export const FOREIGN = C2.first
export const HOST_PORT = 80
export const REMOTE_PORT = 53

/** A frame that is recognised by its mark. */
export type Frame = (mark: Buffer) => Buffer

/** Payload enough to tell a frame from others by its end alone. */
export const body = (mark: Uint8Array): Buffer => Buffer.concat([Buffer.alloc(16), mark])

export interface Fields extends Partial<Ipv4Fields> {
  /** Source and destination MAC. */
  mac?: string
  to?: string
  vlans?: number[]
  type?: number
  sourcePort?: number
  destinationPort?: number
}

/** An IPv4 datagram in a frame; from a container to the remote unless the fields say otherwise. */
export function datagram(payload: Uint8Array, fields: Fields = {}): Buffer {
  const { mac = HOST_MAC, to = REMOTE_MAC, vlans, type = ETH_P_IP, ...header } = fields
  const { sourcePort: _source, destinationPort: _destination, ...ip } = header
  return ethernet(
    { source: mac, destination: to, type, ...(vlans && { vlans }) },
    ipv4({ source: HOST_IP, destination: REMOTE_IP, protocol: IPPROTO_UDP, ...ip }, payload),
  )
}

/** A datagram of any protocol that begins with ports, as UDP does. */
export const ported =
  (fields: Fields = {}) =>
  (mark: Buffer): Buffer =>
    datagram(
      udp(
        { sourcePort: fields.sourcePort ?? OWN, destinationPort: fields.destinationPort ?? REMOTE_PORT },
        body(mark),
      ),
      fields,
    )

export const segment =
  (flags: number, fields: Fields = {}) =>
  (mark: Buffer): Buffer => {
    const {
      sourcePort = OWN,
      destinationPort = REMOTE_PORT,
      source = HOST_IP,
      destination = REMOTE_IP,
    } = fields
    const payload = tcp({ sourcePort, destinationPort, flags }, body(mark), { source, destination })
    return datagram(payload, { ...fields, protocol: IPPROTO_TCP })
  }
export const syn = (fields: Fields = {}) => segment(TCP_SYN, fields)

export const icmpOf =
  (message: IcmpFields, fields: Fields = {}) =>
  (mark: Buffer): Buffer =>
    datagram(icmp(message, body(mark)), { protocol: IPPROTO_ICMP, ...fields })

export interface Quoted extends Partial<Ipv4Fields> {
  sourcePort?: number
  destinationPort?: number
}

/** An ICMP error; what it quotes is by default a datagram from the remote to a port of the container. */
export const errorAbout =
  (
    message: IcmpFields,
    { sourcePort = REMOTE_PORT, destinationPort = OWN, ...quoted }: Quoted,
    fields: Fields = {},
  ) =>
  (mark: Buffer): Buffer => {
    const inner = ipv4(
      { source: REMOTE_IP, destination: HOST_IP, protocol: IPPROTO_UDP, ...quoted },
      udp({ sourcePort, destinationPort }, body(mark)),
    )
    return datagram(icmp(message, inner), { protocol: IPPROTO_ICMP, ...fields })
  }

export interface ArpFrame extends Partial<ArpFields> {
  mac?: string
  to?: string
  vlans?: number[]
  type?: number
}

/** An ARP request in the host's name, with the mark as padding. */
export const arpOf =
  ({ mac = HOST_MAC, to = BROADCAST, vlans, type = ETH_P_ARP, ...fields }: ArpFrame = {}) =>
  (mark: Buffer): Buffer =>
    ethernet(
      { source: mac, destination: to, type, ...(vlans && { vlans }) },
      Buffer.concat([
        arp({ operation: 'request', senderMac: HOST_MAC, senderIp: HOST_IP, targetIp: REMOTE_IP, ...fields }),
        Buffer.alloc(12),
        mark,
      ]),
    )

/** A frame of another EtherType. */
export const etherType =
  (type: number, { mac = HOST_MAC, to = REMOTE_MAC }: { mac?: string; to?: string } = {}) =>
  (mark: Buffer): Buffer =>
    ethernet({ source: mac, destination: to, type }, Buffer.concat([Buffer.alloc(40), mark]))

/** The first bytes of a good frame, which is recognised by its destination MAC. */
export const cut =
  (length: number, whole: (mark: Buffer) => Buffer = ported()) =>
  (mark: Buffer): Buffer =>
    Buffer.concat([mark, whole(mark).subarray(6, length)])

/** A frame with bytes changed: offset to value. */
export const patched =
  (whole: (mark: Buffer) => Buffer, bytes: Record<number, number>) =>
  (mark: Buffer): Buffer => {
    const frame = whole(mark)
    for (const [offset, value] of Object.entries(bytes)) frame[Number(offset)] = value
    return frame
  }

/** From the wire to the host's address. */
export const INBOUND = { mac: REMOTE_MAC, to: HOST_MAC, source: REMOTE_IP, destination: HOST_IP } as const
