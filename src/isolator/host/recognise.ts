import { isDeepStrictEqual } from 'node:util'
import { numberToIpv4 } from '../../netlink/codec/addresses.js'
import { parseU32Handle, type Filter } from '../../tc/index.js'
import { containerNode, ownerOf } from '../layout/container-node.js'
import {
  isRoot,
  isRootTable,
  isSteering6,
  isTable,
  leadsToAnswers,
  tableNumber,
} from '../layout/filter-places.js'
import { PORT_BUCKETS, PRIORITY, SECOND_LEVEL, TABLE, TABLE6, tableHandle } from '../layout/layout.js'
import { martianAddresses } from '../programs/martian.js'
import { vid0 } from '../programs/vid0.js'
import { LOOPBACK_ADDRESS } from '../plan/host.js'

/*
 * Filters of ours on the host's two interfaces, recognised by what they are: whoever looks may be another program than the
 * one that made them, with other options, and the interface may have another name by now.
 */

type U32 = Filter & { readonly kind: 'u32' }
type Bpf = Filter & { readonly kind: 'bpf' }

/** The tables of the steering priority. */
const TABLES: ReadonlySet<number> = new Set([
  ...Object.values(TABLE).filter(table => table !== TABLE.everyone),
  ...Object.values(SECOND_LEVEL).flatMap(first => Array.from({ length: PORT_BUCKETS }, (_, k) => first + k)),
])

/** The node that gives a priority a filter for a moment: see hidden-tables.ts. One that was cut there has left it. */
export const OPENER = '::ffe'

/**
 * Whether a filter of a hook is ours, given that the hook has others that tell so ({@link isTelling}): anybody may have a
 * table of a number of the layout. The root tables of priorities are nobody's.
 */
export function isOurs(found: Filter): boolean {
  if (isRootTable(found)) return false
  if (found.priority === PRIORITY.steering && found.kind === 'u32')
    return isRoot(found) ? isOurRoot(found) || isOpener(found) : TABLES.has(tableNumber(found))
  if (found.priority === PRIORITY.steering6 && found.kind === 'u32')
    return isSteering6(found) || (isRoot(found) && isOpener(found))
  return isTelling(found)
}

/** Whether a filter can be nobody else's. */
export function isTelling(found: Filter): boolean {
  if (found.kind === 'bpf') return isOurProgram(found)
  if (found.kind !== 'u32') return false
  switch (found.priority) {
    case PRIORITY.steering:
      if (isTable(found))
        return TABLES.has(tableNumber(found)) && tableNumber(found) >= SECOND_LEVEL.destinationPort
      return isRoot(found) ? isOurRoot(found) : leadsToContainer(found)
    case PRIORITY.steering6:
      return isRoot(found) && isOurRoot(found)
    case PRIORITY.arp:
    case PRIORITY.priorityTagged:
      return isRoot(found) && (leadsToAnswers(found) || isOurRoot(found))
    default:
      return false
  }
}

/** The shared address, by the filters of a hook. */
export function sharedAddressIn(filters: readonly Filter[]): string | undefined {
  for (const found of filters) {
    const address =
      found.kind === 'bpf'
        ? found.program && martianAddresses(found.program)?.shared
        : found.kind === 'u32' && found.priority === PRIORITY.steering && isOurRoot(found)
          ? destinationOf(found)
          : undefined
    if (address !== undefined && address !== LOOPBACK_ADDRESS) return address
  }
  return undefined
}

/** The destination that a root steers for. */
function destinationOf({ keys = [] }: U32): string | undefined {
  const key = keys.flat().find(({ at }) => at === 16)
  return key && numberToIpv4(key.value)
}

function isOurProgram({ priority, program = [] }: Bpf): boolean {
  if (priority === PRIORITY.martian) return martianAddresses(program) !== undefined
  return priority === PRIORITY.vlan && isDeepStrictEqual(program, vid0)
}

const isOurRoot = ({ link }: U32): boolean =>
  [TABLE.protocol, TABLE.laterFragments, TABLE6.protocol].some(table => link === tableHandle(table))

/** It has neither class nor link nor action. */
export const isOpener = (found: Filter): boolean =>
  found.kind === 'u32' &&
  isRoot(found) &&
  nodeOf(found) === nodeOf({ handle: OPENER }) &&
  found.link === undefined &&
  targetsOf(found).length === 0

const nodeOf = ({ handle }: Pick<U32, 'handle'>): number => parseU32Handle(handle) & 0xfff

const targetsOf = ({ actions = [] }: U32): readonly string[] =>
  actions.flatMap(action => (action.kind === 'mirred' ? [String(action.dev)] : []))

function leadsToContainer(found: U32): boolean {
  const node = containerNode(found)
  return node !== undefined && ownerOf(node) !== undefined
}
