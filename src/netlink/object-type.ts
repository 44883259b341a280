import type { DeviceNames, MessageType } from './message-type.js'

/** The kernel's verbs. `add` fails where the object exists, `change` where it does not, `replace` does either. */
export type Verb = 'add' | 'replace' | 'change' | 'delete' | 'get'

/**
 * One kind of kernel object (link, qdisc, filter, …): how its typed form becomes messages and back. The verbs of
 * RtnetlinkSocket are made of this, once for all objects and for both forms of the socket.
 *
 * `Decoded` is a `Spec` with what the kernel adds (indexes, statistics), so what was listed can be added again.
 */
export interface ObjectType<Spec, Key, Query, Decoded extends Spec> {
  /** As `ip` and `tc` call it: `'link'`, `'qdisc'`. */
  readonly name: string
  /** The messages of this object: RTM_NEW*, RTM_DEL*, RTM_GET*. */
  readonly messages: { readonly new: MessageType; readonly delete: MessageType; readonly get: MessageType }
  /** NLM_F_* of each verb that makes or changes, as iproute2 sets them. */
  readonly flags: Readonly<Record<'add' | 'replace' | 'change', number>>
  /** Checks the spec and makes the body of RTM_NEW*. Throws TypeError or RangeError that names the field. */
  toNew(spec: Spec, devices: DeviceNames, verb: Verb): unknown
  /** The body of RTM_DEL*. Takes the full key: nothing is ever deleted by a wildcard. */
  toDelete(key: Key, devices: DeviceNames): unknown
  /** The body of RTM_GET* for one object. */
  toGet(key: Key, devices: DeviceNames): unknown
  /** The body of RTM_GET* for a dump, narrowed as far as the kernel can. */
  toDump(query: Query, devices: DeviceNames): unknown
  /** What of the query the kernel does not filter by itself. */
  matches?(object: Decoded, query: Query, devices: DeviceNames): boolean
  /** The typed form of a decoded body: of a notification or dump, and of our own requests. */
  fromBody(body: unknown, devices: DeviceNames): Decoded
  /** What makes two decoded objects the same one, whatever else changed. */
  identity(object: Decoded): string
  /** The `ip` or `tc` command line of a verb. */
  command(verb: Verb, object: Spec | Key): string
}
