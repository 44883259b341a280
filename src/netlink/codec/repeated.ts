import { attributesIn, NLA_F_NESTED } from './attribute.js'
import type { Attribute } from './attributes.js'
import type { Codec } from './codec.js'
import { decodeWithin } from './decode-error.js'
import { placesAt, reaches } from './place.js'

/** A nest in which one attribute comes any number of times, for example the IFLA_ALT_IFNAME of IFLA_PROP_LIST. */
export const repeated = <O, I>(
  name: string,
  type: number,
  element: Codec<O, I>,
): Codec<O[], readonly I[]> & {
  readonly declarations: Readonly<Record<string, Attribute>>
} => ({
  declarations: { [name]: [name, type, element] },
  parts: [element],
  members: { nameOf: asked => (asked === type ? name : undefined) },
  put(writer, values) {
    for (const value of values) {
      const at = writer.beginAttribute()
      element.put(writer, value)
      writer.endAttribute(at, element.nested ? type | NLA_F_NESTED : type)
    }
  },
  get: (view, at, end) =>
    Array.from(attributesIn(view, at, end, () => name))
      .filter(found => found.type === type)
      .map(found => decodeWithin(name, () => element.get(view, found.at, found.end))),
  locate(view, at, end, offset) {
    if (offset < at) return []
    for (const found of attributesIn(view, at, end, () => name)) {
      if (reaches(found, offset)) return placesAt(name, element, view, found, offset)
    }
    return []
  },
})
