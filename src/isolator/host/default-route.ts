import { isIpv6 } from '../../netlink/codec/ip-version.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { route, type Route, type RouteKey } from '../../rtnetlink/index.js'
import { lookUp } from '../kernel/look-up.js'
import { FAR_AWAY, isSameWay, isWayOut, type ContainerRoute } from '../plan/routes.js'

/** What the host sends through its public interface if no other route leads there. */
export interface DefaultRoute {
  /** One route, or one for each half; none where the host has none, or none that a container could use. */
  readonly routes: readonly ContainerRoute[]
  /** Why a container could not send in the same way. */
  readonly unusable?: string
}

/**
 * Asks the kernel where it sends packets of the shared address through the public interface: it goes by rules, tables, metrics,
 * nexthop objects, several next hops and links that are down as it does for packets.
 */
export async function findDefaultRoute(
  rt: RtnetlinkSocket,
  dev: string,
  source: string,
): Promise<DefaultRoute> {
  const found = await routesFarAway(rt, { dev, source })
  const [unusable] = found.flatMap(({ match, taken }) => obstacle(match, taken) ?? [])
  if (unusable !== undefined) return { routes: [], unusable }
  return { routes: joined(found.map(wayOf)) }
}

/**
 * The interfaces that the host's default route leads through, whatever the source address. More than one: the kernel spreads
 * connections over them.
 */
export async function defaultInterfaces(rt: RtnetlinkSocket): Promise<string[]> {
  const found = await routesFarAway(rt, {})
  const devices = found.flatMap(({ match, taken }) => [
    ...(match.nexthops ?? []).map(({ dev }) => dev),
    taken.dev,
  ])
  return [...new Set(devices.flatMap(dev => dev ?? []))]
}

/** A route as the kernel has it, and what becomes of it for one address. */
interface Answer {
  readonly match: Route
  readonly taken: Route
}

type Through = Pick<RouteKey, 'dev' | 'source'>

async function routesFarAway(rt: RtnetlinkSocket, through: Through): Promise<Answer[]> {
  const halves = await Promise.all(FAR_AWAY.map(addresses => defaultRouteTo(rt, addresses, through)))
  return halves.flatMap(answer => answer ?? [])
}

/** Undefined where there is no route, or nothing but particular ones. */
async function defaultRouteTo(
  rt: RtnetlinkSocket,
  addresses: readonly string[],
  through: Through,
): Promise<Answer | undefined> {
  for (const destination of addresses) {
    const key = { ...through, destination }
    // With a device named, the second answer alone does not tell whether there is a route: the kernel takes all for on-link.
    const [match, taken] = await lookUp(rt, route, [{ ...key, fibMatch: true }, key])
    if (!match || !taken) return undefined
    if (isWayOut(match)) return { match, taken }
  }
  return undefined
}

function obstacle({ encapsulation }: Route, { gateway }: Route): string | undefined {
  if (gateway !== undefined && isIpv6(gateway))
    return `by the IPv6 router ${gateway}, which containers cannot reach`
  return encapsulation && `into a tunnel (encap ${encapsulation.type}), which containers cannot make`
}

const wayOf = ({ match: { destination, metrics }, taken: { gateway } }: Answer): ContainerRoute => ({
  destination,
  ...(gateway !== undefined && { gateway }),
  ...(metrics && { metrics }),
})

/** One route where both halves lead the same way. Of several next hops, the kernel may name another one for each address. */
function joined([first, second]: readonly ContainerRoute[]): ContainerRoute[] {
  if (!first || !second) return [first ?? second ?? []].flat()
  if (first.destination === second.destination) return [first]
  return isSameWay(first, second) ? [{ ...first, destination: 'default' }] : [first, second]
}
