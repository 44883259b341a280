import type { Request } from './message.js'
import type { DeviceNames, MessageType } from './message-type.js'

/** The kernel's verbs. `add` fails where the object exists, `change` where it does not, `replace` does either. */
export type Verb = 'add' | 'replace' | 'change' | 'delete' | 'get'

/** Objects that were listed together, by the names that their tables have on a socket: `links`, `qdiscs`, … */
export type ListedTables = Readonly<Record<string, readonly unknown[] | undefined>>

/** One request of several that make an object. */
export type Step<Spec> =
  { readonly verb: 'add' | 'replace' | 'change'; readonly spec: Spec } | { readonly request: Request<never> }

/** The requests that make an object, in order, and the key to delete it by if one behind the first is refused. */
export interface Steps<Spec, Key> {
  readonly steps: readonly Step<Spec>[]
  readonly undo: Key
}

/**
 * How listed objects are made again, for `restore()`. Each member may be absent. Without any, every object is added as
 * it was listed, in the order of the list.
 */
export interface Restoration<Spec, Decoded> {
  /**
   * What makes the kernel create the object by itself, as a clause: `'comes with the address 10.9.0.2/24'`. Undefined
   * for an object that somebody added. `listed` has all objects that are restored together.
   */
  madeByKernel?(object: Decoded, listed: ListedTables): string | undefined
  /** Names under which other objects need this one: `'tc 4 1:10'`. All tables share one set of names. */
  provides?(object: Decoded): readonly string[]
  /** Names of what has to be there before this object. A name that no listed object provides is passed over. */
  needs?(object: Decoded, listed: ListedTables): readonly string[]
  /** Puts the objects of this type in an order before anything else does: lists that the kernel keeps newest first. */
  order?(listed: readonly Decoded[]): readonly Decoded[]
  /** Orders objects of this type that do not need each other. Default: as they were listed. */
  compare?(one: Decoded, other: Decoded): number
  /** What makes the object, in order. Default: one `add` of the object. */
  steps?(object: Decoded, listed: ListedTables): readonly Step<Spec>[]
}

/** What a verb takes: what `Taken` says of it, or else all of `Whole`. */
export type TakenBy<Taken, V extends Verb, Whole> = Taken extends { readonly [K in V]: infer T } ? T : Whole

/**
 * One kind of kernel object (link, qdisc, filter, …): how its typed form becomes messages and back. The verbs of
 * RtnetlinkSocket are made of this, once for all objects and for both forms of the socket.
 *
 * `Decoded` is a `Spec` with what the kernel adds (indexes, statistics), so what was listed can be added again.
 */
export interface ObjectType<Spec, Key, Query, Decoded extends Spec, Taken = unknown> {
  /** For types alone, never there: what each verb takes, for those verbs that do not take every spec or key. */
  readonly taken?: Taken
  /** As `ip` and `tc` call it: `'link'`, `'qdisc'`. */
  readonly name: string
  /** The messages of this object: RTM_NEW*, RTM_DEL*, RTM_GET*. */
  readonly messages: { readonly new: MessageType; readonly delete: MessageType; readonly get: MessageType }
  /** NLM_F_* of each verb that makes or changes, as iproute2 sets them. */
  readonly flags: Readonly<Record<'add' | 'replace' | 'change', number>>
  /** Checks the spec and makes the body of RTM_NEW*. Throws TypeError or RangeError that names the field. */
  toNew(spec: Spec, devices: DeviceNames, verb: Verb): unknown
  /** How `add` makes an object of which the kernel does not take everything in one message; undefined where it does. */
  inSteps?(spec: Spec): Steps<Spec, Key> | undefined
  /**
   * The key of another object that has to be there before `add`, where the kernel does not look: it makes something else
   * instead.
   */
  precondition?(spec: Spec): Key | undefined
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
  /** Members, at any depth, that change by themselves and are no news: ages, lifetimes, counters. */
  readonly passing?: readonly string[]
  /** The `ip` or `tc` command line of a verb. */
  command(verb: Verb, object: Spec | Key): string
  /** How listed objects are made again. */
  readonly restoration?: Restoration<Spec, Decoded>
}
