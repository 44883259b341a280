/** IPv6 and ICMPv6 headers as bytes, every field open to be forged. */
import { ipv6ToWords } from '../../src/netlink/codec/addresses.js'
import { internetChecksum, IPPROTO_UDP, macBytes, udp, type Addresses, type Ports } from './packets.js'

export const ETH_P_IPV6 = 0x86dd // linux/if_ether.h
export const IPPROTO_ICMPV6 = 58 // linux/in6.h

export const ipv6Bytes = (address: string): Buffer => {
  const bytes = Buffer.alloc(16)
  ipv6ToWords(address).forEach((word, i) => bytes.writeUInt32BE(word, 4 * i))
  return bytes
}

export interface Ipv6Fields extends Addresses {
  nextHeader: number
  /** Default: 64. */
  hopLimit?: number
  /** Default: 6. */
  version?: number
  /** Default: 0. */
  trafficClass?: number
  /** Default: 0. */
  flowLabel?: number
  /** Default: that of the payload. */
  length?: number
}

/** A datagram; extension headers are part of the payload. */
export function ipv6(fields: Ipv6Fields, payload: Uint8Array): Buffer {
  const { source, destination, nextHeader, hopLimit = 64, length = payload.length } = fields
  const { version = 6, trafficClass = 0, flowLabel = 0 } = fields
  const start = Buffer.from([0, 0, 0, 0, length >> 8, length & 0xff, nextHeader, hopLimit])
  start.writeUInt32BE(version * 0x1000_0000 + trafficClass * 0x10_0000 + flowLabel)
  return Buffer.concat([start, ipv6Bytes(source), ipv6Bytes(destination), payload])
}

/** The sum over pseudo header and segment (RFC 8200, section 8.1). */
const checksum6 = (segment: Buffer, nextHeader: number, { source, destination }: Addresses): number =>
  internetChecksum(
    ipv6Bytes(source),
    ipv6Bytes(destination),
    Buffer.from([0, 0, segment.length >> 8, segment.length & 0xff, 0, 0, 0, nextHeader]),
    segment,
  ) || 0xffff

/** A UDP datagram with its checksum, without which IPv6 does not accept it. */
export function udp6(ports: Ports, payload: Uint8Array, ends: Addresses): Buffer {
  const datagram = udp(ports, payload)
  datagram.writeUInt16BE(checksum6(datagram, IPPROTO_UDP, ends), 6)
  return datagram
}

export interface Icmpv6Fields {
  type: number
  code?: number
  /** The four bytes behind the checksum. */
  rest?: Uint8Array
}

export function icmpv6(
  { type, code = 0, rest = new Uint8Array(4) }: Icmpv6Fields,
  payload: Uint8Array,
  ends: Addresses,
): Buffer {
  const message = Buffer.concat([Buffer.from([type, code, 0, 0]), rest, payload])
  message.writeUInt16BE(checksum6(message, IPPROTO_ICMPV6, ends), 2)
  return message
}

/** An option of neighbour discovery with a MAC address: 1 is the source's, 2 the target's (RFC 4861, section 4.6.1). */
export const macOption = (type: 1 | 2, mac: string): Buffer => Buffer.from([type, 1, ...macBytes(mac)])

/** ff02::1:ffXX:XXXX of an address, and the MAC that it has on Ethernet. */
export function solicitedNode(address: string): { group: string; mac: string } {
  const tail = ipv6Bytes(address).subarray(13).toString('hex')
  return {
    group: `ff02::1:ff${tail.slice(0, 2)}:${tail.slice(2)}`,
    mac: `33:33:ff:${tail.match(/../g)!.join(':')}`,
  }
}
