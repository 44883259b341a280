import { copyOf, type AttributeNames, type Codec, type Siblings } from './codec.js'
import { littleEndian } from './byte-order.js'
import { DecodeError, decodeWithin } from './decode-error.js'
import { align, type Writer } from './writer.js'

/** struct nlattr: length and type, linux/netlink.h. */
const NLA_HDRLEN = 4
const NLA_F_NESTED = 0x8000
/** NLA_TYPE_MASK: without NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
const NLA_TYPE_MASK = 0x3fff

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the only type every codec is assignable to
type AnyCodec = Codec<any, any>

/** The kernel's name of an attribute, its number, and what it carries. */
export type Attribute<C extends AnyCodec = AnyCodec> = readonly [name: string, type: number, codec: C]

type Declarations = Record<string, Attribute>

/** An attribute that the declaration does not name: kept, and put back unchanged. */
export interface UnknownAttribute {
  type: number
  bytes: Uint8Array
}

export type Out<D extends Declarations> = {
  -readonly [K in keyof D]?: D[K][2] extends Codec<infer T, never> ? T : never
} & { unknown?: UnknownAttribute[] }

export type In<D extends Declarations> = {
  readonly [K in keyof D]?: D[K][2] extends { put(writer: Writer, value: infer T, siblings?: Siblings): void }
    ? T | undefined
    : never
} & { readonly unknown?: readonly UnknownAttribute[] | undefined }

/** A set of attributes with its declarations, which tests walk. */
export interface AttributeSet<D extends Declarations> extends Codec<Out<D>, In<D>> {
  readonly declarations: D
  readonly members: AttributeNames
  /** Puts one attribute of this set. */
  putOne(writer: Writer, key: string, value: unknown, siblings: Siblings): void
}

interface Found {
  key: string | undefined
  type: number
  at: number
  end: number
}

/**
 * Declares a set of attributes, one line each: `handle: ['TCA_U32_CLASSID', 1, u32]`. Values are put in the order of
 * their keys and read in the order of arrival, so a decoded message encodes to the same bytes. Of an attribute that
 * comes twice, the last counts, as for the kernel.
 */
export function attributes<D extends Declarations>(declarations: D): AttributeSet<D> {
  const keyOf = new Map(Object.entries(declarations).map(([key, [, type]]) => [type, key]))
  const declared = (key: string): Attribute | undefined => declarations[key]

  const putOne = (writer: Writer, key: string, value: unknown, siblings: Siblings): void => {
    const attribute = declared(key)
    if (!attribute) throw new TypeError(`no attribute '${key}' among ${Object.keys(declarations).join(', ')}`)
    const [, type, codec] = attribute
    putAttribute(writer, codec.nested ? type | NLA_F_NESTED : type, () => {
      codec.put(writer, value, siblings)
    })
  }

  function* walk(view: DataView, at: number, end: number): Generator<Found> {
    while (at + NLA_HDRLEN <= end) {
      const length = view.getUint16(at, littleEndian)
      const type = view.getUint16(at + 2, littleEndian) & NLA_TYPE_MASK
      const key = keyOf.get(type)
      const name = (key && declared(key)?.[0]) ?? `attribute ${type}`
      if (length < NLA_HDRLEN)
        throw new DecodeError(`an attribute of ${length} bytes is shorter than its header`).within(name)
      if (at + length > end) {
        throw new DecodeError(
          `an attribute of ${length} bytes does not fit the ${end - at} that are left`,
        ).within(name)
      }
      yield { key, type, at: at + NLA_HDRLEN, end: at + length }
      at += align(length)
    }
  }

  return {
    declarations,
    putOne,
    members: {
      nameOf(type) {
        const key = keyOf.get(type)
        return key && declared(key)?.[0]
      },
    },
    put(writer, value) {
      for (const key in value) {
        const member: unknown = (value as Record<string, unknown>)[key]
        if (member === undefined) continue
        if (key === 'unknown') putUnknown(writer, member as UnknownAttribute[])
        else putOne(writer, key, member, value)
      }
    },
    get(view, at, end) {
      const value: Record<string, unknown> = {}
      for (const found of walk(view, at, end)) {
        const attribute = found.key === undefined ? undefined : declared(found.key)
        if (found.key === undefined || !attribute) {
          const unknown = (value['unknown'] ??= []) as UnknownAttribute[]
          unknown.push({ type: found.type, bytes: copyOf(view, found.at, found.end) })
          continue
        }
        const [name, , codec] = attribute
        value[found.key] = decodeWithin<unknown>(name, () => codec.get(view, found.at, found.end, value))
      }
      return value as Out<D>
    },
    locate(view, at, end, offset) {
      const siblings: Record<string, unknown> = {}
      for (const found of walk(view, at, end)) {
        const attribute = found.key === undefined ? undefined : declared(found.key)
        if (offset < found.at - NLA_HDRLEN) return []
        if (offset < align(found.end)) {
          const name = attribute?.[0] ?? `attribute ${found.type}`
          if (offset < found.at) return [name]
          return [name, ...(attribute?.[2].locate?.(view, found.at, found.end, offset, siblings) ?? [])]
        }
        if (attribute && found.key !== undefined)
          siblings[found.key] = attribute[2].get(view, found.at, found.end, siblings)
      }
      return []
    },
  }
}

/** Puts one attribute header, what `payload` appends, and the pad. */
function putAttribute(writer: Writer, type: number, payload: () => void): void {
  const at = writer.reserve(NLA_HDRLEN)
  payload()
  const length = writer.length - at
  if (length > 0xffff) throw new RangeError(`an attribute of ${length} bytes is longer than netlink's 65535`)
  writer.view.setUint16(at, length, littleEndian)
  writer.view.setUint16(at + 2, type, littleEndian)
  writer.pad()
}

function putUnknown(writer: Writer, unknown: readonly UnknownAttribute[]): void {
  for (const { type, bytes } of unknown) {
    putAttribute(writer, type, () => {
      writer.append(bytes)
    })
  }
}

/** Marks a set with NLA_F_NESTED where it is put. Older families are sent without, as iproute2 does. */
export const nested = <C extends AnyCodec>(codec: C): C => ({ ...codec, nested: true })

/** Attributes numbered `first`, `first + 1`, … with equal content, for example the actions of a filter. */
export function numbered<O, I>(name: string, element: Codec<O, I>, first = 1): Codec<O[], readonly I[]> {
  const elementName = (type: number): string => `${name}[${type - first}]`
  const each = attributes({})
  return {
    members: { nameOf: elementName },
    put(writer, values) {
      values.forEach((value, i) => {
        putAttribute(writer, element.nested ? (first + i) | NLA_F_NESTED : first + i, () => {
          element.put(writer, value)
        })
      })
    },
    get(view, at, end) {
      const { unknown = [] } = each.get(view, at, end)
      return unknown.map(({ type, bytes }) =>
        decodeWithin(elementName(type), () => element.get(new DataView(bytes.buffer), 0, bytes.length)),
      )
    },
    locate(view, at, end, offset) {
      while (at + NLA_HDRLEN <= end) {
        const length = view.getUint16(at, littleEndian)
        if (offset < at + length) {
          const name = elementName(view.getUint16(at + 2, littleEndian) & NLA_TYPE_MASK)
          return [name, ...(element.locate?.(view, at + NLA_HDRLEN, at + length, offset) ?? [])]
        }
        at += align(Math.max(length, NLA_HDRLEN))
      }
      return []
    },
  }
}
