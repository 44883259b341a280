import { attributesIn, NLA_F_NESTED, putAttribute, unnamed } from './attribute.js'
import { copyOf, type AnyCodec, type AttributeNames, type Codec, type Siblings } from './codec.js'
import { decodeWithin } from './decode-error.js'
import { encodeError } from './encode-error.js'
import { placesAt, reaches } from './place.js'
import type { Writer } from './writer.js'

/** The kernel's name of an attribute, its number, and what it carries. */
export type Attribute<C extends AnyCodec = AnyCodec> = readonly [name: string, type: number, codec: C]

type Declarations = Record<string, Attribute>

/** An attribute that the declaration does not name: kept, and put back unchanged. */
export interface UnknownAttribute {
  type: number
  bytes: Uint8Array
  /** NLA_F_NESTED and NLA_F_NET_BYTEORDER as they came with the type; absent where neither did. */
  flags?: number | undefined
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

/**
 * Declares a set of attributes, one line each: `handle: ['TCA_U32_CLASSID', 1, u32]`. Values are put in the order of
 * their keys and read in the order of arrival, so a decoded message encodes to the same bytes, unless the attributes
 * that are not declared lay apart from each other: they are kept together. Of an attribute that comes twice the last
 * counts, as for the kernel.
 */
export function attributes<D extends Declarations>(declarations: D): AttributeSet<D> {
  const byKey = new Map(Object.entries(declarations))
  const byType = new Map(
    Object.entries(declarations).map(([key, [name, type, codec]]) => [type, { key, name, codec }]),
  )
  const nameOf = (type: number): string | undefined => byType.get(type)?.name
  const anyNameOf = (type: number): string => nameOf(type) ?? unnamed(type)

  const putOne = (writer: Writer, key: string, value: unknown, siblings: Siblings): void => {
    const attribute = byKey.get(key)
    if (!attribute) throw new TypeError(`no attribute '${key}' among ${[...byKey.keys()].join(', ')}`)
    const [name, type, codec] = attribute
    try {
      putAttribute(writer, codec.nested ? type | NLA_F_NESTED : type, () => {
        codec.put(writer, value, siblings)
      })
    } catch (error) {
      throw encodeError(name, error)
    }
  }

  return {
    declarations,
    parts: Object.values(declarations).map(([, , codec]) => codec),
    putOne,
    members: { nameOf },
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
      const unknown: UnknownAttribute[] = []
      for (const { type, flags, at: start, end: stop } of attributesIn(view, at, end, anyNameOf)) {
        const attribute = byType.get(type)
        if (attribute) {
          const { key, name, codec } = attribute
          value[key] = decodeWithin<unknown>(name, () => codec.get(view, start, stop, value))
          continue
        }
        value['unknown'] = unknown
        unknown.push({ type, bytes: copyOf(view, start, stop), ...(flags === 0 ? {} : { flags }) })
      }
      return value as Out<D>
    },
    locate(view, at, end, offset) {
      if (offset < at) return []
      const siblings: Record<string, unknown> = {}
      for (const found of attributesIn(view, at, end, anyNameOf)) {
        const attribute = byType.get(found.type)
        if (reaches(found, offset)) {
          return placesAt(anyNameOf(found.type), attribute?.codec, view, found, offset, siblings)
        }
        if (attribute) siblings[attribute.key] = attribute.codec.get(view, found.at, found.end, siblings)
      }
      return []
    },
  }
}

function putUnknown(writer: Writer, unknown: readonly UnknownAttribute[]): void {
  for (const { type, bytes, flags = 0 } of unknown) {
    putAttribute(writer, type | flags, () => {
      writer.append(bytes)
    })
  }
}

/** Marks a set with NLA_F_NESTED where it is put. Older families are sent without, as iproute2 does. */
export const nested = <C extends AnyCodec>(codec: C): C => ({ ...codec, nested: true })
