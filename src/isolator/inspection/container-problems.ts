import type { FilterSpec } from '../../tc/index.js'
import { containerNode } from '../layout/container-node.js'
import { keyOf } from '../layout/filter-places.js'
import { bridgeName, isBridgeName, linkName, slotOfLink } from '../layout/layout.js'
import { parseAlias } from '../plan/alias.js'
import { containerNodes } from '../plan/container.js'
import { isHeld, type ContainerFacts } from '../plan/facts.js'
import { notedPorts } from '../plan/container-note.js'
import { isContainerLink } from '../recovery/found.js'
import type { SeenContainers } from '../recovery/seen.js'
import { filtersIn } from '../recovery/survey.js'

/** What is half made, has lost a part, or leads nowhere. */
export const containerProblems = (seen: SeenContainers): string[] => [
  ...halfMade(seen),
  ...seen.listed.flatMap(container => faultsOf(container, seen)),
  ...missingNodes(seen),
  ...strayNames(seen),
  ...strayFilters(seen),
]

/** Of links of ours that are no container's. */
export function halfMade({ found, listed }: SeenContainers): string[] {
  const known = new Set(listed.map(({ slot }) => slot))
  return found
    .filter(candidate => !known.has(candidate.slot) && isContainerLink(candidate))
    .map(({ slot, link }) => {
      const name = linkName(slot)
      const id = parseAlias(link.alias)?.id
      if (id !== undefined && listed.some(other => other.id === id))
        return `${name} has the id '${id}' of another container: recover() removes the older one`
      return id === undefined && link.up && notedPorts(slot, link.alternativeNames)
        ? `${name} is a container whose link has lost its alias, '<id> <first>-<last>': recover() removes it`
        : `${name} is half made: a call was cut. recover() removes it`
    })
}

function faultsOf(container: ContainerFacts, { survey, holdings: { links } }: SeenContainers): string[] {
  const { id, slot } = container
  const link = survey.links.get(slot)
  const bridged = links.some(({ name }) => isBridgeName(name))
  const name = linkName(slot)
  return [
    ...(link?.up ? [] : [`'${id}': ${name} is down, and nothing passes. recover() removes it`]),
    ...(isHeld(container) && survey.handles.get(slot) === undefined
      ? [`'${id}': its namespace has no name /run/netns/${name} that can be seen from here`]
      : []),
    ...(bridged && link?.master !== bridgeName(slot)
      ? [`'${id}': ${name} is not in the bridge ${bridgeName(slot)}. recover() puts it there`]
      : []),
  ]
}

function missingNodes({ survey, listed, places }: SeenContainers): string[] {
  const there = new Set(filtersIn(survey).map(keyOf))
  return listed.flatMap(container => {
    const missing = containerNodes(places, container).filter(
      ({ spec }) => !there.has(keyOf(spec as FilterSpec)),
    )
    return missing.length === 0
      ? []
      : [
          `'${container.id}' lacks ${missing.length} of the filters that lead to it. recover() and repair() make them`,
        ]
  })
}

function strayNames({ survey }: SeenContainers): string[] {
  const stray = [...survey.handles.keys()].filter(slot => !survey.links.has(slot))
  return stray.map(
    slot => `/run/netns/${linkName(slot)} has no link ${linkName(slot)}: recover() removes the name`,
  )
}

/** By device: filters in the places of containers that lead to none. */
function strayFilters({ survey }: SeenContainers): string[] {
  const counts = new Map<string, number>()
  for (const found of filtersIn(survey)) {
    const node = containerNode(found)
    if (!node || (node.link !== undefined && survey.links.has(slotOfLink(node.link) ?? 0))) continue
    counts.set(found.dev, (counts.get(found.dev) ?? 0) + 1)
  }
  return Array.from(
    counts,
    ([dev, count]) => `${count} filters of ${dev} lead to containers that are gone: recover() removes them`,
  )
}
