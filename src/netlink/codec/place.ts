import type { FoundAttribute } from './attribute.js'
import type { AttributeNames, Codec, Place, Siblings } from './codec.js'
import { align } from './writer.js'

/** True where `offset` lies in the attribute, its header and its pad included. Offsets are looked for in order. */
export const reaches = (found: FoundAttribute, offset: number): boolean => offset < align(found.end)

/** The place of an attribute called `name`, and of those in its content around `offset`. */
export function placesAt(
  name: string,
  codec: Codec<unknown, never> | undefined,
  view: DataView,
  found: FoundAttribute,
  offset: number,
  siblings: Siblings = {},
): Place[] {
  const members = codec?.members
  const inside: AttributeNames | undefined = members && { nameOf: type => members.nameOf(type, siblings) }
  const deeper = offset < found.at ? [] : codec?.locate?.(view, found.at, found.end, offset, siblings)
  return [{ name, inside }, ...(deeper ?? [])]
}
