import type { Message } from './message.js'
import type { DeviceNames } from './message-type.js'
import type { ObjectType, Verb } from './object-type.js'

/** What a listed object may have beside its typed form. */
export interface Uncarried {
  /**
   * The kernel's names of attributes that the typed form does not carry: `['IFLA_XDP']`. `add`, `replace` and `change`
   * refuse an object that has some; take the member out to go on without them.
   */
  uncarried?: readonly string[] | undefined
}

/** The typed form of a message that describes an object, with the names of what that form does not carry. */
export function listedObject<Spec, Key, Query, Decoded extends Spec>(
  object: ObjectType<Spec, Key, Query, Decoded>,
  message: Message,
  devices: DeviceNames,
): Decoded & Uncarried {
  const { body, uncarried } = message.decodeObject(object.messages.new)
  const decoded = object.fromBody(body, devices) as Decoded & Uncarried
  if (uncarried.length > 0) decoded.uncarried = [...(decoded.uncarried ?? []), ...uncarried]
  return decoded
}

/** Throws TypeError for a spec that was listed with attributes which the request would lack. */
export function refuseUncarried(name: string, verb: Verb, { uncarried = [] }: Uncarried): void {
  if (uncarried.length === 0) return
  throw new TypeError(
    `uncarried: this ${name} was listed with ${uncarried.join(', ')}, which ${verb} cannot carry;` +
      ` take 'uncarried' out of it to go on without`,
  )
}
