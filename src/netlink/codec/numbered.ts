import { attributesIn, NLA_F_NESTED } from './attribute.js'
import type { Codec } from './codec.js'
import { decodeWithin } from './decode-error.js'
import { encodeError } from './encode-error.js'
import { placesAt, reaches } from './place.js'

/**
 * Attributes numbered `first`, `first + 1`, … with equal content, for example the actions of a filter. The numbers are
 * not kept: what is decoded is a list, in the order of arrival.
 */
export function numbered<O, I>(name: string, element: Codec<O, I>, first = 1): Codec<O[], readonly I[]> {
  const elementName = (type: number): string => `${name}[${type - first}]`
  const flags = element.nested ? NLA_F_NESTED : 0
  return {
    members: { nameOf: elementName },
    parts: [element],
    put(writer, values) {
      let type = first
      try {
        for (const value of values) {
          const at = writer.beginAttribute()
          element.put(writer, value)
          writer.endAttribute(at, type | flags)
          type++
        }
      } catch (error) {
        throw encodeError(elementName(type), error)
      }
    },
    get: (view, at, end) =>
      Array.from(attributesIn(view, at, end, elementName), found =>
        decodeWithin(elementName(found.type), () => element.get(view, found.at, found.end)),
      ),
    locate(view, at, end, offset) {
      if (offset < at) return []
      for (const found of attributesIn(view, at, end, elementName)) {
        if (reaches(found, offset)) return placesAt(elementName(found.type), element, view, found, offset)
      }
      return []
    },
  }
}
