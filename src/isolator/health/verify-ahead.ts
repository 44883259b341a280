import { filter, type Action, type Filter } from '../../tc/index.js'
import { hasLayoutPriority, isRootTable, isTable } from '../layout/filter-places.js'
import { PRIORITY } from '../layout/layout.js'
import type { HostFacts } from '../plan/facts.js'
import { foreign, type Fault } from './difference.js'
import type { Snapshot } from './snapshot.js'

/**
 * What others have put where it sees packets before our filters do, and can take them: filters of lower priorities, or that
 * a device runs itself, and XDP programs. A tcx program is ahead of all filters too, and netlink does not show it.
 */
export async function aheadFaults(facts: HostFacts, snapshot: Snapshot): Promise<Fault[]> {
  const faults = [facts.loopbackInterface, facts.publicInterface].map(async dev => {
    const filters = [...(await snapshot.filtersByPlace(dev, 'ingress')).values()]
    return [
      ...(hasXdp(snapshot, dev) ? [foreign('ahead', `an XDP program: ip -d link show dev ${dev}`)] : []),
      ...filters
        .filter(found => isAhead(found, facts) && canTake(found))
        .map(found => foreign('ahead', filter.command('add', found))),
    ]
  })
  return (await Promise.all(faults)).flat()
}

/** Links name what they have and cannot be given again. */
const hasXdp = (snapshot: Snapshot, dev: string): boolean =>
  (snapshot.link(dev)?.uncarried ?? []).some(name => name.startsWith('IFLA_XDP'))

/** What stands between our own priorities sees packets before the filters that steer. */
const isAhead = (found: Filter, { inet6 }: HostFacts): boolean =>
  !hasLayoutPriority(found) &&
  !isRootTable(found) &&
  !isTable(found) &&
  (found.priority < (inet6 && found.protocol !== 'ip' ? PRIORITY.steering6 : PRIORITY.steering) ||
    ('inHardware' in found && found.inHardware === true))

/**
 * Whatever its verdict, the search ends with a filter that matches, but for `continue` (tcf_classify, net/sched/cls_api.c),
 * and for a u32 node that only counts.
 */
function canTake(found: Filter): boolean {
  if (found.kind === 'u32' && !found.terminal && found.link === undefined) return false
  const last = (found.actions as readonly Action[] | undefined)?.at(-1)
  return !(last && 'then' in last && last.then === 'continue')
}
