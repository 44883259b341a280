import { isIpv6 } from '../../netlink/codec/ip-version.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { route, type Nexthop, type Route } from '../../rtnetlink/index.js'
import { lookUp } from '../kernel/look-up.js'
import { addressIn, isWayOut, type ContainerRoute } from '../plan/routes.js'

/** How many routes of the host's a container gets: each is a message of `isolate()`. */
export const MOST_ROUTES = 64

/** How many routes are read, of all that the host or a container has, to find those. */
export const MOST_LISTED = 64 * MOST_ROUTES

/**
 * The host's routes to particular prefixes through a device, of its main table: of several to the same one, that of the
 * lowest metric. Those that a container could not use, through tunnels or IPv6 routers, are left out.
 *
 * @param own the prefix of the shared address, which containers have anyway
 * @returns no more than one beyond {@link MOST_ROUTES}
 * @throws DumpTooLargeError where the host has more than {@link MOST_LISTED}
 */
export async function findOtherRoutes(
  rt: RtnetlinkSocket,
  dev: string,
  own: string,
): Promise<ContainerRoute[]> {
  const query = { family: 'inet', table: 'main', type: 'unicast' } as const
  const listed = await rt.routes.list(query, { maxMessages: MOST_LISTED })
  const candidates = listed
    .filter(found => !found.tos && !isWayOut(found) && found.destination !== own)
    .sort((a, b) => (a.metric ?? 0) - (b.metric ?? 0))
  const found = new Map<string, ContainerRoute>()
  for (const { destination, metrics, ...route } of candidates) {
    if (found.size > MOST_ROUTES) break
    if (found.has(destination)) continue
    const way = await wayThrough(rt, dev, { destination, ...route })
    if (!way || (way.gateway !== undefined && isIpv6(way.gateway)) || way.encapsulation) continue
    found.set(destination, {
      destination,
      ...(way.gateway !== undefined && { gateway: way.gateway }),
      ...(metrics && { metrics }),
    })
  }
  return [...found.values()].sort((a, b) => (a.destination < b.destination ? -1 : 1))
}

/** The first live next hop of a route through the device. */
async function wayThrough(
  rt: RtnetlinkSocket,
  dev: string,
  found: Omit<Route, 'metrics'>,
): Promise<Nexthop | undefined> {
  if (found.nexthopId !== undefined && found.dev === undefined && !found.nexthops) {
    // With net.ipv4.nexthop_compat_mode=0 a list does not say where a nexthop object leads; the kernel does, for an address.
    const [taken] = await lookUp(rt, route, [{ destination: addressIn(found.destination) }])
    return taken?.dev === dev ? taken : undefined
  }
  return (found.nexthops ?? [found]).find(hop => hop.dev === dev && !hop.flags.includes('dead'))
}
