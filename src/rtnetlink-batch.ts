import { rememberNames } from './netlink/devices.js'
import type { Request } from './netlink/message.js'
import type { DeviceNames } from './netlink/message-type.js'
import type { ObjectType, TakenBy } from './netlink/object-type.js'
import { OBJECTS, type Objects } from './rtnetlink-tables.js'
import { deleteRequest, newRequest } from './rtnetlink-verbs.js'

/** `add` is one message in a batch, as `replace` is: it takes the same. */
type Gather<O> =
  O extends ObjectType<infer Spec, infer Key, infer _Query, infer _Decoded, infer Taken>
    ? {
        readonly add: (spec: TakenBy<Taken, 'replace', Spec>) => void
        readonly replace: (spec: TakenBy<Taken, 'replace', Spec>) => void
        readonly change: (spec: TakenBy<Taken, 'change', Spec>) => void
        readonly delete: (key: TakenBy<Taken, 'delete', Key>) => void
      }
    : never

/** Gathers what is to be sent in one batch, with the verbs of the socket. */
export type RtnetlinkBatch = { readonly [Name in keyof Objects]: Gather<Objects[Name]> } & {
  /** Adds a request made elsewhere. */
  push(request: Request<never>): void
}

/**
 * The requests that `build` asks for, in order. What is wrong with one is thrown here, before anything is sent, and so is
 * what comes later: it would be lost.
 */
export function gather(build: (batch: RtnetlinkBatch) => void, devices: DeviceNames): Request<never>[] {
  const requests: Request<never>[] = []
  const names = rememberNames(devices)
  let gathered = false
  const push = (request: Request<never>): void => {
    if (gathered)
      throw new Error(`${request.type.name} comes too late for its batch: what builds one cannot wait`)
    requests.push(request)
  }
  const batch: Record<string, unknown> = { push }
  for (const [name, object] of objects) batch[name] = new Gatherer(object, names, push)
  build(batch as RtnetlinkBatch)
  gathered = true
  return requests
}

type AnyObject = ObjectType<unknown, unknown, unknown, unknown>

const objects = Object.entries(OBJECTS) as unknown as readonly (readonly [name: string, AnyObject])[]

class Gatherer implements Gather<AnyObject> {
  readonly #object: AnyObject
  readonly #devices: DeviceNames
  readonly #push: (request: Request<never>) => void

  constructor(object: AnyObject, devices: DeviceNames, push: (request: Request<never>) => void) {
    this.#object = object
    this.#devices = devices
    this.#push = push
  }

  add(spec: unknown): void {
    this.#push(newRequest(this.#object, 'add', spec, this.#devices))
  }

  replace(spec: unknown): void {
    this.#push(newRequest(this.#object, 'replace', spec, this.#devices))
  }

  change(spec: unknown): void {
    this.#push(newRequest(this.#object, 'change', spec, this.#devices))
  }

  delete(key: unknown): void {
    this.#push(deleteRequest(this.#object, key, this.#devices))
  }
}
