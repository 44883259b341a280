import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { filter, type FilterKey, type FilterSpec } from '../../tc/index.js'
import type { HostContext } from '../host/context.js'
import { lookUp } from '../kernel/look-up.js'
import { isAsPlanned } from '../kernel/planned-as-listed.js'
import { containerNode } from '../layout/container-node.js'
import { keyOf } from '../layout/filter-places.js'
import { joinBlocks } from '../layout/port-blocks.js'
import { bpfFilter } from '../plan/bpf-filter.js'
import { allowFilters, containerPlan } from '../plan/container.js'
import { noteIn, notedPorts } from '../plan/container-note.js'
import type { ContainerFacts, HostFacts } from '../plan/facts.js'
import type { Planned } from '../plan/planned.js'
import { PortRanges } from '../ports/port-ranges.js'
import { foundBySlot, type Found } from './found.js'
import { filtersIn, type Survey } from './survey.js'

/** The guard has nothing to do with the container's namespace. */
const NO_NAMESPACE = { fd: -1 }

/** The messages of the guards of these containers that have a filter which is not as planned. */
export async function faultyGuards(
  rt: RtnetlinkSocket,
  facts: HostFacts,
  containers: readonly ContainerFacts[],
): Promise<Planned[]> {
  const guards = containers.map(container => containerPlan(facts, container, NO_NAMESPACE).guard)
  const filters = guards.flatMap(guard => guard.filter(isFilter))
  const found = await lookUp(rt, filter, filters.map(specOf))
  const sound = new Set(
    filters.filter((planned, i) => {
      const there = found[i]
      return there && isAsPlanned(there, planned, rt.devices)
    }),
  )
  return guards.filter(guard => guard.some(message => isFilter(message) && !sound.has(message))).flat()
}

/**
 * Of containers of which an update was cut, those whose guards were made by facts like these: for the old ports or the new
 * ones. What a guard lets through besides is a matter of options, such as `hostAccess`, which the kernel does not list: a guard
 * of other options stays as it is, until a program with these options recovers the container.
 */
export async function guardedAlike(
  { rt, facts }: HostContext,
  survey: Survey,
  cut: readonly ContainerFacts[],
): Promise<ContainerFacts[]> {
  const nodes = filtersIn(survey).flatMap(found => containerNode(found) ?? [])
  const bySlot = new Map(foundBySlot(survey.links, nodes).map(found => [found.slot, found]))
  /** By place, what may be there: a program for each list of ports that the guard can have been made for. */
  const possible = cut.map(container => {
    const plans = new Map<string, Planned[]>()
    for (const ports of portsOfCut(container, bySlot.get(container.slot)))
      for (const options of allowFilters(facts, { ...container, ports })) {
        const planned = bpfFilter(options)
        const place = keyOf(specOf(planned))
        plans.set(place, [...(plans.get(place) ?? []), planned])
      }
    return [...plans.values()]
  })
  const found = await lookUp(
    rt,
    filter,
    possible.flat().map(([first]) => specOf(first as Planned)),
  )
  let at = 0
  return cut.filter((_, i) => {
    const places = possible[i] as Planned[][]
    const there = places.map(plans => ({ plans, found: found[at++] }))
    const known = there.filter(place => place.found !== undefined)
    return (
      known.length > 0 &&
      known.every(({ plans, found }) =>
        plans.some(planned => found && isAsPlanned(found, planned, rt.devices)),
      )
    )
  })
}

/** All ports of both, or those that the nodes have, or a name of the note. */
function portsOfCut({ slot, ports, ephemeralPorts }: ContainerFacts, found: Found | undefined): PortRanges[] {
  if (!found) return [ports]
  const steered = joinBlocks(found.nodes.flatMap(({ block }) => block ?? []))
  const names = noteIn(slot, found.link.alternativeNames)
  return [
    ports,
    steered.subtract(PortRanges.from([ephemeralPorts])),
    ...names.flatMap(name => notedPorts(slot, [name]) ?? []),
  ]
}

const isFilter = ({ object }: Planned): boolean => object.name === filter.name

const specOf = ({ spec }: Planned): FilterSpec & FilterKey => spec as FilterSpec & FilterKey
