import type { AnyCodec } from '../../src/netlink/codec/codec.js'
import type { Place } from '../../src/netlink/codec/codec.js'
import { littleEndian } from '../../src/netlink/codec/byte-order.js'
import { align } from '../../src/netlink/codec/writer.js'

/** struct nlmsghdr and struct nlattr, linux/netlink.h */
const MESSAGE_HEADER = 16
const ATTRIBUTE_HEADER = 4

/** An attribute that holds no other: its names from the outermost in, and where in the message its content is. */
export interface Content {
  readonly path: readonly string[]
  readonly at: number
  readonly end: number
}

/** The innermost attributes of a message, in order, as the codec of its body finds them. */
export function contentsOf(body: AnyCodec, message: Uint8Array): Content[] {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength)
  const pathAt = (offset: number): string[] => {
    const places: readonly Place[] = body.locate?.(view, MESSAGE_HEADER, message.length, offset) ?? []
    return places.map(({ name }) => name)
  }
  const contents: Content[] = []
  for (let from = MESSAGE_HEADER; from < message.length; from += ATTRIBUTE_HEADER) {
    const path = pathAt(from)
    if (path.length === 0) continue
    const at = from + ATTRIBUTE_HEADER
    const end = from + view.getUint16(from, littleEndian)
    let inside = at
    while (inside < end && pathAt(inside).length <= path.length) inside += ATTRIBUTE_HEADER
    if (inside >= end) contents.push({ path, at, end })
    from = Math.min(inside, align(end)) - ATTRIBUTE_HEADER
  }
  return contents
}
