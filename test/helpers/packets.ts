/** Ethernet, ARP, IPv4, UDP, TCP and ICMP headers as bytes, every field open to be forged. */

export const ETH_P_ALL = 0x0003 // linux/if_ether.h
export const ETH_P_IP = 0x0800
export const ETH_P_ARP = 0x0806
export const ETH_P_8021Q = 0x8100
export const BROADCAST = 'ff:ff:ff:ff:ff:ff'

export const IPPROTO_ICMP = 1 // linux/in.h
export const IPPROTO_TCP = 6
export const IPPROTO_UDP = 17

export const TCP_FIN = 0x01
export const TCP_SYN = 0x02
export const TCP_RST = 0x04
export const TCP_ACK = 0x10

export function macBytes(mac: string): Buffer {
  return Buffer.from(mac.replaceAll(':', ''), 'hex')
}

export function ipv4Bytes(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number))
}

/** The Internet checksum (RFC 1071) of the parts laid end to end; each but the last has an even length. */
export function internetChecksum(...parts: Uint8Array[]): number {
  let sum = 0
  for (const part of parts) {
    for (let i = 0; i < part.length; i += 2) sum += (part[i]! << 8) | (part[i + 1] ?? 0)
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
  return ~sum & 0xffff
}

export interface EthernetFields {
  destination: string
  source: string
  /** Default: IPv4. */
  type?: number
  /** 802.1Q tags, outermost first. */
  vlans?: number[]
}

export function ethernet(fields: EthernetFields, payload: Uint8Array): Buffer {
  const { destination, source, type = ETH_P_IP, vlans = [] } = fields
  const tail = Buffer.alloc(4 * vlans.length + 2)
  vlans.forEach((tci, i) => {
    tail.writeUInt16BE(ETH_P_8021Q, 4 * i)
    tail.writeUInt16BE(tci, 4 * i + 2)
  })
  tail.writeUInt16BE(type, tail.length - 2)
  return Buffer.concat([macBytes(destination), macBytes(source), tail, payload])
}

export interface ArpFields {
  operation: 'request' | 'reply' | number
  senderMac: string
  senderIp: string
  /** Default: all zeros, as in a request. */
  targetMac?: string
  targetIp: string
}

export function arp(fields: ArpFields): Buffer {
  const { operation, senderMac, senderIp, targetMac = '00:00:00:00:00:00', targetIp } = fields
  const code = operation === 'request' ? 1 : operation === 'reply' ? 2 : operation
  return Buffer.concat([
    Buffer.from([0, 1, 8, 0, 6, 4, code >> 8, code & 0xff]),
    macBytes(senderMac),
    ipv4Bytes(senderIp),
    macBytes(targetMac),
    ipv4Bytes(targetIp),
  ])
}

export interface Ipv4Fields {
  source: string
  destination: string
  protocol: number
  /** Padded with End of Options to a multiple of 4; at most 40 bytes. */
  options?: Uint8Array
  id?: number
  ttl?: number
  dontFragment?: boolean
  moreFragments?: boolean
  /** In bytes, a multiple of 8. */
  fragmentOffset?: number
  /** Default: the true one. */
  totalLength?: number
}

export function ipv4(fields: Ipv4Fields, payload: Uint8Array): Buffer {
  const { options = new Uint8Array(0), fragmentOffset = 0 } = fields
  const length = 20 + Math.ceil(options.length / 4) * 4
  const header = Buffer.alloc(length)
  header[0] = 0x40 | (length / 4)
  header.writeUInt16BE(fields.totalLength ?? length + payload.length, 2)
  header.writeUInt16BE(fields.id ?? 0, 4)
  const flags = (fields.dontFragment ? 0x4000 : 0) | (fields.moreFragments ? 0x2000 : 0)
  header.writeUInt16BE(flags | (fragmentOffset / 8), 6)
  header[8] = fields.ttl ?? 64
  header[9] = fields.protocol
  ipv4Bytes(fields.source).copy(header, 12)
  ipv4Bytes(fields.destination).copy(header, 16)
  header.set(options, 20)
  header.writeUInt16BE(internetChecksum(header), 10)
  return Buffer.concat([header, payload])
}

export interface Addresses {
  source: string
  destination: string
}

export interface Ports {
  sourcePort: number
  destinationPort: number
}

/** Writes the checksum over pseudo header and segment (RFC 768, RFC 9293) at `offset` of the segment. */
function writeTransportChecksum(segment: Buffer, offset: number, protocol: number, ends: Addresses): void {
  const pseudo = Buffer.from([
    ...ipv4Bytes(ends.source),
    ...ipv4Bytes(ends.destination),
    0,
    protocol,
    segment.length >> 8,
    segment.length & 0xff,
  ])
  segment.writeUInt16BE(internetChecksum(pseudo, segment) || 0xffff, offset)
}

/** A UDP datagram; without `ends` it has no checksum, which receivers accept. */
export function udp(ports: Ports, payload: Uint8Array, ends?: Addresses): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt16BE(ports.sourcePort, 0)
  header.writeUInt16BE(ports.destinationPort, 2)
  header.writeUInt16BE(8 + payload.length, 4)
  const datagram = Buffer.concat([header, payload])
  if (ends) writeTransportChecksum(datagram, 6, IPPROTO_UDP, ends)
  return datagram
}

export interface TcpFields extends Ports {
  /** TCP_SYN, TCP_ACK, … or-ed. */
  flags: number
  sequence?: number
  acknowledgment?: number
}

/** A TCP segment; without `ends` it has no checksum. */
export function tcp(fields: TcpFields, payload: Uint8Array, ends?: Addresses): Buffer {
  const header = Buffer.alloc(20)
  header.writeUInt16BE(fields.sourcePort, 0)
  header.writeUInt16BE(fields.destinationPort, 2)
  header.writeUInt32BE(fields.sequence ?? 0, 4)
  header.writeUInt32BE(fields.acknowledgment ?? 0, 8)
  header[12] = 5 << 4
  header[13] = fields.flags
  header.writeUInt16BE(0xffff, 14)
  const segment = Buffer.concat([header, payload])
  if (ends) writeTransportChecksum(segment, 16, IPPROTO_TCP, ends)
  return segment
}

export interface IcmpFields {
  type: number
  code?: number
  /** The four bytes after the checksum: identifier and sequence number, MTU, gateway. */
  rest?: Uint8Array
}

/** An ICMP message; the payload of an error is the packet it is about. */
export function icmp({ type, code = 0, rest = new Uint8Array(4) }: IcmpFields, payload: Uint8Array): Buffer {
  const message = Buffer.concat([Buffer.from([type, code, 0, 0]), rest, payload])
  message.writeUInt16BE(internetChecksum(message), 2)
  return message
}
