import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { filter, type Filter, type FilterSpec } from '../../tc/index.js'
import { filtersAt } from '../kernel/filters-at.js'
import { removeAll } from '../kernel/apply.js'
import type { Undo } from '../kernel/undo.js'
import { isRootTable } from '../layout/filter-places.js'
import { priorityDeletion } from './filters.js'
import { isOpener, OPENER } from './recognise.js'
import { plan, planDelete, type Planned } from '../plan/planned.js'

/*
 * When somebody deletes a u32 priority while another one is left on the same hook, the tables of the first stay, with their
 * nodes, and are listed no more (u32_destroy and u32_walk in net/sched/cls_u32.c). They are seen, and can be completed, as
 * soon as their priority has a filter again.
 */

/** Without action, class and link it changes nothing: the kernel goes on to the next filter (u32_classify). */
const opener = ({ dev, parent, priority, protocol }: FilterSpec): Planned =>
  plan(filter, 'add', { dev, parent, priority, protocol, kind: 'u32', handle: OPENER })

/** A hook whose filters are all listed. */
interface OpenedHook {
  readonly filters: readonly Filter[]
  /** Takes away the nodes that have opened priorities, for when these have filters of their own. */
  readonly close: () => Promise<void>
}

/** Has the kernel list the tables that are hidden in these planned priorities. */
export async function openPriorities(
  rt: RtnetlinkSocket,
  dev: string,
  parent: string,
  planned: readonly Planned[],
  undo: Pick<Undo, 'push'>,
): Promise<OpenedHook> {
  const listed = await filtersAt(rt, dev, parent)
  const there = new Set(listed.map(({ priority }) => priority))
  const tables = planned.map(({ spec }) => spec as FilterSpec).filter(spec => 'divisor' in spec)
  const closed = new Map(tables.flatMap(spec => (there.has(spec.priority) ? [] : [[spec.priority, spec]])))
  if (closed.size === 0 || !listed.some(({ kind }) => kind === 'u32')) return opened(rt, listed)
  undo.push(() => hideAgain(rt, dev, parent, closed))
  await rt.send(Array.from(closed.values(), spec => opener(spec).request(rt.devices)))
  return opened(rt, await filtersAt(rt, dev, parent))
}

const opened = (rt: RtnetlinkSocket, filters: readonly Filter[]): OpenedHook => ({
  filters,
  close: () =>
    removeAll(
      rt,
      filters.filter(isOpener).map(found => planDelete(filter, found)),
    ),
})

/** Deletes opened priorities: their tables are hidden again, as they were. */
async function hideAgain(
  rt: RtnetlinkSocket,
  dev: string,
  parent: string,
  opened: ReadonlyMap<number, FilterSpec>,
): Promise<void> {
  const listed = await filtersAt(rt, dev, parent)
  const rootTables = listed.filter(found => isRootTable(found) && opened.has(found.priority))
  await rt.send(rootTables.map(found => priorityDeletion(found, rt.devices)))
}

/** What is listed but for the nodes that have opened a priority, be it for an earlier run that was cut. */
export const withoutOpeners = (found: readonly Filter[]): Filter[] =>
  found.filter(object => !isOpener(object))
