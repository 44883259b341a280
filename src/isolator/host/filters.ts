import { sleep } from '../kernel/sleep.js'
import { filter, type Filter, type FilterSpec } from '../../tc/index.js'
import type { Request } from '../../netlink/message.js'
import { rememberNames } from '../../netlink/devices.js'
import type { DeviceNames } from '../../netlink/message-type.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { IsolatorError } from '../isolator-error.js'
import { filtersAt } from '../kernel/filters-at.js'
import { isFormer6 } from './former6.js'
import { asListed, isAsPlanned, lineOf } from '../kernel/planned-as-listed.js'
import {
  containerPlace,
  isNode,
  hasLayoutPriority,
  isRoot,
  isRootTable,
  isTable,
  placeOf,
  tableNumber,
} from '../layout/filter-places.js'
import { tableHandle, type FLOW_QDISC } from '../layout/layout.js'
import { plan, planDelete, type Planned } from '../plan/planned.js'

/** How long the kernel may take to let go of a table after its last link went (an RCU grace period; 32 ms measured). */
const TABLE_RELEASE_MS = 2000

/**
 * The filters of our priorities on a device that has an ingress or clsact qdisc, or all of a qdisc that is ours. A device
 * that is missing has none.
 */
export async function ourFilters(
  rt: RtnetlinkSocket,
  dev: string,
  parent: 'ingress' | typeof FLOW_QDISC = 'ingress',
  withInet6 = true,
): Promise<Filter[]> {
  if (rt.devices.interfaceIndex(dev) === 0) return []
  return oursAmong(await filtersAt(rt, dev, parent), parent, withInet6)
}

/** Of all filters of a hook those of our priorities; a qdisc that is ours has no others. */
export const oursAmong = (
  filters: readonly Filter[],
  parent: 'ingress' | typeof FLOW_QDISC,
  withInet6 = true,
): Filter[] =>
  parent === 'ingress' ? filters.filter(found => hasLayoutPriority(found, withInet6)) : [...filters]

/** What a device lacks of the planned filters. */
export interface MissingFilters {
  readonly missing: readonly Planned[]
  /** Takes filters that were made for the host as it was before out, and puts the planned ones in their place. */
  readonly outdated: readonly Planned[]
}

/**
 * Which of the planned filters are not there yet, of a device whose filters are `found`.
 *
 * @param formerPlan returns the same filters, planned for the host as it was before. Default: there was none
 * @throws IsolatorError ERR_FOREIGN_STATE where a planned handle holds another filter, naming both, and where a priority
 *   of the layout holds a filter that is neither planned nor a container's: removing the layout would remove it too
 */
export function missingFilters(
  rt: RtnetlinkSocket,
  found: readonly Filter[],
  planned: readonly Planned[],
  formerPlan: () => readonly Planned[] = () => [],
): MissingFilters {
  const there = new Map(found.map(object => [placeOf(object), object]))
  const places = new Set(planned.map(placeOfPlanned))
  const devices = rememberNames(rt.devices)
  let former: ReadonlyMap<string, Planned> | undefined
  const isOfBefore = (object: Filter): boolean => {
    if (isFormer6(object, devices)) return true
    former ??= new Map(formerPlan().map(before => [placeOfPlanned(before), before]))
    const before = former.get(placeOf(object))
    return before !== undefined && isAsPlanned(object, before, devices)
  }
  const surplus = found.filter(
    object => !places.has(placeOf(object)) && containerPlace(object) === undefined && !isRootTable(object),
  )
  const foreign = surplus.find(object => !isOfBefore(object))
  if (foreign) throw foreignFilter(foreign)
  const outdated = surplus.map(object => planDelete(filter, object, plan(filter, 'add', object)))
  const missing = planned.filter(message => {
    const place = placeOfPlanned(message)
    const existing = there.get(place)
    if (!existing) return true
    if (isAsPlanned(existing, message, devices)) return false
    const wanted = asListed(message, devices) as Filter
    if (isOfBefore(existing)) {
      // A program is never missing: all filters behind it rely on it.
      if (existing.kind === 'bpf')
        outdated.push(plan(filter, 'replace', wanted, plan(filter, 'replace', existing)))
      else outdated.push(planDelete(filter, existing, plan(filter, 'add', existing)), message)
      return false
    }
    const [is, expected] = [lineOf(existing), lineOf(wanted)]
    throw new IsolatorError(
      'ERR_FOREIGN_STATE',
      `${wanted.dev} has a filter where this isolator has one of its own, and it is another. There: ${is}; expected: ${expected}`,
      { details: { dev: wanted.dev, found: is, expected } },
    )
  })
  return { missing, outdated }
}

const placeOfPlanned = ({ spec }: Planned): string => placeOf(spec as FilterSpec)

/**
 * Looks whether somebody has a u32 table of a number that is planned: numbers are those of all priorities of a hook together.
 *
 * @param found all filters of the hook
 * @throws IsolatorError ERR_FOREIGN_STATE, naming the table
 */
export function refuseForeignTables(found: readonly Filter[], planned: readonly Planned[]): void {
  const tables = planned.map(({ spec }) => spec as FilterSpec).filter(spec => 'divisor' in spec)
  const numbers = new Map(tables.map(spec => [tableNumber(spec), spec.priority]))
  const foreign = found.find(object => {
    const priority = numbers.get(tableNumber(object))
    return priority !== undefined && priority !== object.priority
  })
  if (!foreign) return
  const { dev, priority } = foreign
  throw new IsolatorError(
    'ERR_FOREIGN_STATE',
    `${dev} has a u32 table ${tableHandle(tableNumber(foreign))} in priority ${priority}, a number that this isolator needs on the same hook. ` +
      `Give it another, beyond 23f: ${filter.command('add', foreign)}`,
    { details: { dev, priority, table: tableHandle(tableNumber(foreign)) } },
  )
}

/** What is said of a table that cannot be made although none of its number is listed. */
export const hiddenTable = (dev: string, cause: IsolatorError): IsolatorError =>
  new IsolatorError(
    'ERR_FOREIGN_STATE',
    `${dev} has a u32 table that the kernel does not list, of a priority that somebody has deleted, with a number that this isolator needs. ` +
      `The kernel frees it with the last u32 filter of that hook: ${String(cause.details['command'])}`,
    { cause, details: { dev, ...cause.details } },
  )

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
    if (left.length > 0) await sleep(5)
  }
  await removeEmptyPriorities(rt, filters.filter(isRootTable))
}

/** Takes away the priorities of these root tables where nothing else is in them any more. */
async function removeEmptyPriorities(rt: RtnetlinkSocket, rootTables: readonly Filter[]): Promise<void> {
  const [first] = rootTables
  if (!first) return
  const left = await filtersAt(rt, first.dev, 'ingress')
  const used = new Set(left.flatMap(object => (isRootTable(object) ? [] : [object.priority])))
  const empty = rootTables.filter(
    table => !used.has(table.priority) && left.some(({ priority }) => priority === table.priority),
  )
  await rt.batch(batch => {
    // Handle 0 is the priority itself: the verbs refuse it, since with filters in it they would all go.
    for (const table of empty) batch.push(priorityDeletion(table, rt.devices))
  })
}

/** Deletes a whole priority, of which this is the root table. */
export const priorityDeletion = (table: Filter, devices: DeviceNames): Request<never> => ({
  type: filter.messages.delete,
  flags: 0,
  body: { ...(filter.toDelete(table, devices) as object), handle: 0 } as never,
})
