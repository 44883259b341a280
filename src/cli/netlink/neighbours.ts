import type { Neighbour } from '../../index.js'
import type { Cell, Column } from '../table.js'
import { familyOf, familyOption } from './family.js'
import { listing } from './listing.js'
import { withSocket } from './with-socket.js'

export const neighbours = listing({
  name: 'neighbours',
  about: 'list neighbours (ARP, neighbour discovery), as `ip neighbour` does',
  options: { family: familyOption },
  examples: [{ line: 'neighbours --dev eth0', about: 'who was seen on eth0' }],
  columns: (): Column<Neighbour>[] => [
    { title: 'ADDRESS', of: ({ address }) => address },
    { title: 'DEV', of: ({ dev }) => dev },
    { title: 'LLADDR', of: ({ lladdr }) => lladdr },
    { title: 'STATE', of: stateOf },
    { title: 'FLAGS', of: ({ flags }) => flags.join(' ') },
  ],
  list: (place, { dev, family }) =>
    withSocket(place, rt => rt.neighbours.list({ ...(dev && { dev }), ...familyOf(family) })),
})

function stateOf({ state }: Neighbour): Cell {
  if (state === 'failed' || state === 'incomplete') return { text: state, colour: 'red' }
  return state === 'reachable' || state === 'permanent' ? { text: state, colour: 'green' } : state
}
