import { attributeFlags, attributeType } from './attribute.js'
import { copyOf } from './codec.js'
import { noteUncarried } from './uncarried.js'
import { NLA_HDRLEN, type Writer } from './writer.js'

/** An attribute that the declaration does not name: kept, and put back unchanged. */
export interface UnknownAttribute {
  type: number
  bytes: Uint8Array
  /** NLA_F_NESTED and NLA_F_NET_BYTEORDER as they came with the type; absent where neither did. */
  flags?: number | undefined
}

/** Puts attributes as they are. */
export function putUnknown(writer: Writer, unknown: readonly UnknownAttribute[]): void {
  for (const { type, bytes, flags = 0 } of unknown) {
    const at = writer.beginAttribute()
    writer.append(bytes)
    writer.endAttribute(at, type | flags)
  }
}

/** Adds a copy of the attribute in `[at, end)`, its header included, to the `unknown` of a set that is being read. */
export function keepUnknown(set: Record<string, unknown>, view: DataView, at: number, end: number): void {
  // One without content is a pad before a value of 64 bits (nla_put_64bit, include/net/netlink.h).
  if (end > at + NLA_HDRLEN) noteUncarried(at + NLA_HDRLEN)
  const flags = attributeFlags(view, at)
  const unknown = (set['unknown'] ??= []) as UnknownAttribute[]
  unknown.push({
    type: attributeType(view, at),
    bytes: copyOf(view, at + NLA_HDRLEN, end),
    ...(flags === 0 ? {} : { flags }),
  })
}
