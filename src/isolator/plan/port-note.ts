import { linkProperty } from '../../rtnetlink/index.js'
import { linkName } from '../layout/layout.js'
import { PortRanges } from '../ports/port-ranges.js'
import type { ContainerFacts } from './facts.js'
import { planAdd, planRemoval, type Planned } from './planned.js'

/*
 * The note of a container's ports: alternative names of its link, `pm1=31000-31007,31500`, as many as the ports need. The
 * nodes tell the same; the note is for when somebody has deleted them, with their table, priority or qdisc.
 */

/** ALTIFNAMSIZ in linux/if.h, without the final NUL. */
const LONGEST_NAME = 127

type Noted = Pick<ContainerFacts, 'slot' | 'ports'>

/** What all names of a note begin with. */
const signature = (slot: number): string => `${linkName(slot)}=`

/** The names, at least one: a container without ports of its own is noted as well. */
export function portNames({ slot, ports }: Noted): string[] {
  const names = [signature(slot)]
  for (const [begin, end] of ports) {
    const range = begin === end ? `${begin}` : `${begin}-${end}`
    const last = names.at(-1) as string
    const longer = last.endsWith('=') ? last + range : `${last},${range}`
    if (longer.length <= LONGEST_NAME) names[names.length - 1] = longer
    else names.push(signature(slot) + range)
  }
  return names
}

/** Those of a link's alternative names that are a note of ours. */
export const noteIn = (slot: number, names: readonly string[] = []): string[] =>
  names.filter(
    name => name.startsWith(signature(slot)) && /^[-,0-9]*$/.test(name.slice(signature(slot).length)),
  )

/** The ports that are noted; undefined where nothing is, as for a container of before there were notes. */
export function notedPorts(slot: number, names: readonly string[] | undefined): PortRanges | undefined {
  const note = noteIn(slot, names)
  if (note.length === 0) return undefined
  return note
    .map(name => name.slice(signature(slot).length))
    .reduce(
      (ports, ranges) => (ranges === '' ? ports : ports.union(PortRanges.from(ranges))),
      PortRanges.empty,
    )
}

/** Notes these names. */
export const addNames = (slot: number, names: readonly string[]): Planned[] =>
  names.length === 0 ? [] : [planAdd(linkProperty, { dev: linkName(slot), alternativeNames: names })]

/** Takes these names away, which can be taken back in turn. */
export const removeNames = (slot: number, names: readonly string[]): Planned[] =>
  addNames(slot, names).flatMap(planRemoval)

/** The whole note. */
export const portNote = (container: Noted): Planned[] => addNames(container.slot, portNames(container))

/** The names that the first note has, and the second has not. */
export const namesBeyond = (names: readonly string[], others: readonly string[]): string[] =>
  names.filter(name => !others.includes(name))
