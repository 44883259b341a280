import { NLM_F_DUMP, NLM_F_ECHO } from './netlink/constants.js'
import { rememberNames } from './netlink/devices.js'
import { MadeRequest, type Message, type Request } from './netlink/message.js'
import type { DeviceNames } from './netlink/message-type.js'
import type { ObjectType, Step, TakenBy } from './netlink/object-type.js'
import { listedObject, refuseUncarried, type Uncarried } from './netlink/uncarried.js'
import type { CallOptionsOf, DumpOptionsOf, Mode, OptionChecks } from './rtnetlink-verb-options.js'

/** What a call gives in each mode. */
export type Outcome<M extends Mode, T> = M extends 'sync' ? T : Promise<T>

/** Carries out requests. The two forms of the socket each have one; verbs are written once on top. */
export interface Executor<M extends Mode> {
  readonly mode: M
  readonly devices: DeviceNames
  /** Does `work`. An error that it throws becomes that of the promise, where there is one. */
  attempt<T>(work: () => Outcome<M, T>): Outcome<M, T>
  /** Sends one request and hands the answers to `then`. */
  request<T>(
    request: Request<never>,
    then: (replies: readonly Message[]) => T,
    options?: CallOptionsOf<M>,
  ): Outcome<M, T>
  /**
   * Sends the first request, and the others once it was carried out. Throws the first refusal, after `undo` if it was of
   * a later request.
   */
  series(
    requests: readonly Request<never>[],
    undo: Request<never>,
    options?: CallOptionsOf<M>,
  ): Outcome<M, void>
  /** Dumps, and gathers what `map` makes of each message, undefined apart. */
  dump<T>(
    request: Request<never>,
    map: (message: Message) => T | undefined,
    options?: DumpOptionsOf<M>,
  ): Outcome<M, T[]>
}

/** The requests of an object's steps. */
export const stepRequests = <Spec, Key, Query, Decoded extends Spec>(
  object: ObjectType<Spec, Key, Query, Decoded>,
  steps: readonly Step<Spec>[],
  devices: DeviceNames,
): Request<never>[] =>
  steps.map(step => ('request' in step ? step.request : newRequest(object, step.verb, step.spec, devices)))

/** The verbs that make or change an object. */
export type WriteVerb = 'add' | 'replace' | 'change'

/** The request that makes or changes an object. */
export const newRequest = <Spec, Key, Query, Decoded extends Spec>(
  object: ObjectType<Spec, Key, Query, Decoded>,
  verb: WriteVerb,
  spec: Spec,
  devices: DeviceNames,
): Request<never> => {
  const body = object.toNew(spec, devices, verb) as never
  refuseUncarried(object.name, verb, spec as Uncarried)
  return new MadeRequest(object.messages.new, object.flags[verb], body)
}

/** The request that deletes an object. */
export const deleteRequest = <Spec, Key, Query, Decoded extends Spec>(
  object: ObjectType<Spec, Key, Query, Decoded>,
  key: Key,
  devices: DeviceNames,
): Request<never> => new MadeRequest(object.messages.delete, 0, object.toDelete(key, devices) as never)

/** The query may be left out where no part of it is required. */
type ListArguments<M extends Mode, Query> =
  Partial<Query> extends Query
    ? [query?: Query, options?: DumpOptionsOf<M>]
    : [query: Query, options?: DumpOptionsOf<M>]

/** The kernel's verbs on one kind of object. */
export class Verbs<M extends Mode, Spec, Key, Query, Decoded extends Spec, Taken = unknown> {
  readonly #executor: Executor<M>
  readonly #object: ObjectType<Spec, Key, Query, Decoded>
  readonly #checkOptions: OptionChecks

  constructor(
    executor: Executor<M>,
    object: ObjectType<Spec, Key, Query, Decoded>,
    checkOptions: OptionChecks,
  ) {
    this.#executor = executor
    this.#object = object
    this.#checkOptions = checkOptions
  }

  /** All objects that match the query. Needs no privilege. */
  list(...list: ListArguments<M, Query>): Outcome<M, (Decoded & Uncarried)[]> {
    const [query, options] = list as [query: Query | undefined, options?: DumpOptionsOf<M>]
    return this.#executor.attempt(() => this.#list(query ?? ({} as Query), options))
  }

  #list(query: Query, options: DumpOptionsOf<M> | undefined): Outcome<M, (Decoded & Uncarried)[]> {
    this.#checkOptions.list(options)
    const object = this.#object
    const devices = rememberNames(this.#executor.devices)
    const request = {
      type: object.messages.get,
      flags: NLM_F_DUMP,
      body: object.toDump(query, devices) as never,
    }
    return this.#executor.dump(
      request,
      message => {
        if (message.type !== object.messages.new.type) return undefined
        const decoded = listedObject(object, message, devices)
        return object.matches?.(decoded, query, devices) === false ? undefined : decoded
      },
      options,
    )
  }

  /** One object. Throws NetlinkError (`ENOENT`, `ENODEV`, …) where there is none. Needs no privilege. */
  get(key: Key, options?: CallOptionsOf<M>): Outcome<M, Decoded & Uncarried> {
    return this.#executor.attempt(() => this.#get(key, options))
  }

  #get(key: Key, options?: CallOptionsOf<M>): Outcome<M, Decoded & Uncarried> {
    this.#checkOptions.get(options)
    const object = this.#object
    const { devices } = this.#executor
    return this.#executor.request(
      // The kernel answers for a qdisc or class by a notification, which comes to the one who asks only under ECHO.
      { type: object.messages.get, flags: NLM_F_ECHO, body: object.toGet(key, devices) as never },
      replies => {
        const reply = replies.find(({ type }) => type === object.messages.new.type)
        if (!reply) throw new Error(`${object.messages.get.name} was acknowledged without an answer`)
        return listedObject(object, reply, devices)
      },
      options,
    )
  }

  /**
   * Makes the object. What the kernel sets only of an object that is there (a link's alias) follows in further messages;
   * if one of them is refused, the object is deleted again. Throws NetlinkError `EEXIST` if there is one already. Needs
   * CAP_NET_ADMIN.
   */
  add(spec: TakenBy<Taken, 'add', Spec> & Uncarried, options?: CallOptionsOf<M>): Outcome<M, void> {
    return this.#executor.attempt(() => this.#add(spec as Spec & Uncarried, options))
  }

  #add(spec: Spec & Uncarried, options?: CallOptionsOf<M>): Outcome<M, void> {
    this.#checkOptions.add(options)
    const object = this.#object
    const made = object.inSteps?.(spec)
    if (!made) {
      const request = newRequest(object, 'add', spec, this.#executor.devices)
      const needed = object.precondition?.(spec)
      const send = (): Outcome<M, void> => this.#send(request, options)
      return needed === undefined ? send() : this.#whenThere(needed, send, options)
    }
    refuseUncarried(object.name, 'add', spec)
    const { devices } = this.#executor
    const undo = deleteRequest(object, made.undo, devices)
    return this.#executor.series(stepRequests(object, made.steps, devices), undo, options)
  }

  /** Makes the object or puts it in the place of one with the same key. Needs CAP_NET_ADMIN. */
  replace(spec: TakenBy<Taken, 'replace', Spec> & Uncarried, options?: CallOptionsOf<M>): Outcome<M, void> {
    return this.#write('replace', spec as Spec, options)
  }

  /** Changes an object that exists. Needs CAP_NET_ADMIN. */
  change(spec: TakenBy<Taken, 'change', Spec> & Uncarried, options?: CallOptionsOf<M>): Outcome<M, void> {
    return this.#write('change', spec as Spec, options)
  }

  /** Deletes the object with this full key. Needs CAP_NET_ADMIN. */
  delete(key: TakenBy<Taken, 'delete', Key>, options?: CallOptionsOf<M>): Outcome<M, void> {
    return this.#executor.attempt(() => {
      this.#checkOptions.delete(options)
      return this.#send(deleteRequest(this.#object, key as Key, this.#executor.devices), options)
    })
  }

  /** Looks for an object first. Throws NetlinkError `ENOENT` where there is none. */
  #whenThere(key: Key, then: () => Outcome<M, void>, options?: CallOptionsOf<M>): Outcome<M, void> {
    const found: unknown = this.get(key, options)
    return found instanceof Promise ? (found.then(then) as Outcome<M, void>) : then()
  }

  #write(verb: WriteVerb, spec: Spec, options?: CallOptionsOf<M>): Outcome<M, void> {
    return this.#executor.attempt(() => {
      this.#checkOptions[verb](options)
      return this.#send(newRequest(this.#object, verb, spec, this.#executor.devices), options)
    })
  }

  #send(request: Request<never>, options?: CallOptionsOf<M>): Outcome<M, void> {
    return this.#executor.request(request, () => undefined, options)
  }
}
