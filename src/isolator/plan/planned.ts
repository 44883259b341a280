import type { Request } from '../../netlink/message.js'
import type { DeviceNames } from '../../netlink/message-type.js'
import type { ObjectType } from '../../netlink/object-type.js'
import { deleteRequest, newRequest, type WriteVerb } from '../../rtnetlink-verbs.js'

/** A kind of object, whatever its specs are. */
export type AnyObjectType = ObjectType<unknown, unknown, unknown, unknown>

/** One message that the plan wants sent: to be applied, printed, or compared with what the kernel has. */
export interface Planned {
  readonly object: AnyObjectType
  readonly verb: WriteVerb | 'delete'
  /** What the object is to be; of a deletion, its key. */
  readonly spec: unknown
  /** Makes the message, with the device indexes of the moment. */
  request(devices: DeviceNames): Request<never>
  /** The `ip` or `tc` command that does the same, without `-n <namespace>`. */
  command(): string
  /** What undoes it, its deletion for an addition; undefined where nothing needs to. */
  readonly inverse: Planned | undefined
}

/** Makes or changes an object. `inverse` is the key to delete it by. */
export function plan<Spec, Key, Query, Decoded extends Spec>(
  object: ObjectType<Spec, Key, Query, Decoded>,
  verb: WriteVerb,
  spec: Spec,
  inverse?: Planned,
): Planned {
  return {
    object: object,
    verb,
    spec,
    request: devices => newRequest(object, verb, spec, devices),
    command: () => object.command(verb, spec),
    inverse,
  }
}

/** Makes an object that is deleted by the key its own spec holds. */
export const planAdd = <Spec, Key, Query, Decoded extends Spec>(
  object: ObjectType<Spec, Key, Query, Decoded>,
  spec: Spec & Key,
): Planned => plan(object, 'add', spec, planDelete(object, spec))

/** What takes planned messages back, of those that need it, in their order. */
export const inversesOf = (planned: readonly Planned[]): Planned[] =>
  planned.flatMap(({ inverse }) => inverse ?? [])

/** The deletion of what was planned to be made, which can be taken back in turn; nothing where there is none. */
export const planRemoval = (made: Planned): Planned[] =>
  made.inverse ? [{ ...made.inverse, inverse: made }] : []

/** Deletes an object. `inverse` is what makes it again, where that is to be taken back. */
export const planDelete = <Spec, Key, Query, Decoded extends Spec>(
  object: ObjectType<Spec, Key, Query, Decoded>,
  key: Key,
  inverse?: Planned,
): Planned => ({
  object: object,
  verb: 'delete',
  spec: key,
  request: devices => deleteRequest(object, key, devices),
  command: () => object.command('delete', key),
  inverse,
})
