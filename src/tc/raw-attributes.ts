import { attributesIn } from '../netlink/codec/attribute.js'
import { putUnknown, type UnknownAttribute } from '../netlink/codec/unknown-attribute.js'
import { DecodeError, Writer } from '../netlink/codec/index.js'

/** The attributes in `bytes`, whatever they are. Undefined where `bytes` are no attributes. */
export function readAttributes(bytes: Uint8Array): UnknownAttribute[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  try {
    return Array.from(attributesIn(view, 0, bytes.length), ({ type, flags, at, end }) => ({
      type,
      bytes: bytes.slice(at, end),
      ...(flags === 0 ? {} : { flags }),
    }))
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}

/** The inverse of `readAttributes`. */
export function writeAttributes(attributes: readonly UnknownAttribute[]): Uint8Array {
  const writer = new Writer()
  putUnknown(writer, attributes)
  writer.pad()
  return Uint8Array.from(writer.bytes())
}
