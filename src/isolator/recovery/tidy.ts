import { clearUnheld, letGo } from '../container/let-go.js'
import { ensureBridges } from '../host/bridges.js'
import type { HostContext } from '../host/context.js'
import type { IsolatorError } from '../isolator-error.js'
import { ensureAll, removeAll } from '../kernel/apply.js'
import { atOnce, failureOf } from '../kernel/at-once.js'
import { deleteLinksOrThrow } from '../kernel/delete-links.js'
import { linkName, shaperNames } from '../layout/layout.js'
import { enslaved, isEnslaved } from '../plan/bridge.js'
import type { ContainerFacts } from '../plan/facts.js'
import type { Classified } from './classify.js'
import { faultyGuards, guardedAlike } from './guards.js'
import type { Survey } from './survey.js'

/**
 * Removes what a crash left halfway, and completes what a cut `update` left. The traffic of the containers that stay is not
 * disturbed.
 *
 * @param guards whose guards are to be as this host's facts have them: `'cut'`, those of containers of which an update was cut,
 *   if the facts that they were made by are the same
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
  const guarded =
    guards === 'all'
      ? sorted.kept
      : await guardedAlike(
          host,
          found,
          sorted.kept.filter(({ slot }) => sorted.cut.has(slot)),
        )
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
  await ensureAll(rt, await faultyGuards(rt, facts, guarded))
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
