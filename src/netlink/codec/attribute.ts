import { littleEndian } from './byte-order.js'
import { DecodeError } from './decode-error.js'
import { align, type Writer } from './writer.js'

/** sizeof(struct nlattr): length and type, linux/netlink.h. */
export const NLA_HDRLEN = 4
/** The content is attributes again, linux/netlink.h. */
export const NLA_F_NESTED = 0x8000
/** NLA_TYPE_MASK, linux/netlink.h: the type without NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
const NLA_TYPE_MASK = 0x3fff

/** An attribute that was found: its content lies at `[at, end)`. */
export interface FoundAttribute {
  type: number
  /** NLA_F_* as they came with the type. */
  flags: number
  at: number
  end: number
}

/** What an attribute is called that no declaration names. */
export const unnamed = (type: number): string => `attribute ${type}`

/**
 * The attributes in `[at, end)`, in order of arrival. Fewer bytes than a header at the end are passed over, as the
 * kernel does (nla_ok in include/net/netlink.h). Throws DecodeError for a length that cannot be, with a path from
 * `nameOf`.
 */
export function* attributesIn(
  view: DataView,
  at: number,
  end: number,
  nameOf: (type: number) => string = unnamed,
): Generator<FoundAttribute, void, undefined> {
  while (at + NLA_HDRLEN <= end) {
    const length = view.getUint16(at, littleEndian)
    const typeAndFlags = view.getUint16(at + 2, littleEndian)
    const type = typeAndFlags & NLA_TYPE_MASK
    if (length < NLA_HDRLEN) {
      throw new DecodeError(`an attribute of ${length} bytes is shorter than its header`, nameOf(type))
    }
    if (at + length > end) {
      throw new DecodeError(
        `an attribute of ${length} bytes does not fit the ${end - at} that are left`,
        nameOf(type),
      )
    }
    yield { type, flags: typeAndFlags & ~NLA_TYPE_MASK, at: at + NLA_HDRLEN, end: at + length }
    at += align(length)
  }
}

/** Puts one attribute: its header, what `content` appends, and the pad. */
export function putAttribute(writer: Writer, typeAndFlags: number, content: () => void): void {
  const at = writer.reserve(NLA_HDRLEN)
  content()
  const length = writer.length - at
  if (length > 0xffff) throw new RangeError(`an attribute of ${length} bytes is longer than netlink's 65535`)
  writer.view.setUint16(at, length, littleEndian)
  writer.view.setUint16(at + 2, typeAndFlags, littleEndian)
  writer.pad()
}
