import type { Link } from '../../rtnetlink/index.js'
import { filter, type FilterKey } from '../../tc/index.js'
import type { OtherContainer } from '../container/others.js'
import type { Container, ContainerTable } from '../container/table.js'
import type { HostContext } from '../host/context.js'
import type { LinksNow } from '../host/container-links.js'
import { followFlows } from '../host/flows.js'
import { hasItsName } from '../container/namespace-handles.js'
import { possibleOf } from '../kernel/apply.js'
import { lookUp } from '../kernel/look-up.js'
import { containerNode, ownerOf } from '../layout/container-node.js'
import { slotOfLink, slotOfShaper } from '../layout/layout.js'
import { parseAlias } from '../plan/alias.js'
import { containerNodes } from '../plan/container.js'
import { isHeld } from '../plan/facts.js'
import { planRemoval, type Planned } from '../plan/planned.js'
import { parseNote } from '../plan/container-note.js'
import { PortRanges } from '../ports/port-ranges.js'
import { isShaper, notedFacts } from './found.js'
import { bySlot } from './survey.js'

/**
 * Brings the table up to date with what other isolators on the host have done: which containers they have made, which of
 * this one's they have removed, to which they have given other ports and limits, and whether there are flows. One look at the
 * links at most, and one at the limits of this one's containers: see ContainerLinks.
 *
 * @param gone is called with each that another has removed
 * @param again whether it is called again in the same turn, for what this isolator has changed itself
 * @returns the links that have gone since this was called before; undefined: it is not known which
 */
export async function seeOthers(
  host: HostContext,
  table: ContainerTable,
  gone: (container: Container) => void,
  again = false,
): Promise<readonly Link[] | undefined> {
  const seen = await host.links.now(again)
  try {
    await follow(host, table, seen, gone)
  } catch (error) {
    host.links.forget()
    throw error
  }
  return seen.since?.gone
}

async function follow(
  host: HostContext,
  table: ContainerTable,
  { veths, since }: LinksNow,
  gone: (container: Container) => void,
): Promise<void> {
  await followFlows(host)
  const [links, shapers] = [bySlot(veths, slotOfLink), bySlot(veths.filter(isShaper), slotOfShaper)]
  for (const container of await removedByOthers(host, [...table], links)) {
    table.remove(container)
    gone(container)
  }
  const others = [...links].flatMap(([slot, link]) =>
    table.inSlot(slot) ? [] : (otherOf(slot, link, shapers.has(slot), table.otherInSlot(slot)) ?? []),
  )
  // Who updates a container has the kernel notify of its link, whatever of it becomes another.
  const changed = new Map([...links].filter(([, { index }]) => since?.changed.has(index) ?? true))
  table.follow(await notedFacts(host.rt, table, changed, shapers), others)
}

/** Whether a link is that of the container, and not of one that has got its slot since. */
const isLinkOf = ({ id, ifindex }: Container, link: Link): boolean =>
  parseAlias(link.alias)?.id === id && (ifindex === undefined || link.index === ifindex)

/** Those whose slot another container has, or of which nothing is left. */
async function removedByOthers(
  host: HostContext,
  containers: readonly Container[],
  links: ReadonlyMap<number, Link>,
): Promise<Container[]> {
  const unlinked = containers.filter(container => {
    const link = links.get(container.slot)
    return !link || !isLinkOf(container, link)
  })
  const isOfAnother = ({ slot }: Container): boolean => parseAlias(links.get(slot)?.alias) !== undefined
  const left = await leftOf(
    host,
    unlinked.filter(container => !isOfAnother(container)),
  )
  return unlinked.filter(container => !left.has(container))
}

/**
 * Of containers that have no link of their own, those of which something is left: their namespace has ended, or root inside has deleted
 * its interface. Their names and their nodes are to be removed then. Nodes in the same places can be those of later containers.
 * Asks for the nodes of all of them together.
 */
async function leftOf(
  { rt, facts }: HostContext,
  containers: readonly Container[],
): Promise<ReadonlySet<Container>> {
  const left = new Set(containers.filter(container => isHeld(container) && hasItsName(container)))
  // Of devices that are gone the nodes are gone as well. The deletions are possible without the link that the nodes lead to.
  const owners = new Map(
    containers
      .filter(container => !left.has(container))
      .flatMap(container =>
        containerNodes(facts, container)
          .flatMap(planRemoval)
          .map((message): [Planned, Container] => [message, container]),
      ),
  )
  const nodes = possibleOf([...owners.keys()], rt.devices)
  const found = await lookUp(
    rt,
    filter,
    nodes.map(({ spec }) => spec as FilterKey),
  )
  for (const [i, there] of found.entries()) {
    const container = owners.get(nodes[i] as Planned) as Container
    const node = there && containerNode(there)
    if (node && (node.link === undefined || ownerOf(node) === container.slot)) left.add(container)
  }
  return left
}

function otherOf(
  slot: number,
  link: Link,
  enforced: boolean,
  before: OtherContainer | undefined,
): OtherContainer | undefined {
  const alias = parseAlias(link.alias)
  if (!alias) return undefined
  const { id, ephemeralPorts } = alias
  const { index: ifindex, linkNetnsid: nsid } = link
  const noted = parseNote(slot, link.alternativeNames)
  const wasComplete = before?.ifindex === ifindex && before.complete
  return {
    ...{ id, slot, ports: noted.ports ?? PortRanges.empty, ephemeralPorts, nsid, ifindex },
    ...{ hold: noted.hold, enforced },
    complete: noted.ports !== undefined && (link.up || wasComplete),
  }
}
