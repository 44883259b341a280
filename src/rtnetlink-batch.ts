import { rememberNames } from './netlink/devices.js'
import type { Request } from './netlink/message.js'
import type { DeviceNames } from './netlink/message-type.js'
import type { ObjectType } from './netlink/object-type.js'
import { OBJECTS, type Objects } from './rtnetlink-tables.js'
import { deleteRequest, newRequest, type WriteVerb } from './rtnetlink-verbs.js'

type Gather<O> =
  O extends ObjectType<infer Spec, infer Key, infer _Query, infer _Decoded>
    ? Readonly<Record<WriteVerb, (spec: Spec) => void>> & { readonly delete: (key: Key) => void }
    : never

/** Gathers what is to be sent in one batch, with the verbs of the socket. */
export type RtnetlinkBatch = { readonly [Name in keyof Objects]: Gather<Objects[Name]> } & {
  /** Adds a request made elsewhere. */
  push(request: Request<never>): void
}

/** The requests that `build` asks for, in order. What is wrong with one is thrown here, before anything is sent. */
export function gather(build: (batch: RtnetlinkBatch) => void, devices: DeviceNames): Request<never>[] {
  const requests: Request<never>[] = []
  const names = rememberNames(devices)
  const push = (request: Request<never>): void => {
    requests.push(request)
  }
  const tables = Object.fromEntries(
    Object.entries(OBJECTS).map(([name, object]) => [name, gatherer(object as never, names, push)]),
  ) as unknown as RtnetlinkBatch
  build({ ...tables, push })
  return requests
}

function gatherer(
  object: ObjectType<unknown, unknown, unknown, unknown>,
  devices: DeviceNames,
  push: (request: Request<never>) => void,
): Record<WriteVerb | 'delete', (target: unknown) => void> {
  const write = (verb: WriteVerb) => (spec: unknown) => {
    push(newRequest(object, verb, spec, devices))
  }
  return {
    add: write('add'),
    replace: write('replace'),
    change: write('change'),
    delete: key => {
      push(deleteRequest(object, key, devices))
    },
  }
}
