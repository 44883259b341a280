import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { filter, type FilterKey } from '../../tc/index.js'
import { clearUnheld, letGo } from '../container/let-go.js'
import { ensureBridges } from '../host/bridges.js'
import type { HostContext } from '../host/context.js'
import type { IsolatorError } from '../isolator-error.js'
import { ensureAll, removeAll } from '../kernel/apply.js'
import { atOnce, failureOf } from '../kernel/at-once.js'
import { deleteLinksOrThrow } from '../kernel/delete-links.js'
import { lookUp } from '../kernel/look-up.js'
import { isAsPlanned } from '../kernel/planned-as-listed.js'
import { linkName, shaperNames } from '../layout/layout.js'
import { enslaved, isEnslaved } from '../plan/bridge.js'
import { containerPlan } from '../plan/container.js'
import type { ContainerFacts } from '../plan/facts.js'
import type { Planned } from '../plan/planned.js'
import type { Classified } from './classify.js'
import type { Survey } from './survey.js'

/**
 * Removes what a crash left halfway, and completes what a cut `update` left. The traffic of the containers that stay is not
 * disturbed.
 *
 * @param guards whose guards are to be as this host's facts have them: `'cut'`, those of containers of which an update was cut
 * @param report is called if something inside a container could not be removed, which stays there
 * @returns why names in /run/netns that nobody needs any more could not be taken away
 */
export async function tidy(
  host: HostContext,
  found: Survey,
  sorted: Classified,
  report: (error: IsolatorError) => void,
  guards: 'all' | 'cut' = 'all',
): Promise<Error[]> {
  await removeAll(host.rt, sorted.removal)
  const goes = new Set(sorted.links)
  const going = [...found.links].filter(([, { name }]) => goes.has(name))
  await clearUnheld(host, going, report)
  await deleteLinksOrThrow(host.rt, sorted.links)
  await enslaveAll(host, found, sorted.kept)
  const guarded = guards === 'all' ? sorted.kept : sorted.kept.filter(({ slot }) => sorted.cut.has(slot))
  await finishUpdates(host, sorted, guarded)
  const released = await atOnce(sorted.stale, slot =>
    failureOf(
      letGo(host, { id: linkName(slot), slot, namespace: found.handles.get(slot)?.identity }, report),
    ),
  )
  return released.flatMap(error => error ?? [])
}

/** An update that was cut may have come anywhere: what it replaces is replaced again, what it adds is added, then the old goes. */
async function finishUpdates(
  { rt, facts }: HostContext,
  { missing, surplus }: Classified,
  guarded: readonly ContainerFacts[],
): Promise<void> {
  const guards = guarded.map(container => containerPlan(facts, container, NO_NAMESPACE).guard)
  await ensureAll(rt, await faulty(rt, guards))
  await ensureAll(rt, missing)
  await removeAll(rt, surplus)
}

/** A container of before there were bridges is put into its own; so is one that somebody took out of it meanwhile. */
async function enslaveAll(
  host: HostContext,
  { links, shapers }: Survey,
  kept: readonly ContainerFacts[],
): Promise<void> {
  if (!host.facts.bridged) return
  await ensureBridges(
    host,
    kept.map(({ slot }) => slot),
  )
  const outside = kept.flatMap(({ slot, enforced }) => {
    const ends = enforced ? Object.values(shaperNames(slot)) : []
    const seen = [links.get(slot), ...(enforced ? [shapers.get(slot)] : [])]
    const inside = seen.every(device => device && isEnslaved(device, slot))
    return inside ? [] : [linkName(slot), ...ends].flatMap(dev => enslaved(host.facts, dev, slot))
  })
  await ensureAll(host.rt, outside)
}

/** The guard has nothing to do with the container's namespace. */
const NO_NAMESPACE = { fd: -1 }

/** The messages of those guards that have a filter which is not as planned. */
async function faulty(rt: RtnetlinkSocket, guards: readonly (readonly Planned[])[]): Promise<Planned[]> {
  const filters = guards.flatMap(guard => guard.filter(isFilter))
  const found = await lookUp(
    rt,
    filter,
    filters.map(({ spec }) => spec as FilterKey),
  )
  const sound = new Set(
    filters.filter((planned, i) => {
      const there = found[i]
      return there && isAsPlanned(there, planned, rt.devices)
    }),
  )
  return guards.filter(guard => guard.some(message => isFilter(message) && !sound.has(message))).flat()
}

const isFilter = ({ object }: Planned): boolean => object.name === filter.name
