import { attributesIn, unnamed } from './attribute.js'
import { attributeAccess } from './attribute-access.js'
import type { AnyCodec, AttributeNames, Codec, Siblings } from './codec.js'
import { once } from '../../input/generate.js'
import { placesAt, reaches } from './place.js'
import type { UnknownAttribute } from './unknown-attribute.js'
import type { Writer } from './writer.js'

/** The kernel's name of an attribute, its number, and what it carries. */
export type Attribute<C extends AnyCodec = AnyCodec> = readonly [name: string, type: number, codec: C]

type Declarations = Record<string, Attribute>

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
  const byType = new Map(
    Object.entries(declarations).map(([key, [name, type, codec]]) => [type, { key, name, codec }]),
  )
  const nameOf = (type: number): string | undefined => byType.get(type)?.name
  const anyNameOf = (type: number): string => nameOf(type) ?? unnamed(type)

  const set: AttributeSet<D> = {
    declarations,
    parts: Object.values(declarations).map(([, , codec]) => codec),
    members: { nameOf },
    putOne(writer, key, value, siblings) {
      access().putOne(writer, key, value, siblings)
    },
    put(writer, value) {
      access().put(writer, value)
    },
    get: (view, at, end) => access().get(view, at, end),
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
  // Most programs use a few of all sets: what reads and writes is made at the first use, and put in its place.
  const access = once(() => Object.assign(set, attributeAccess<Out<D>>(declarations)))
  return set
}

/** Marks a set with NLA_F_NESTED where it is put. Older families are sent without, as iproute2 does. */
export const nested = <C extends AnyCodec>(codec: C): C => ({ ...codec, nested: true })
