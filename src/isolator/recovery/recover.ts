import type { Link } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { filter, type FilterKey } from '../../tc/index.js'
import { ensureAll, removeAll } from '../kernel/apply.js'
import type { IsolatorError } from '../isolator-error.js'
import { atOnce, failureOf } from '../kernel/at-once.js'
import { namedPath } from '../../netns/named.js'
import type { ContainerTable } from '../container/table.js'
import { lookUp } from '../kernel/look-up.js'
import { isAsPlanned } from '../kernel/planned-as-listed.js'
import type { HostContext } from '../host/context.js'
import { ensureBridges } from '../host/bridges.js'
import { linkName, shaperNames } from '../layout/layout.js'
import { hasItsName, releaseHandle } from '../container/namespace-handles.js'
import { containerPlan } from '../plan/container.js'
import { enslaved, isEnslaved } from '../plan/bridge.js'
import type { ContainerFacts, HostFacts } from '../plan/facts.js'
import type { Planned } from '../plan/planned.js'
import { classify, type Classified } from './classify.js'
import { survey, type Survey } from './survey.js'

/** What `recover` found and did: ids, each once. One that was given as known and as an orphan counts as known. */
export interface Recovery {
  /** Known containers that are there, and go on. */
  readonly recovered: readonly string[]
  /** Known orphans that are there, and wait for `cleanup`. */
  readonly orphans: readonly string[]
  /** Containers that nobody knew, which are gone now. */
  readonly cleaned: readonly string[]
  /** Known ids and orphans that have no container. */
  readonly missing: readonly string[]
}

/**
 * Finds the containers that are on a host, takes away what else an earlier run left, and puts right what it left halfway.
 * What the containers that stay send and receive is not disturbed.
 *
 * @param containers an empty table, which those that stay are put into
 * @param report is called if something inside a container could not be removed, which stays there
 * @returns what was found; whether any that stays is still made for another MAC or MTU; why names in /run/netns that
 *   nobody needs any more could not be taken away
 * @throws IsolatorError ERR_FOREIGN_STATE where two of them have a port in common
 */
export async function recover(
  host: HostContext,
  containers: ContainerTable,
  known: readonly string[],
  orphans: readonly string[],
  report: (error: IsolatorError) => void,
): Promise<{ recovery: Recovery; outdated: boolean; failures: Error[] }> {
  const found = await survey(host)
  const sorted = classify(found, host.facts, new Set([...known, ...orphans]))
  await removeAll(host.rt, sorted.removal)
  await enslaveAll(host, found, sorted.kept)
  await finishUpdates(host, sorted)
  const released = await atOnce(sorted.stale, slot =>
    failureOf(releaseHandle({ id: linkName(slot), slot, namespace: found.handles.get(slot) }, report)),
  )
  for (const facts of sorted.kept) {
    const container = containers.adopt(facts, namedPath(linkName(facts.slot)))
    const identity = found.handles.get(facts.slot)
    if (identity !== undefined) containers.settleIn(identity, container, hasItsName)
    container.named = identity !== undefined
  }
  const there = (id: string): boolean => containers.get(id) !== undefined
  const ids = new Set(known)
  const others = new Set(orphans.filter(id => !ids.has(id)))
  const recovery = {
    recovered: [...ids].filter(there),
    orphans: [...others].filter(there),
    cleaned: sorted.unwanted,
    missing: [...ids, ...others].filter(id => !there(id)),
  }
  return {
    recovery,
    outdated: sorted.kept.some(({ slot }) => isOutdated(host.facts, found.links.get(slot))),
    failures: released.flatMap(error => error ?? []),
  }
}

/** Whether a veth was made for the public interface as it was: nobody followed it meanwhile. */
const isOutdated = ({ mac, mtu }: HostFacts, link: Link | undefined): boolean =>
  link?.address !== mac || link.mtu !== mtu

/** An update that was cut may have come anywhere: what it replaces is replaced again, what it adds is added, then the old goes. */
async function finishUpdates(
  { rt, facts }: HostContext,
  { kept, missing, surplus }: Classified,
): Promise<void> {
  const guards = kept.map(container => containerPlan(facts, container, NO_NAMESPACE).guard)
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
