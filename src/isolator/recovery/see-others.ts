import type { Link } from '../../rtnetlink/index.js'
import { filter, type FilterKey } from '../../tc/index.js'
import type { OtherContainer } from '../container/others.js'
import type { Container, ContainerTable } from '../container/table.js'
import type { HostContext } from '../host/context.js'
import { possibleOf } from '../kernel/apply.js'
import { lookUp } from '../kernel/look-up.js'
import { slotOfLink, slotOfShaper } from '../layout/layout.js'
import { parseAlias } from '../plan/alias.js'
import { containerNodes } from '../plan/container.js'
import type { ContainerFacts } from '../plan/facts.js'
import { notedPorts } from '../plan/port-note.js'
import { PortRanges } from '../ports/port-ranges.js'
import { factsOf } from './found.js'
import { bySlot, limitsOn } from './survey.js'

/**
 * Brings the table up to date with what other isolators on the host have done: which containers they have made, which of
 * this one's they have removed, and to which they have given other ports and limits. One look at the links, and one at the
 * limits of this one's containers.
 *
 * @param gone is called with each that another has removed
 */
export async function seeOthers(
  host: HostContext,
  table: ContainerTable,
  gone: (container: Container) => void,
): Promise<void> {
  const veths = await host.rt.links.list({ kind: 'veth' })
  const links = bySlot(veths, slotOfLink)
  for (const container of await removedByOthers(host, [...table], links)) {
    table.remove(container)
    gone(container)
  }
  const others = [...links].flatMap(([slot, link]) => (table.inSlot(slot) ? [] : (otherOf(slot, link) ?? [])))
  table.follow(await factsNow(host, table, links, bySlot(veths, slotOfShaper)), others)
}

/** Whether a link is that of the container, and not of one that has got its slot since. */
const isLinkOf = ({ id, nsid }: Container, link: Link): boolean =>
  parseAlias(link.alias)?.id === id && (nsid === undefined || link.linkNetnsid === nsid)

/**
 * Those whose slot another container has, or of which nothing is left. One that has lost its link, because its namespace has
 * ended or because root inside has deleted its interface, still has nodes on the host, which are to be removed.
 */
async function removedByOthers(
  { rt, facts }: HostContext,
  containers: readonly Container[],
  links: ReadonlyMap<number, Link>,
): Promise<Container[]> {
  const removed: Container[] = []
  for (const container of containers) {
    const link = links.get(container.slot)
    if (link && isLinkOf(container, link)) continue
    if (link && parseAlias(link.alias)) {
      removed.push(container)
      continue
    }
    // Of devices that are gone the nodes are gone as well.
    const planned = possibleOf(containerNodes(facts, container), rt.devices)
    const nodes = await lookUp(
      rt,
      filter,
      planned.map(({ spec }) => spec as FilterKey),
    )
    if (nodes.every(node => node === undefined)) removed.push(container)
  }
  return removed
}

function otherOf(slot: number, link: Link): OtherContainer | undefined {
  const alias = parseAlias(link.alias)
  if (!alias) return undefined
  const { id, ephemeralPorts } = alias
  const ports = notedPorts(slot, link.alternativeNames) ?? PortRanges.empty
  return { id, slot, ports, ephemeralPorts, nsid: link.linkNetnsid }
}

/** What containers have by the notes on their links, of those that have a note. */
async function factsNow(
  { rt }: HostContext,
  table: ContainerTable,
  links: ReadonlyMap<number, Link>,
  shapers: ReadonlyMap<number, Link>,
): Promise<[Container, ContainerFacts][]> {
  const own = <T>(all: ReadonlyMap<number, T>): Map<number, T> =>
    new Map([...all].filter(([slot]) => table.inSlot(slot)))
  const noted = new Map(
    [...own(links)].filter(([slot, link]) => notedPorts(slot, link.alternativeNames) !== undefined),
  )
  const limits = {
    shapers,
    ingress: await limitsOn(rt, noted),
    egress: await limitsOn(rt, own(shapers)),
  }
  const now: [Container, ContainerFacts][] = []
  for (const [slot, link] of noted) {
    const container = table.inSlot(slot)
    const facts = factsOf({ slot, link, nodes: [] }, limits)
    if (container && facts) now.push([container, facts])
  }
  return now
}
