import type { Link } from '../../rtnetlink/index.js'
import { filter, type Filter, type FilterSpec } from '../../tc/index.js'
import { containerNode, ownerOf, type ContainerNode } from '../layout/container-node.js'
import { keyOf } from '../layout/filter-places.js'
import { IsolatorError } from '../isolator-error.js'
import { ANSWERS, linkName, shaperNames, slotOfLink } from '../layout/layout.js'
import { containerNodes } from '../plan/container.js'
import { allPorts, type ContainerFacts, type HostFacts } from '../plan/facts.js'
import { planDelete, type Planned } from '../plan/planned.js'
import { addNames, namesBeyond, noteIn, noteNames, removeNames } from '../plan/container-note.js'
import { PortOwners } from '../ports/port-owners.js'
import {
  factsOf,
  foundBySlot,
  isComplete,
  isContainerLink,
  isShaper,
  newestOfEachId,
  type Found,
} from './found.js'
import { filtersIn, type Survey } from './survey.js'

/** Which of the complete containers stay. */
export interface WhoStays {
  /** Ids of known ones. */
  readonly ids: ReadonlySet<string>
  /** What becomes of the others. */
  readonly others: 'keep' | 'remove'
  /** Whether one that looks half made, since somebody has set its veth down, is known to be complete. */
  readonly isComplete: (found: Found) => boolean
  /** Whether a node in a place of ours that leads to a device of somebody else's stays. */
  readonly sparesOthers: boolean
}

/** What a survey comes to: who stays, and what has to be done. */
export interface Classified {
  /** The containers that stay. */
  readonly kept: readonly ContainerFacts[]
  /** Ids of complete containers that are to be removed. */
  readonly unwanted: readonly string[]
  /** Takes away the nodes that are nobody's. */
  readonly removal: readonly Planned[]
  /** Links that are nobody's. */
  readonly links: readonly string[]
  /** The nodes and the notes that those who stay lack. */
  readonly missing: readonly Planned[]
  /** Those of theirs that have no use any more: what is left of a cut `update`. To go once the missing ones are there. */
  readonly surplus: readonly Planned[]
  /** The slots of those who lack something, or have something too much: of these an `update` was cut. */
  readonly cut: ReadonlySet<number>
  /** Slots whose name in /run/netns holds what is nobody's. */
  readonly stale: readonly number[]
}

/**
 * Tells containers from what a crash left, by what the kernel has on the host's side alone: what can be read inside a
 * container has no say. Touches nothing.
 *
 * @throws IsolatorError ERR_FOREIGN_STATE where two that are to stay have a port in common
 */
export function classify(survey: Survey, host: HostFacts, wanted: WhoStays): Classified {
  const { links, handles } = survey
  const filters = filtersIn(survey)
  const nodes = filters.flatMap(found => containerNode(found) ?? [])
  const steering = nodes.filter(isAtPlaceOf(host))
  const found = foundBySlot(links, steering)
  const named = newestOfEachId(
    found.filter(candidate => isComplete(candidate, host.publicInterface) || wanted.isComplete(candidate)),
  )
  const stay = (id: string): boolean => wanted.others === 'keep' || wanted.ids.has(id)
  const kept = [...named].flatMap(([id, container]) => (stay(id) ? (factsOf(container, survey) ?? []) : []))
  refuseSharedPorts(kept)
  const stays = new Set(kept.map(({ slot }) => slot))
  const garbage = found.filter(candidate => !stays.has(candidate.slot) && isContainerLink(candidate))
  const goes = new Set(garbage.map(({ slot }) => linkName(slot)))
  const isMissing = (link: string): boolean => {
    const slot = slotOfLink(link)
    return slot === undefined ? !wanted.sparesOthers : !links.has(slot)
  }
  const leadsNowhere = ({ link }: ContainerNode): boolean =>
    link === undefined || goes.has(link) || isMissing(link)
  return {
    kept,
    unwanted: [...named.keys()].filter(id => !stay(id)),
    removal: nodes.filter(leadsNowhere).map(deletionOf),
    links: [
      ...garbage.map(({ slot }) => linkName(slot)),
      ...staleShapers(survey, stays).map(slot => shaperNames(slot).near),
    ],
    ...changesOf(nodeChanges(kept, filters, steering, host), noteChanges(kept, links)),
    stale: [...handles.keys()].filter(slot => !stays.has(slot)),
  }
}

/** What leads to a container from an interface that was the public one before says nothing of the ports that it has now. */
const isAtPlaceOf = ({ publicInterface, loopbackInterface }: HostFacts) => {
  const places = new Set<string>([publicInterface, loopbackInterface, ANSWERS.far])
  return ({ filter: { dev } }: ContainerNode): boolean => places.has(dev)
}

/** Shapers that no container goes through. */
const staleShapers = ({ shapers }: Survey, stays: ReadonlySet<number>): number[] =>
  [...shapers].flatMap(([slot, link]) => (stays.has(slot) || !isShaper(link) ? [] : [slot]))

function refuseSharedPorts(kept: readonly ContainerFacts[]): void {
  const owners = new PortOwners()
  for (const container of kept) {
    const { id, slot } = container
    const taken = owners.taken(allPorts(container))
    if (taken) {
      const [mine, other] = [linkName(slot), linkName(taken.slot)]
      throw new IsolatorError(
        'ERR_FOREIGN_STATE',
        `port ${taken.port} belongs to '${id}' (${mine}) and to ${other} at once: something else has changed their filters or aliases. Remove one with ip link del ${mine}`,
        { details: { port: taken.port, links: [mine, other] } },
      )
    }
    owners.give(allPorts(container), slot)
  }
}

type Changes = Pick<Classified, 'missing' | 'surplus' | 'cut'>

/** What the nodes of the containers that stay lack, and what of them is too much. */
function nodeChanges(
  kept: readonly ContainerFacts[],
  filters: readonly Filter[],
  nodes: readonly ContainerNode[],
  host: HostFacts,
): Changes {
  const planned = kept.flatMap(container =>
    containerNodes(host, container).map(message => ({ slot: container.slot, message })),
  )
  const wanted = new Set(planned.map(({ message }) => keyOf(message.spec as FilterSpec)))
  const gone = new Set(nodes.flatMap(({ link, filter }) => (link === undefined ? [keyOf(filter)] : [])))
  // A place that something else has taken is for verify() to tell of.
  const there = new Set(filters.filter(({ kind }) => kind === 'u32').map(keyOf))
  const stays = new Set(kept.map(({ slot }) => linkName(slot)))
  const missing = planned.filter(({ message }) => {
    const key = keyOf(message.spec as FilterSpec)
    return !there.has(key) || gone.has(key)
  })
  const surplus = nodes.filter(
    ({ link, filter }) => link !== undefined && stays.has(link) && !wanted.has(keyOf(filter)),
  )
  return {
    missing: missing.map(({ message }) => message),
    surplus: surplus.map(deletionOf),
    cut: new Set([...missing.map(({ slot }) => slot), ...surplus.flatMap(node => ownerOf(node) ?? [])]),
  }
}

/** What the notes of the containers that stay lack, and what of them is too much. */
function noteChanges(kept: readonly ContainerFacts[], links: ReadonlyMap<number, Link>): Changes {
  const notes = kept.map(container => ({
    slot: container.slot,
    wanted: noteNames(container),
    there: noteIn(container.slot, links.get(container.slot)?.alternativeNames),
  }))
  return {
    missing: notes.flatMap(({ slot, wanted, there }) => addNames(slot, namesBeyond(wanted, there))),
    surplus: notes.flatMap(({ slot, wanted, there }) => removeNames(slot, namesBeyond(there, wanted))),
    cut: new Set(
      notes.flatMap(({ slot, wanted, there }) =>
        namesBeyond(wanted, there).length + namesBeyond(there, wanted).length > 0 ? [slot] : [],
      ),
    ),
  }
}

const changesOf = (nodes: Changes, notes: Changes): Changes => ({
  missing: [...notes.missing, ...nodes.missing],
  surplus: [...nodes.surplus, ...notes.surplus],
  cut: new Set([...nodes.cut, ...notes.cut]),
})

const deletionOf = ({ filter: found }: ContainerNode): Planned => planDelete(filter, found)
