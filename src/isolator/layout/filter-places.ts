import { parseU32Handle, type Filter, type FilterSpec } from '../../tc/index.js'
import {
  ANSWERS,
  PORT_BUCKETS,
  PRIORITY,
  SECOND_LEVEL,
  SECOND_LEVEL_LINK,
  TABLE,
  TABLE6,
  tableHandle,
} from './layout.js'

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

/**
 * Whether a filter of one of the host's interfaces has a priority of the layout. That of IPv6 is ours alone only as far as its
 * filters are: a host without may have others there.
 *
 * @param withInet6 whether ours may have one for IPv6
 */
export const hasLayoutPriority = (found: Filter, withInet6 = true): boolean =>
  OURS.has(found.priority) || (withInet6 && isSteering6(found))

const TABLES6: ReadonlySet<number> = new Set(Object.values(TABLE6))

/** Whether a filter steers IPv6: by its table, or by where it leads to. */
export function isSteering6(found: Filter): boolean {
  if (found.priority !== PRIORITY.steering6 || found.kind !== 'u32' || found.protocol !== 'ipv6') return false
  if (isRootTable(found)) return true
  if (!isRoot(found)) return TABLES6.has(handleOf(found) >>> 20)
  return found.link === tableHandle(TABLE6.protocol) || leadsToAnswers(found)
}

/** Whether a filter copies to everyone. `'*'` is what is listed where the pair is gone. */
export const leadsToAnswers = ({ actions = [] }: Filter & { readonly kind: 'u32' }): boolean =>
  actions.some(action => action.kind === 'mirred' && (action.dev === ANSWERS.near || action.dev === '*'))

/** What tells a planned or listed filter of a device from the others, however the kernel numbers root tables. */
export const placeOf = (object: FilterSpec): string =>
  `${object.priority} ${object.protocol} ${handleOf(object) & (isRoot(object) ? 0xfff : ~0)}`

/** What tells a planned or listed filter from all others of its namespace. */
export const keyOf = (object: FilterSpec): string => `${object.dev} ${object.parent} ${placeOf(object)}`

/** A root as the plan has it, `::1`, without the table number that the kernel gave it. */
export function withoutRootTable(object: Filter): Filter {
  if (!isRoot(object)) return object
  const { table: _table, ...root } = object as Filter & { table?: unknown }
  return { ...root, handle: `::${(handleOf(object) & 0xfff).toString(16)}` } as Filter
}

/** Root tables are made by the kernel, with the first filter of a u32 priority. */
export const isRootTable = (object: Filter): boolean =>
  object.kind === 'u32' && (handleOf(object) & 0xfffff) === 0 && handleOf(object) >>> 20 >= FIRST_ROOT_TABLE

export const isTable = (object: Filter): boolean =>
  object.kind === 'u32' && (handleOf(object) & 0xfffff) === 0 && handleOf(object) >>> 20 < FIRST_ROOT_TABLE

export const isRoot = (object: Pick<FilterSpec, 'kind' | 'handle'>): boolean =>
  object.kind === 'u32' &&
  (handleOf(object) & 0xfff) !== 0 &&
  (handleOf(object) >>> 20 === 0 || handleOf(object) >>> 20 >= FIRST_ROOT_TABLE)

export const isNode = (object: Filter): boolean =>
  object.kind !== 'u32' || ((handleOf(object) & 0xfffff) !== 0 && !isRoot(object))

/** The number of a u32 filter's table; 0 for what is in none of a number that can be chosen. */
export const tableNumber = (object: FilterSpec): number =>
  object.kind === 'u32' ? handleOf(object) >>> 20 : 0

/** What a filter is in the place of: a container's port node, by which port it looks at, or a mirror node. */
export type ContainerPlace = 'destination' | 'quotedSource' | 'mirror'

/** The place of a container's node that a filter has; undefined for one that has none. */
export function containerPlace(object: Filter): ContainerPlace | undefined {
  if (object.kind !== 'u32' || object.priority !== PRIORITY.steering || !isNode(object)) return undefined
  const handle = handleOf(object)
  const table = handle >>> 20
  if (table === TABLE.everyone) return 'mirror'
  if ((handle & 0xfff) >= SECOND_LEVEL_LINK) return undefined
  if (table === TABLE.destinationPort || inSecondLevel(table, SECOND_LEVEL.destinationPort))
    return 'destination'
  if (table === TABLE.quotedSourcePort || inSecondLevel(table, SECOND_LEVEL.quotedSourcePort))
    return 'quotedSource'
  return undefined
}

const inSecondLevel = (table: number, first: number): boolean =>
  table >= first && table < first + PORT_BUCKETS

const handleOf = ({ kind, handle = 0 }: Pick<FilterSpec, 'kind' | 'handle'>): number =>
  kind === 'u32' ? parseU32Handle(handle) : Number(handle)
