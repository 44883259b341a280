import type { Link } from '../../rtnetlink/index.js'
import { filter } from '../../tc/index.js'
import { clearUnheld, letGo } from '../container/let-go.js'
import type { HostSide } from '../host/context.js'
import { removeAll, removeEach } from '../kernel/apply.js'
import { atOnce, failureOf, failuresOf } from '../kernel/at-once.js'
import { deleteLinks, deleteLinksOrThrow } from '../kernel/delete-links.js'
import { containerNode } from '../layout/container-node.js'
import { linkName, shaperNames } from '../layout/layout.js'
import { parseAlias } from '../plan/alias.js'
import { containerLinkNames } from '../plan/container.js'
import { planDelete, type Planned } from '../plan/planned.js'
import { noteIn, removeNames } from '../plan/container-note.js'
import { isContainerLink, isShaper, type Found } from '../recovery/found.js'
import type { SeenContainers } from '../recovery/seen.js'
import { filtersIn } from '../recovery/survey.js'
import type { RemovalLog } from './removal.js'

/** What containers are called: by id, or by the name of the link where that has lost its alias. */
export const idOrLinkName = ({ slot, link }: Found): string => parseAlias(link.alias)?.id ?? linkName(slot)

/**
 * Removes the containers of these ids, half-made ones too, and what is left of containers whose namespace has ended: of those nobody
 * can say any more which id they had. What `create()` put on the host stays.
 */
export async function removeByIds(
  host: HostSide,
  seen: SeenContainers,
  ids: readonly string[],
  log: RemovalLog,
): Promise<void> {
  const { rt } = host
  const byName = new Map<string, Found[]>()
  for (const found of seen.found.filter(isContainerLink))
    byName.set(idOrLinkName(found), [...(byName.get(idOrLinkName(found)) ?? []), found])
  const wanted = [...new Set(ids)]
  log.missing.push(...wanted.filter(id => !byName.has(id)))
  await removeLeft(rt, seen, log)
  const going = wanted.flatMap(id => byName.get(id) ?? [])
  if (going.length === 0) return
  const closed = await withoutFailed(going, log, some => removeEach(rt, some.map(closeFoundWays)))
  await clearUnheld(host, byLink(closed), log.insideFailed)
  const gone = await withoutFailed(closed, log, some => deleteLinks(rt, some.map(linksOf(seen))))
  log.containers.push(...new Set(gone.map(idOrLinkName)))
  const slots = gone.map(({ slot }) => slot)
  await releaseNames(
    host,
    seen,
    slots.filter(slot => seen.survey.handles.has(slot)),
    log,
  )
}

/** Removes nodes that lead nowhere, and shapers that no container goes through. */
async function removeLeft(
  rt: HostSide['rt'],
  { survey }: Pick<SeenContainers, 'survey'>,
  log: RemovalLog,
): Promise<void> {
  const nodes = filtersIn(survey)
    .flatMap(found => containerNode(found) ?? [])
    .filter(({ link }) => link === undefined)
  const shapers = [...survey.shapers].flatMap(([slot, link]) =>
    survey.links.has(slot) || survey.handles.has(slot) || !isShaper(link) ? [] : [shaperNames(slot).near],
  )
  if (nodes.length + shapers.length === 0) return
  await log.step('what containers that have ended have left on the host', async () => {
    await removeAll(
      rt,
      nodes.map(node => planDelete(filter, node.filter)),
    )
    await deleteLinksOrThrow(rt, shapers)
  })
}

/** Their links, by slot. */
export const byLink = (found: readonly Found[]): (readonly [number, Link])[] =>
  found.map(({ slot, link }) => [slot, link])

/** Does a step with containers, notes those that it fails for, and returns the others. */
async function withoutFailed(
  going: readonly Found[],
  log: RemovalLog,
  step: (going: readonly Found[]) => Promise<readonly (Error | undefined)[]>,
): Promise<Found[]> {
  const failures = await failuresOf(going, step)
  for (const [i, error] of failures.entries())
    if (error) log.failed(linkName((going[i] as Found).slot), error)
  return going.filter((_, i) => !failures[i])
}

const linksOf =
  ({ survey: { shapers } }: SeenContainers) =>
  ({ slot }: Found): string[] => {
    const shaper = shapers.get(slot)
    return containerLinkNames({ slot, enforced: shaper && isShaper(shaper) })
  }

/** The note first, so that a container whose removal is cut counts as half made; then the nodes. */
const closeFoundWays = ({ slot, link, nodes }: Found): Planned[] => [
  ...removeNames(slot, noteIn(slot, link.alternativeNames)),
  ...nodes.map(node => planDelete(filter, node.filter)),
]

/** Takes the names of these slots out of /run/netns. Returns those slots whose names are gone. */
export async function releaseNames(
  host: HostSide,
  { survey }: SeenContainers,
  slots: readonly number[],
  log: RemovalLog,
): Promise<number[]> {
  const errors = await atOnce(slots, slot => {
    const container = { id: linkName(slot), slot, namespace: survey.handles.get(slot)?.identity }
    return failureOf(letGo(host, container, log.insideFailed))
  })
  for (const [i, error] of errors.entries())
    if (error) log.failed(`/run/netns/${linkName(slots[i] as number)}`, error)
  return slots.filter((_, i) => !errors[i])
}
