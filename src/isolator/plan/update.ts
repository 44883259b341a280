import { link } from '../../rtnetlink/index.js'
import { formatAlias } from './alias.js'
import { linkName } from '../layout/layout.js'
import { blocksBeyond, cutIntoBlocks } from '../layout/port-blocks.js'
import { sameLimit } from '../options/rate-limit.js'
import { replaceBpfFilter, type BpfFilterOptions } from './bpf-filter.js'
import { allowFilters, insideFilters, waysIn } from './container.js'
import { allPorts, type ContainerFacts, type HostFacts } from './facts.js'
import { ingressPlace, insidePlace, limitChange, shaperPlace } from './limit.js'
import { plan, planRemoval, type Planned } from './planned.js'
import { addNames, namesBeyond, noteNames, removeNames } from './container-note.js'

/** What makes of a container another with the same slot and ephemeral ports. Each list of messages is one batch. */
export interface UpdatePlan {
  /** Container: its own filter, replaced, and the limit on what it sends. */
  readonly inside: readonly Planned[]
  /** Host: the guard, replaced, the limit on what it receives, and the ways in that are new. */
  readonly add: readonly Planned[]
  /** Host: the ways in that are old, once the new ones are there: splitting or joining a block leaves no gap. */
  readonly remove: readonly Planned[]
}

/** The difference between a container as it is and as it is to be; what stays the same is not touched. */
export function updatePlan(host: HostFacts, before: ContainerFacts, after: ContainerFacts): UpdatePlan {
  const old = cutIntoBlocks(allPorts(before))
  const wanted = cutIntoBlocks(allPorts(after))
  const [oldNames, newNames] = [noteNames(before), noteNames(after)]
  return {
    inside: [
      ...insideProgram(host, before, after),
      ...limitChange(insidePlace(host, after), before.egress, after.egress),
    ],
    add: [
      ...addNames(after.slot, namesBeyond(newNames, oldNames)),
      ...limitChange(ingressPlace(host, after), before.ingress, after.ingress),
      ...(after.enforced ? limitChange(shaperPlace(host, after), before.egress, after.egress) : []),
      ...aliasChange(before, after),
      ...guardPrograms(host, before, after),
      ...waysIn(host, blocksBeyond(wanted, old), after.slot),
    ],
    remove: [
      ...waysIn(host, blocksBeyond(old, wanted), after.slot).reverse().flatMap(planRemoval),
      ...removeNames(after.slot, namesBeyond(oldNames, newNames)),
    ],
  }
}

const insideProgram = (host: HostFacts, before: ContainerFacts, after: ContainerFacts): Planned[] =>
  before.ports.equals(after.ports) ? [] : replaced(insideFilters(host, before), insideFilters(host, after))

function guardPrograms(host: HostFacts, before: ContainerFacts, after: ContainerFacts): Planned[] {
  if (before.ports.equals(after.ports)) return []
  return replaced(allowFilters(host, before), allowFilters(host, after))
}

const replaced = (old: readonly BpfFilterOptions[], filters: readonly BpfFilterOptions[]): Planned[] =>
  filters.flatMap((filter, i) => (old[i] ? [replaceBpfFilter(old[i], filter)] : []))

/** Of another limit alone the kernel does not notify those who follow links. Of an alias it does, also of the same one again. */
function aliasChange(before: ContainerFacts, after: ContainerFacts): Planned[] {
  if (sameLimit(before.egress, after.egress) && sameLimit(before.ingress, after.ingress)) return []
  const aliasOf = (container: ContainerFacts) =>
    ({ dev: linkName(container.slot), alias: formatAlias(container) }) as const
  return [plan(link, 'change', aliasOf(after), plan(link, 'change', aliasOf(before)))]
}
