import { linkProperty } from '../../rtnetlink/index.js'
import { linkName } from '../layout/layout.js'
import { PortRanges } from '../ports/port-ranges.js'
import type { ContainerFacts } from './facts.js'
import { planAdd, planRemoval, type Planned } from './planned.js'

/*
 * The note of a container: alternative names of its link. `pm1=31000-31007,31500`, as many as the ports need; the nodes tell
 * the same, and the note is for when somebody has deleted them, with their table, priority or qdisc. `pm1=unheld` if no name
 * holds its namespace, and `pm1=inside:net1` if its interface is called so: nothing else on the host tells that.
 */

/** ALTIFNAMSIZ in linux/if.h, without the final NUL. */
const LONGEST_NAME = 127

/** What is noted of a container. */
export type Noted = Pick<ContainerFacts, 'ports' | 'hold' | 'interfaceName'>

const UNHELD = 'unheld'
const INSIDE = 'inside:'

/** What all names of a note begin with. */
const signature = (slot: number): string => `${linkName(slot)}=`

/** The names, at least one: a container without ports of its own is noted as well. */
export const noteNames = ({
  slot,
  ports,
  hold,
  interfaceName,
}: Noted & { readonly slot: number }): string[] => [
  ...portNames(slot, ports),
  ...[
    ...(hold === false ? [UNHELD] : []),
    ...(interfaceName === undefined ? [] : [INSIDE + interfaceName]),
  ].map(word => signature(slot) + word),
]

function portNames(slot: number, ports: PortRanges): string[] {
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

const isPorts = (word: string): boolean => /^[-,0-9]*$/.test(word)

/** Those of a link's alternative names that are a note of ours. */
export const noteIn = (slot: number, names: readonly string[] = []): string[] =>
  names.filter(name => {
    if (!name.startsWith(signature(slot))) return false
    const word = name.slice(signature(slot).length)
    return isPorts(word) || word === UNHELD || word.startsWith(INSIDE)
  })

/** What is noted. Without `ports`: they are not, as for a container of before there were notes. */
export function parseNote(
  slot: number,
  names: readonly string[] | undefined,
): Omit<Noted, 'ports'> & { readonly ports?: PortRanges } {
  const words = noteIn(slot, names).map(name => name.slice(signature(slot).length))
  const ports = words.filter(isPorts)
  const inside = words.find(word => word.startsWith(INSIDE))
  return {
    ...(ports.length > 0 && {
      ports: ports.reduce(
        (all, ranges) => (ranges === '' ? all : all.union(PortRanges.from(ranges))),
        PortRanges.empty,
      ),
    }),
    ...(words.includes(UNHELD) && { hold: false }),
    ...(inside !== undefined && { interfaceName: inside.slice(INSIDE.length) }),
  }
}

/** The ports that are noted; undefined where nothing is. */
export const notedPorts = (slot: number, names: readonly string[] | undefined): PortRanges | undefined =>
  parseNote(slot, names).ports

/** Notes these names. */
export const addNames = (slot: number, names: readonly string[]): Planned[] =>
  names.length === 0 ? [] : [planAdd(linkProperty, { dev: linkName(slot), alternativeNames: names })]

/** Takes these names away, which can be taken back in turn. */
export const removeNames = (slot: number, names: readonly string[]): Planned[] =>
  addNames(slot, names).flatMap(planRemoval)

/** The whole note. */
export const containerNote = (container: Noted & { readonly slot: number }): Planned[] =>
  addNames(container.slot, noteNames(container))

/** The names that the first note has, and the second has not. */
export const namesBeyond = (names: readonly string[], others: readonly string[]): string[] =>
  names.filter(name => !others.includes(name))
