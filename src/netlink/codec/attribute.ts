import { littleEndian } from './byte-order.js'
import { DecodeError } from './decode-error.js'
import { align, NLA_HDRLEN } from './writer.js'

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
    const stop = attributeEnd(view, at, end, nameOf)
    yield {
      type: attributeType(view, at),
      flags: attributeFlags(view, at),
      at: at + NLA_HDRLEN,
      end: stop,
    }
    at = align(stop - at) + at
  }
}

/** Where the attribute at `at` ends, its pad not counted. Throws DecodeError where that cannot be. */
export function attributeEnd(
  view: DataView,
  at: number,
  end: number,
  nameOf: (type: number) => string,
): number {
  const length = view.getUint16(at, littleEndian)
  if (length < NLA_HDRLEN) {
    const name = nameOf(attributeType(view, at))
    throw new DecodeError(`an attribute of ${length} bytes is shorter than its header`, name)
  }
  if (length > end - at) {
    const name = nameOf(attributeType(view, at))
    throw new DecodeError(`an attribute of ${length} bytes does not fit the ${end - at} that are left`, name)
  }
  return at + length
}

/** The type of the attribute at `at`, without the flags beside it. */
export const attributeType = (view: DataView, at: number): number =>
  view.getUint16(at + 2, littleEndian) & NLA_TYPE_MASK

/** NLA_F_* of the attribute at `at`. */
export const attributeFlags = (view: DataView, at: number): number =>
  view.getUint16(at + 2, littleEndian) & ~NLA_TYPE_MASK
