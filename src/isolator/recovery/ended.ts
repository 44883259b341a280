import { isNameTaken } from '../container/namespace-handles.js'
import type { OtherContainer } from '../container/others.js'
import type { Container, ContainerTable } from '../container/table.js'
import type { HostContext } from '../host/context.js'
import { ourFilters } from '../host/filters.js'
import { removeAll } from '../kernel/apply.js'
import { lookUp } from '../kernel/look-up.js'
import { deleteLinks } from '../kernel/delete-links.js'
import { containerNode } from '../layout/container-node.js'
import { ANSWERS, linkName, shaperNames, slotOfLink } from '../layout/layout.js'
import { mirrorNode } from '../plan/answers.js'
import { containerNodes } from '../plan/container.js'
import { isHeld, type ContainerFacts } from '../plan/facts.js'
import { planRemoval } from '../plan/planned.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import type { Link } from '../../rtnetlink/index.js'
import { filter, parseU32Handle, type Filter, type FilterKey } from '../../tc/index.js'

/*
 * A namespace that no name holds ends with its last process, and the kernel takes the container's veth along. What leads to it
 * stays on the host: nodes that lead nowhere, and the shaper.
 */

/** No link has this index. */
const NONE = -1

/**
 * Removes what is left of containers whose namespaces have ended, of this isolator and of others, as far as it knows of
 * them. What it costs does not depend on what else is on the host: see ContainerLinks.
 *
 * @param gone is called with each of this isolator's, which the table does not have any more
 */
export async function removeEnded(
  host: HostContext,
  table: ContainerTable,
  gone: (container: Container) => void,
): Promise<void> {
  const indexOf = ({ ifindex, ...container }: OtherContainer | Container): number | undefined =>
    isHeld(container) ? undefined : ifindex
  const ended = host.links.ended([...table, ...table.others].flatMap(container => indexOf(container) ?? []))
  if (ended.size === 0) return
  const hasEnded = (container: OtherContainer | Container): boolean => ended.has(indexOf(container) ?? NONE)
  const own = [...table].filter(hasEnded)
  const others = table.others.filter(hasEnded)
  await removeLeftOf(host, [...own, ...others])
  for (const container of own) {
    table.remove(container)
    gone(container)
  }
  if (others.length > 0)
    table.follow(
      [],
      table.others.filter(other => !others.includes(other)),
    )
}

async function removeLeftOf(
  { rt, facts }: HostContext,
  ended: readonly Pick<ContainerFacts, 'id' | 'slot' | 'ports' | 'ephemeralPorts' | 'enforced'>[],
): Promise<void> {
  await removeAll(
    rt,
    ended.flatMap(container => containerNodes(facts, container).reverse().flatMap(planRemoval)),
  )
  const shapers = ended.flatMap(({ slot, enforced }) => (enforced ? [[shaperNames(slot).near]] : []))
  if (shapers.length === 0) return
  const failure = (await deleteLinks(rt, shapers)).find(error => error !== undefined)
  if (failure) throw failure
}

/**
 * Whether the host has a copying node of a container that has ended, as when that was another isolator's, and nobody has seen
 * its end. Such a node leads nowhere, and no name is there by which the container is to be found and removed.
 *
 * @param gone the links that have gone since this was asked before; undefined: it is not known which
 */
export async function isAnyLeft(rt: RtnetlinkSocket, gone: readonly Link[] | undefined): Promise<boolean> {
  const filters = gone ? await copyingNodesOf(rt, gone) : await ourFilters(rt, ANSWERS.far)
  const nodes = filters.flatMap(found => containerNode(found) ?? [])
  return nodes.some(
    ({ link, filter }) => link === undefined && !isNameTaken(parseU32Handle(filter.handle) & 0xfff),
  )
}

async function copyingNodesOf(rt: RtnetlinkSocket, links: readonly Link[]): Promise<Filter[]> {
  const slots = links.flatMap(({ name }) => slotOfLink(name) ?? [])
  if (rt.devices.interfaceIndex(ANSWERS.far) === 0) return []
  const found = await lookUp(
    rt,
    filter,
    slots.flatMap(slot => planRemoval(mirrorNode(slot, linkName(slot)))).map(({ spec }) => spec as FilterKey),
  )
  return found.flatMap(there => there ?? [])
}
