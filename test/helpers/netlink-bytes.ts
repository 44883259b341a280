import { endianness } from 'node:os'

/*
 * Netlink messages by hand: bytes that no code under test has made. Numbers are in host order unless they say
 * otherwise.
 */

const little = endianness() === 'LE'

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  if (little) bytes.writeUInt16LE(value)
  else bytes.writeUInt16BE(value)
  return bytes
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  if (little) bytes.writeUInt32LE(value >>> 0)
  else bytes.writeUInt32BE(value >>> 0)
  return bytes
}

export function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  if (little) bytes.writeBigUInt64LE(value)
  else bytes.writeBigUInt64BE(value)
  return bytes
}

/** Parts one behind the other: bytes as they are, strings as hex digits with spaces anywhere. */
export const bytes = (...parts: (Uint8Array | string)[]): Buffer =>
  Buffer.concat(
    parts.map(part => (typeof part === 'string' ? Buffer.from(part.replace(/\s/g, ''), 'hex') : part)),
  )

export const padded = (content: Uint8Array): Buffer =>
  Buffer.concat([content, Buffer.alloc(-content.length & 3)])

/** One attribute with its pad. */
export function attribute(type: number, ...content: (Uint8Array | string)[]): Buffer {
  const inside = bytes(...content)
  return padded(bytes(u16(inside.length + 4), u16(type), inside))
}

export interface Header {
  type: number
  flags?: number
  sequence?: number
}

/** One message with its pad. */
export function message(
  { type, flags = 0, sequence = 1 }: Header,
  ...payload: (Uint8Array | string)[]
): Buffer {
  const inside = bytes(...payload)
  return padded(bytes(u32(inside.length + 16), u16(type), u16(flags), u32(sequence), u32(0), inside))
}

const NLMSG_ERROR = 2
const NLMSG_DONE = 3
const NLM_F_MULTI = 0x2
const NLM_F_CAPPED = 0x100
const NLM_F_ACK_TLVS = 0x200

const sequenceOf = (request: Uint8Array): number => {
  const view = new DataView(request.buffer, request.byteOffset)
  return view.getUint32(8, little)
}

/** The kernel's answer to `request`, as a socket with NETLINK_CAP_ACK gets it: errno, its header, ext ack attributes. */
export function acknowledgement(request: Uint8Array, errno = 0, ...extAck: Uint8Array[]): Buffer {
  const flags = NLM_F_CAPPED | (extAck.length > 0 ? NLM_F_ACK_TLVS : 0)
  return message(
    { type: NLMSG_ERROR, flags, sequence: sequenceOf(request) },
    u32(errno),
    request.subarray(0, 16),
    ...extAck,
  )
}

/** The same without NETLINK_CAP_ACK: a refused request is quoted whole. */
export function uncappedRefusal(request: Uint8Array, errno: number, ...extAck: Uint8Array[]): Buffer {
  const flags = extAck.length > 0 ? NLM_F_ACK_TLVS : 0
  return message(
    { type: NLMSG_ERROR, flags, sequence: sequenceOf(request) },
    u32(errno),
    padded(request),
    ...extAck,
  )
}

/** The end of a dump. */
export function done(request: Uint8Array, { errno = 0, flags = 0 } = {}, ...extAck: Uint8Array[]): Buffer {
  const all = NLM_F_MULTI | flags | (extAck.length > 0 ? NLM_F_ACK_TLVS : 0)
  return message({ type: NLMSG_DONE, flags: all, sequence: sequenceOf(request) }, u32(errno), ...extAck)
}

/** An answer to `request` of another type. */
export const reply = (
  request: Uint8Array,
  header: Omit<Header, 'sequence'>,
  ...payload: (Uint8Array | string)[]
): Buffer => message({ ...header, sequence: sequenceOf(request) }, ...payload)

/** enum nlmsgerr_attrs, linux/netlink.h */
export const extAck = {
  message: (text: string): Buffer => attribute(1, Buffer.from(`${text}\0`)),
  offset: (offset: number): Buffer => attribute(2, u32(offset)),
  missingType: (type: number): Buffer => attribute(5, u32(type)),
  missingNest: (offset: number): Buffer => attribute(6, u32(offset)),
}

/** The bytes of each message in a datagram. */
export function split(datagram: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = []
  for (let at = 0; at < datagram.length;) {
    const length = new DataView(datagram.buffer, datagram.byteOffset + at).getUint32(0, little)
    messages.push(datagram.subarray(at, at + length))
    at += length + (-length & 3)
  }
  return messages
}
