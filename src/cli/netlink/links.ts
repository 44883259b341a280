import { shortNumber } from '../short-number.js'
import type { Column, Field } from '../table.js'
import { listing } from './listing.js'
import { withSocket } from './with-socket.js'
import type { Link } from '../../index.js'

export const links = listing({
  name: 'links',
  about: 'list network interfaces, as `ip link` does',
  examples: [{ line: 'links --netns web', about: 'the interfaces of the namespace /run/netns/web' }],
  columns: (): Column<Link>[] => [
    { title: 'INDEX', align: 'right', of: ({ index }) => index },
    { title: 'NAME', of: nameOf },
    { title: 'STATE', of: stateOf },
    { title: 'KIND', of: ({ kind, hardwareType }) => kind ?? hardwareType },
    { title: 'MTU', align: 'right', of: ({ mtu }) => mtu },
    { title: 'MASTER', of: ({ master }) => master },
    { title: 'QDISC', of: ({ qdisc }) => qdisc },
    { title: 'ADDRESS', of: ({ address }) => address },
    { title: 'RX', align: 'right', of: ({ statistics }) => statistics && shortNumber(statistics.rxBytes) },
    { title: 'TX', align: 'right', of: ({ statistics }) => statistics && shortNumber(statistics.txBytes) },
    { title: 'ALIAS', of: ({ alias }) => alias },
    { title: 'ALSO', of: ({ alternativeNames = [] }) => alternativeNames.join(' ') },
  ],
  list: (place, { dev }) =>
    withSocket(place, async rt => (dev === undefined ? rt.links.list() : [await rt.links.get(dev)])),
})

/** `veth0@if7`: with the interface below, or the other end of a pair. */
function nameOf(link: Link): string {
  const { name, link: below, linkNetnsid } = link
  const peer = link.kind === 'veth' ? (link.peer?.name ?? link.peer?.index) : undefined
  const other = below ?? peer
  if (other === undefined) return name
  return `${name}@${typeof other === 'number' || linkNetnsid !== undefined ? `if${other}` : other}`
}

/** As `ip -br link`: what the kernel says of the carrier; of what does not say, whether it is up. */
export function stateOf({ up, operationalState }: Pick<Link, 'up' | 'operationalState'>): Field {
  if (!up) return { text: 'down', colour: 'dim' }
  if (operationalState === 'up' || operationalState === 'unknown') return { text: 'up', colour: 'green' }
  return { text: `up, ${operationalState}`, colour: 'red' }
}
