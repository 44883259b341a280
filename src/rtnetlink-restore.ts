import type { Request } from './netlink/message.js'
import type { DeviceNames } from './netlink/message-type.js'
import type { ListedTables, ObjectType, Step } from './netlink/object-type.js'
import { refuseUncarried } from './netlink/uncarried.js'
import type { RtnetlinkSnapshot, TableName } from './rtnetlink-snapshot.js'
import { OBJECTS } from './rtnetlink-tables.js'
import { newRequest } from './rtnetlink-verbs.js'

/** An object of the lists. */
export type ListedObject = {
  [Name in TableName]: { readonly table: Name; readonly object: RtnetlinkSnapshot[Name][number] }
}[TableName]

/** What `restore` did with each object of the lists. */
export interface Restored {
  /** Made, or set to what was listed if it was there (`lo`, physical devices), in this order. */
  readonly added: readonly ListedObject[]
  /** Left to the kernel, which makes it by itself; `why` says when, as `'comes with an address of its device'`. */
  readonly leftOut: readonly (ListedObject & { readonly why: string })[]
  /** Not made: the kernel refused it, or it has something that no request carries. */
  readonly refused: readonly (ListedObject & { readonly error: Error })[]
}

type AnyObject = ObjectType<unknown, unknown, unknown, unknown>

const objectOf = (table: TableName): AnyObject => OBJECTS[table]

/** What tables need of each other runs in this direction, but for qdiscs and classes, which name each other. */
const ORDER = ['links', 'addresses', 'routes', 'neighbours', 'qdiscs', 'classes', 'filters'] as const

/**
 * Makes the objects of `lists` again: parents first, without what the kernel makes by itself. One that is refused does
 * not keep the others from being made.
 */
export async function restore(
  send: (request: Request<never>) => Promise<void>,
  devices: DeviceNames,
  lists: Partial<RtnetlinkSnapshot>,
): Promise<Restored> {
  const added: ListedObject[] = []
  const leftOut: (ListedObject & { why: string })[] = []
  const refused: (ListedObject & { error: Error })[] = []
  const own = ORDER.flatMap(table => sorted(table, lists)).filter(listed => {
    const why = objectOf(listed.table).restoration?.madeByKernel?.(listed.object, lists)
    if (why !== undefined) leftOut.push({ ...listed, why })
    return why === undefined
  })
  for (const listed of parentsFirst(own, lists)) {
    try {
      for (const request of requestsOf(listed, lists, devices)) await send(request)
      added.push(listed)
    } catch (error) {
      refused.push({ ...listed, error: error as Error })
    }
  }
  return { added, leftOut, refused }
}

/** The objects of one table in the order in which those that do not need each other are made. */
function sorted(table: TableName, lists: Partial<RtnetlinkSnapshot>): ListedObject[] {
  const { restoration } = objectOf(table)
  const listed: readonly unknown[] = lists[table] ?? []
  const ordered = [...(restoration?.order?.(listed) ?? listed)]
  ordered.sort((one, other) => restoration?.compare?.(one, other) ?? 0)
  return ordered.map(object => ({ table, object }) as ListedObject)
}

/** Puts each object behind what it needs; otherwise they stay in order. */
function parentsFirst(all: readonly ListedObject[], lists: ListedTables): ListedObject[] {
  const providers = new Map<string, ListedObject[]>()
  for (const listed of all) {
    for (const name of objectOf(listed.table).restoration?.provides?.(listed.object) ?? []) {
      providers.set(name, [...(providers.get(name) ?? []), listed])
    }
  }
  const placed = new Set<ListedObject>()
  const result: ListedObject[] = []
  const place = (listed: ListedObject): void => {
    if (placed.has(listed)) return
    placed.add(listed)
    const needed = objectOf(listed.table).restoration?.needs?.(listed.object, lists) ?? []
    for (const name of needed) for (const parent of providers.get(name) ?? []) place(parent)
    result.push(listed)
  }
  for (const listed of all) place(listed)
  return result
}

/** The requests that make an object, each when its turn comes: they look up devices that those before have made. */
function* requestsOf(
  { table, object }: ListedObject,
  lists: ListedTables,
  devices: DeviceNames,
): Generator<Request<never>> {
  const type = objectOf(table)
  refuseUncarried(type.name, 'add', object)
  const steps: readonly Step<unknown>[] = type.restoration?.steps?.(object, lists) ?? [
    { verb: 'add', spec: object },
  ]
  for (const step of steps) {
    const made = 'request' in step || step.verb !== 'add' ? undefined : type.inSteps?.(step.spec)
    for (const one of made?.steps ?? [step]) {
      yield 'request' in one ? one.request : newRequest(type, one.verb, one.spec, devices)
    }
  }
}
