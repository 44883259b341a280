import type { Link } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import type { Container, ContainerTable } from '../container/table.js'
import { parseAlias } from '../plan/alias.js'
import { ownerOf, type ContainerNode } from '../layout/container-node.js'
import { joinBlocks } from '../layout/port-blocks.js'
import type { ContainerFacts } from '../plan/facts.js'
import { notedPorts, parseNote } from '../plan/container-note.js'
import { PortRanges } from '../ports/port-ranges.js'
import { limitsOn, type Survey } from './survey.js'

/** A veth with a name of ours, and the nodes that lead to it. */
export interface Found {
  readonly slot: number
  readonly link: Link
  readonly nodes: readonly ContainerNode[]
}

/** The veths with a name of ours, each with the nodes that lead to it. */
export function foundBySlot(links: ReadonlyMap<number, Link>, nodes: readonly ContainerNode[]): Found[] {
  const bySlot = new Map<number, ContainerNode[]>()
  for (const node of nodes) {
    const slot = ownerOf(node)
    if (slot === undefined) continue
    const others = bySlot.get(slot)
    if (others) others.push(node)
    else bySlot.set(slot, [node])
  }
  return Array.from(links, ([slot, link]) => ({ slot, link, nodes: bySlot.get(slot) ?? [] }))
}

/**
 * A veth goes up with the last message of `isolate`; the note of its ports is the first to go in `cleanup`, and the nodes on the
 * public interface are the next. A container of before there were notes has nodes only.
 */
export const isComplete = ({ slot, link, nodes }: Found, publicInterface: string | undefined): boolean =>
  link.up &&
  (notedPorts(slot, link.alternativeNames) !== undefined ||
    nodes.some(
      ({ filter, block }) =>
        block !== undefined && filter.dev === publicInterface && filter.parent === 'ingress',
    ))

/** Complete containers by id; of two with the same id the one that was made last counts. */
export function newestOfEachId(complete: readonly Found[]): Map<string, Found> {
  const named = new Map<string, Found>()
  for (const container of [...complete].sort((a, b) => a.link.index - b.link.index)) {
    const id = parseAlias(container.link.alias)?.id
    if (id !== undefined) named.set(id, container)
  }
  return named
}

/** Anybody may call a veth `pm1`. Ours have nodes that lead to them, our alias or note, or at least neither ARP nor multicast. */
export const isContainerLink = ({ slot, link, nodes }: Found): boolean =>
  nodes.length > 0 ||
  parseAlias(link.alias) !== undefined ||
  notedPorts(slot, link.alternativeNames) !== undefined ||
  (!link.up && !link.arp && !link.multicast)

/** Anybody may call a veth `pms1`. Ours have neither ARP nor multicast. */
export const isShaper = ({ arp, multicast }: Link): boolean => !arp && !multicast

/** The ports are those of all nodes and of the note: a cut `update` leaves old and new ones, and somebody can delete nodes. */
export function factsOf(
  { slot, link, nodes }: Found,
  survey: Pick<Survey, 'ingress' | 'egress' | 'shapers'>,
): ContainerFacts | undefined {
  const alias = parseAlias(link.alias)
  if (!alias) return undefined
  const { ports: noted = PortRanges.empty, ...settings } = parseNote(slot, link.alternativeNames)
  const ports = joinBlocks(nodes.flatMap(({ block }) => block ?? [])).union(noted)
  return {
    ...alias,
    ...settings,
    slot,
    ports: ports.subtract(PortRanges.from([alias.ephemeralPorts])),
    ingress: survey.ingress.get(slot),
    ...(survey.shapers.has(slot) && { enforced: true, egress: survey.egress.get(slot) ?? alias.egress }),
  }
}

/** What containers have by the notes on their links, of those that have a note. */
export async function notedFacts(
  rt: RtnetlinkSocket,
  table: ContainerTable,
  links: ReadonlyMap<number, Link>,
  shapers: ReadonlyMap<number, Link>,
): Promise<[Container, ContainerFacts][]> {
  const own = <T>(all: ReadonlyMap<number, T>): Map<number, T> =>
    new Map([...all].filter(([slot]) => links.has(slot) && table.inSlot(slot)))
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
    // Who updates a container limits it otherwise, but not less: a limit that is missing was taken away, which is for verify() to say.
    if (container && facts)
      now.push([
        container,
        {
          ...facts,
          egress: (shapers.has(slot) || !container.enforced ? facts.egress : undefined) ?? container.egress,
          ingress: facts.ingress ?? container.ingress,
        },
      ])
  }
  return now
}
