import { attributesIn, beginAttribute, endAttribute } from '../netlink/codec/attribute.js'
import { decodeWithin } from '../netlink/codec/decode-error.js'
import type { Attribute, Codec } from '../netlink/codec/index.js'

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
      const at = beginAttribute(writer)
      element.put(writer, value)
      endAttribute(writer, at, type)
    }
  },
  get: (view, at, end) =>
    Array.from(attributesIn(view, at, end, () => name))
      .filter(found => found.type === type)
      .map(found => decodeWithin(name, () => element.get(view, found.at, found.end))),
})
