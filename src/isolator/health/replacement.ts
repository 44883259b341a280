import { filter, formatU32Handle, parseU32Handle, type Filter, type FilterSpec } from '../../tc/index.js'
import { lineOf } from '../kernel/planned-as-listed.js'
import { SECOND_LEVEL_LINK } from '../layout/layout.js'
import { plan, planAdd, planDelete, type Planned } from '../plan/planned.js'
import type { Fault } from './difference.js'
import type { Snapshot } from './snapshot.js'

type U32 = Filter & { readonly kind: 'u32' }

/**
 * What puts a planned filter in the place of one that differs, without a moment in which packets find neither. A table
 * cannot be changed at all: none.
 *
 * @param there finds what has the place of a stand-in
 */
export async function replacement(
  planned: Planned,
  wanted: Filter,
  found: Filter,
  there: Pick<Snapshot, 'filterAt'>,
): Promise<Pick<Fault, 'mend' | 'exchange'>> {
  const spec = planned.spec as FilterSpec
  if (spec.kind === 'bpf' && found.kind === 'bpf') return { mend: [plan(filter, 'replace', spec)] }
  if (wanted.kind !== 'u32' || found.kind !== 'u32') return { mend: [planDelete(filter, found), planned] }
  if (wanted.divisor !== undefined || found.divisor !== undefined) return { mend: [] }
  return differsInOutcomeOnly(wanted, found)
    ? { mend: [changedOutcome(wanted, found)] }
    : withStandIn(planned, wanted, found, there)
}

/**
 * Whether all that differs is what the kernel exchanges in place. The keys stay (u32_init_knode in net/sched/cls_u32.c),
 * and so does a link or class where the request has none.
 */
function differsInOutcomeOnly(wanted: U32, found: U32): boolean {
  const keys = ({ link: _link, classid: _classid, actions: _actions, ...rest }: U32): string => lineOf(rest)
  const stays = (['link', 'classid'] as const).some(
    member => found[member] !== undefined && wanted[member] === undefined,
  )
  return !stays && keys(wanted) === keys(found)
}

function changedOutcome({ link, classid, actions }: U32, found: U32): Planned {
  const { dev, parent, priority, protocol, kind, handle } = found
  return plan(filter, 'change', { dev, parent, priority, protocol, kind, handle, link, classid, actions })
}

/**
 * A second one does the work while the first is exchanged: what comes before it in the bucket finds both, for an instant. Each has a
 * number of its own, so that several of a bucket can be exchanged at the same time, and none goes before all are there: what one of
 * them did may be another one's to do from now on.
 */
async function withStandIn(
  planned: Planned,
  wanted: U32,
  found: U32,
  there: Pick<Snapshot, 'filterAt'>,
): Promise<Pick<Fault, 'mend' | 'exchange'>> {
  const handle = parseU32Handle(found.handle)
  const [bucket, number] = [handle & ~0xfff, handle & 0xfff]
  const { table: _table, ...spec } = wanted
  for (let node = SECOND_LEVEL_LINK - (number % SECOND_LEVEL_LINK || 1); node > 0; node--) {
    const standIn = { ...spec, handle: formatU32Handle(bucket | node) }
    if (await there.filterAt(standIn)) continue
    const other = planAdd(filter, standIn)
    return {
      mend: [other],
      exchange: [planDelete(filter, found), planned, ...(other.inverse ? [other.inverse] : [])],
    }
  }
  return { mend: [planDelete(filter, found), planned] }
}
