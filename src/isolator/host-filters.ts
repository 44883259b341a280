import { filter, parseU32Handle, type Filter } from '../tc/index.js'
import { Writer } from '../netlink/codec/index.js'
import type { Request } from '../netlink/message.js'
import type { DeviceNames } from '../netlink/message-type.js'
import type { RtnetlinkSocket } from '../rtnetlink-socket.js'
import { IsolatorError } from './isolator-error.js'
import type { FLOW_QDISC } from './layout.js'
import { PORT_BUCKETS, PRIORITY, SECOND_LEVEL, TABLE } from './layout.js'
import type { Planned } from './plan/planned.js'

/** Priorities of the layout on the host's own interfaces. */
const OURS = new Set<number>([
  PRIORITY.martian,
  PRIORITY.arp,
  PRIORITY.steering,
  PRIORITY.vlan,
  PRIORITY.priorityTagged,
])

/** Root tables are numbered by the kernel, from here on. */
const FIRST_ROOT_TABLE = 0x800

/** How long the kernel may take to let go of a table after its last link went (an RCU grace period; 32 ms measured). */
const TABLE_RELEASE_MS = 2000

/** The filters of our priorities on a device that has an ingress or clsact qdisc, or all of a qdisc that is ours. */
export async function ourFilters(
  rt: RtnetlinkSocket,
  dev: string,
  parent: 'ingress' | typeof FLOW_QDISC = 'ingress',
): Promise<Filter[]> {
  const filters = await rt.filters.list({ dev, parent })
  return parent === 'ingress' ? filters.filter(({ priority }) => OURS.has(priority)) : filters
}

/**
 * Which of the planned filters are not there yet, of a device whose filters are `found`.
 *
 * @throws IsolatorError ERR_FOREIGN_STATE where a planned handle holds another filter, naming both, and where a priority
 *   of the layout holds a filter that is neither planned nor a container's: removing the layout would remove it too
 */
export function missingFilters(
  rt: RtnetlinkSocket,
  found: readonly Filter[],
  planned: readonly Planned[],
): Planned[] {
  const there = new Map(found.map(object => [placeOf(object), object]))
  const all = planned.map(message => ({ message, wanted: asListed(message.request(rt.devices), rt) }))
  const places = new Set(all.map(({ wanted }) => placeOf(wanted)))
  const foreign = found.find(
    object => !places.has(placeOf(object)) && !isContainers(object) && !isRootTable(object),
  )
  if (foreign) throw foreignFilter(foreign)
  const missing = all.filter(({ wanted }) => {
    const existing = there.get(placeOf(wanted))
    if (!existing) return true
    const [is, expected] = [lineOf(existing), lineOf(wanted)]
    if (is === expected) return false
    throw new IsolatorError(
      'ERR_FOREIGN_STATE',
      `${wanted.dev} has a filter where this isolator has one of its own, and it is another. There: ${is}; expected: ${expected}`,
      { details: { dev: wanted.dev, found: is, expected } },
    )
  })
  return missing.map(({ message }) => message)
}

function foreignFilter(object: Filter): IsolatorError {
  const found = filter.command('add', object)
  return new IsolatorError(
    'ERR_FOREIGN_STATE',
    `${object.dev} has a filter in a priority that this isolator needs for itself. Move it to another: ${found}`,
    { details: { dev: object.dev, found } },
  )
}

/**
 * Removes filters one by one: nodes in the opposite order, then tables, which are busy for a moment after their last
 * link, and last the priorities, which the kernel keeps with their root table while another priority has u32 filters.
 */
export async function removeFilters(rt: RtnetlinkSocket, filters: readonly Filter[]): Promise<void> {
  const deadline = Date.now() + TABLE_RELEASE_MS
  let left = [...filters.filter(isRoot), ...filters.filter(isNode), ...filters.filter(isTable)]
  while (left.length > 0) {
    const now = left
    const results = await rt.batch(batch => {
      for (const object of now) batch.filters.delete(object)
    })
    const refused = results.find(
      ({ error }) => error && error.code !== 'EBUSY' && error.code !== 'ENOENT',
    )?.error
    if (refused) throw refused
    left = now.filter((_, i) => results[i]?.error?.code === 'EBUSY')
    if (left.length > 0 && Date.now() > deadline)
      throw new Error(`${left.length} u32 tables are still in use after ${TABLE_RELEASE_MS} ms`)
    if (left.length > 0) await wait(5)
  }
  await removeEmptyPriorities(rt, filters.filter(isRootTable))
}

/** Takes away the priorities of these root tables where nothing else is in them any more. */
async function removeEmptyPriorities(rt: RtnetlinkSocket, rootTables: readonly Filter[]): Promise<void> {
  const [first] = rootTables
  if (!first) return
  const left = await ourFilters(rt, first.dev)
  const used = new Set(left.flatMap(object => (isRootTable(object) ? [] : [object.priority])))
  const empty = rootTables.filter(
    table => !used.has(table.priority) && left.some(({ priority }) => priority === table.priority),
  )
  await rt.batch(batch => {
    // Handle 0 is the priority itself: the verbs refuse it, since with filters in it they would all go.
    for (const table of empty) batch.push(priorityDeletion(table, rt.devices))
  })
}

const priorityDeletion = (table: Filter, devices: DeviceNames): Request<never> => ({
  type: filter.messages.delete,
  flags: 0,
  body: { ...(filter.toDelete(table, devices) as object), handle: 0 } as never,
})

/** What a request makes, as a dump would show it. */
function asListed({ type, body }: Request<never>, rt: RtnetlinkSocket): Filter {
  const writer = new Writer()
  type.body.put(writer, body)
  const bytes = writer.bytes().slice()
  return filter.fromBody(type.body.get(new DataView(bytes.buffer), 0, bytes.length), rt.devices)
}

const placeOf = (object: Filter): string =>
  `${object.priority} ${object.protocol} ${withoutRootTable(object).handle}`

const lineOf = (object: Filter): string => filter.command('add', withoutRootTable(object))

/** A root as the plan has it, `::1`, without the table number that the kernel gave it. */
function withoutRootTable(object: Filter): Filter {
  if (!isRoot(object)) return object
  const { table: _table, ...root } = object as Filter & { table?: unknown }
  return { ...root, handle: `::${(handleOf(object) & 0xfff).toString(16)}` } as Filter
}

/** Root tables are made by the kernel, with the first filter of a u32 priority. */
const isRootTable = (object: Filter): boolean =>
  object.kind === 'u32' && (handleOf(object) & 0xfffff) === 0 && handleOf(object) >>> 20 >= FIRST_ROOT_TABLE

/** Whether a filter has a place where a container's port and mirror nodes are. */
function isContainers(object: Filter): boolean {
  if (object.kind !== 'u32' || object.priority !== PRIORITY.steering || !isNode(object)) return false
  const table = handleOf(object) >>> 20
  const secondLevel = Object.values(SECOND_LEVEL).some(
    first => table >= first && table < first + PORT_BUCKETS,
  )
  return (
    secondLevel ||
    table === TABLE.destinationPort ||
    table === TABLE.quotedSourcePort ||
    table === TABLE.everyone
  )
}

const handleOf = ({ kind, handle }: Filter): number => (kind === 'u32' ? parseU32Handle(handle) : 1)

const isTable = (object: Filter): boolean =>
  (handleOf(object) & 0xfffff) === 0 && handleOf(object) >>> 20 < FIRST_ROOT_TABLE
const isRoot = (object: Filter): boolean =>
  object.kind === 'u32' &&
  (handleOf(object) & 0xfff) !== 0 &&
  (handleOf(object) >>> 20 === 0 || handleOf(object) >>> 20 >= FIRST_ROOT_TABLE)
const isNode = (object: Filter): boolean => (handleOf(object) & 0xfffff) !== 0 && !isRoot(object)

const wait = (ms: number): Promise<void> =>
  new Promise(resolve => {
    setTimeout(resolve, ms)
  })
