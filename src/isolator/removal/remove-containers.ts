import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { filter } from '../../tc/index.js'
import { letGo } from '../container/namespace-handles.js'
import { removeAll } from '../kernel/apply.js'
import { atOnce, failureOf } from '../kernel/at-once.js'
import { deleteLinks } from '../kernel/delete-links.js'
import { containerNode, ownerOf } from '../layout/container-node.js'
import { linkName, shaperNames } from '../layout/layout.js'
import { parseAlias } from '../plan/alias.js'
import { planDelete } from '../plan/planned.js'
import { noteIn, removeNames } from '../plan/port-note.js'
import { isContainerLink, type Found } from '../recovery/found.js'
import { filtersIn, type SeenContainers } from '../recovery/seen.js'
import type { RemovalLog } from './removal.js'

/** What containers are called: by id, or by the name of the link where that has lost its alias. */
export const nameOf = ({ slot, link }: Found): string => parseAlias(link.alias)?.id ?? linkName(slot)

/** Removes the containers of these ids, half-made ones too. What `create()` put on the host stays. */
export async function removeContainers(
  rt: RtnetlinkSocket,
  seen: SeenContainers,
  ids: readonly string[],
  log: RemovalLog,
): Promise<void> {
  const byName = new Map<string, Found[]>()
  for (const found of seen.found.filter(isContainerLink))
    byName.set(nameOf(found), [...(byName.get(nameOf(found)) ?? []), found])
  const wanted = [...new Set(ids)]
  log.missing.push(...wanted.filter(id => !byName.has(id)))
  const going = wanted.flatMap(id => byName.get(id) ?? [])
  if (going.length === 0) return
  await removeAll(rt, waysOut(seen, going))
  const failures = await deleteLinks(
    rt,
    going.map(({ slot }) => [
      linkName(slot),
      ...(seen.survey.shapers.has(slot) ? [shaperNames(slot).near] : []),
    ]),
  )
  for (const [i, found] of going.entries()) {
    const error = failures[i]
    if (error) log.failed(linkName(found.slot), error)
    else if (!log.containers.includes(nameOf(found))) log.containers.push(nameOf(found))
  }
  const slots = going.filter((_, i) => !failures[i]).map(({ slot }) => slot)
  await releaseNames(
    seen,
    slots.filter(slot => seen.survey.handles.has(slot)),
    log,
  )
}

/** The notes first, so that a container whose removal is cut counts as half made; then the nodes. */
const waysOut = ({ survey }: SeenContainers, going: readonly Found[]) => {
  const slots = new Set(going.map(({ slot }) => slot))
  const nodes = filtersIn(survey).filter(found => {
    const node = containerNode(found)
    return node && slots.has(ownerOf(node) ?? 0)
  })
  return [
    ...going.flatMap(({ slot, link }) => removeNames(slot, noteIn(slot, link.alternativeNames))),
    ...nodes.map(found => planDelete(filter, found)),
  ]
}

/** Takes the names of these slots out of /run/netns. Returns those slots whose names are gone. */
export async function releaseNames(
  { survey }: SeenContainers,
  slots: readonly number[],
  log: RemovalLog,
): Promise<number[]> {
  const errors = await atOnce(slots, slot => {
    const container = { id: linkName(slot), slot, namespace: survey.handles.get(slot) }
    return failureOf(letGo(container, log.insideFailed))
  })
  for (const [i, error] of errors.entries())
    if (error) log.failed(`/run/netns/${linkName(slots[i] as number)}`, error)
  return slots.filter((_, i) => !errors[i])
}
