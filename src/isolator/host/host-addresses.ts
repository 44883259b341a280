import { ipv4ToNumber } from '../../netlink/codec/addresses.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { MOST_HOST_ADDRESSES } from '../options/route-options.js'
import type { ContainerRoute } from '../plan/routes.js'
import { MOST_LISTED } from './other-routes.js'

/**
 * The routes to the host's other addresses, on whatever interface, in ascending order: what the kernel delivers locally counts,
 * so that an address of an interface that is down does not.
 *
 * @param wanted the addresses that count; `'all'`: every one
 * @returns no more than one beyond {@link MOST_HOST_ADDRESSES}
 * @throws DumpTooLargeError where the host has more than {@link MOST_LISTED}
 */
export async function findHostAddresses(
  rt: RtnetlinkSocket,
  shared: string,
  wanted: 'all' | readonly string[],
): Promise<ContainerRoute[]> {
  if (wanted !== 'all' && wanted.length === 0) return []
  const query = { family: 'inet', table: 'local', type: 'local' } as const
  const listed = await rt.routes.list(query, { maxMessages: MOST_LISTED })
  const addresses = new Set(
    listed.flatMap(({ destination }) => (isHostAddress(destination) ? [destination] : [])),
  )
  addresses.delete(shared)
  return [...addresses]
    .filter(address => wanted === 'all' || wanted.includes(address))
    .sort((a, b) => ipv4ToNumber(a) - ipv4ToNumber(b))
    .slice(0, MOST_HOST_ADDRESSES + 1)
    .map(destination => ({ destination, local: true }))
}

/** Loopback addresses lead to the host without a route; a prefix is no address of anybody's. */
const isHostAddress = (destination: string): boolean =>
  !destination.includes('/') && !destination.startsWith('127.')
