import type { Address } from '../../index.js'
import type { Column } from '../table.js'
import { familyOf, familyOption } from './family.js'
import { listing } from './listing.js'
import { withSocket } from './with-socket.js'

export const addresses = listing({
  name: 'addresses',
  about: 'list IP addresses, as `ip address` does',
  options: { family: familyOption },
  examples: [{ line: 'addresses --dev eth0 --family inet', about: 'the IPv4 addresses of eth0' }],
  columns: (): Column<Address>[] => [
    { title: 'DEV', of: ({ dev }) => dev },
    { title: 'ADDRESS', of: addressOf },
    { title: 'SCOPE', of: ({ scope }) => scope },
    { title: 'FLAGS', of: ({ flags }) => flags.filter(flag => flag !== 'permanent').join(' ') },
    { title: 'LABEL', of: ({ label, dev }) => (label === dev ? '' : label) },
    { title: 'VALID', of: ({ validLifetime }) => lifetime(validLifetime) },
  ],
  list: (place, { dev, family }) =>
    withSocket(place, rt => rt.addresses.list({ ...(dev && { dev }), ...familyOf(family) })),
})

/** `10.9.0.2/24`, of a point-to-point address with its far end. */
function addressOf({ address, prefixLength, peer }: Address): string {
  const [bare = ''] = address.split('/')
  return peer === undefined ? `${bare}/${prefixLength}` : `${bare} peer ${peer.split('/')[0]}/${prefixLength}`
}

/** Nothing for an address that stays. */
const lifetime = (seconds: number | undefined): string =>
  seconds === undefined || seconds === Infinity ? '' : `${seconds} s`
