import { isDeepStrictEqual } from 'node:util'
import { route, type Route, type RouteMetrics, type RouteSpec } from '../../rtnetlink/index.js'
import { planAdd, type Planned } from './planned.js'

/** A route of a container, beside that to the prefix of its address. */
export interface ContainerRoute {
  /** Whether it leads to an address of the host, which is local in the container as well. Default: false. */
  readonly local?: true | undefined
  /** `'default'`, a prefix such as `'10.20.0.0/16'`, or an address. */
  readonly destination: string
  /** The next router, which need not be in the container's prefix. Undefined: the destination is on the link. */
  readonly gateway?: string | undefined
  readonly metrics?: RouteMetrics | undefined
}

/**
 * Who made a route, RTPROT_* in linux/rtnetlink.h. Nobody else uses this number: it marks our routes among those that a
 * container has made itself.
 */
export const ROUTE_PROTOCOL = 112

/** What the two halves of all addresses are called. */
export const HALVES = ['0.0.0.0/1', '128.0.0.0/1'] as const

/** Whether a route leads to everything that no other one leads to, or to half of that. */
export const isWayOut = ({ destination }: Pick<ContainerRoute, 'destination'>): boolean =>
  destination === 'default' || (HALVES as readonly string[]).includes(destination)

/**
 * Addresses far away, in either half of all addresses: what the kernel answers for them holds for whatever no other route
 * leads to. The later ones are asked for where a route leads to an earlier one in particular. Nothing is sent to them.
 */
export const FAR_AWAY = [
  ['192.0.2.254', '198.51.100.254', '203.0.113.254'],
  ['6.0.0.254', '33.0.0.254', '55.0.0.254'],
] as const

/** An address that a route leads to. */
export function addressIn(destination: string): string {
  if (isWayOut({ destination })) return FAR_AWAY[destination === HALVES[0] ? 1 : 0][0]
  return destination.replace(/\/.*/, '')
}

/** The router that most packets go through; undefined where there is none. */
export const gatewayOf = (routes: readonly ContainerRoute[]): string | undefined =>
  routes.find(route => isWayOut(route) && route.gateway !== undefined)?.gateway

/** The host's other addresses that containers reach. */
export const hostAddressesIn = (routes: readonly ContainerRoute[]): string[] =>
  routes.flatMap(({ local, destination }) => (local ? [destination] : []))

/**
 * Gateways are on the link whatever the address says: with `neighbours: 'gateway'` its prefix has room for nothing else. The
 * device of a local route is where packets from the address arrive (fib_validate_source, net/ipv4/fib_frontend.c); those to it
 * are on lo all the same.
 *
 * @param dev the container's interface
 * @param address the shared address, from which containers send
 */
const routeSpec = (
  { local, destination, gateway, metrics }: ContainerRoute,
  { dev, address }: { readonly dev: string; readonly address: string },
): RouteSpec => ({
  destination,
  family: 'inet',
  dev,
  protocol: ROUTE_PROTOCOL,
  ...(local && { type: 'local', preferredSource: address }),
  ...(gateway !== undefined && { gateway, onlink: true }),
  ...(metrics && { metrics }),
})

/** The routes of a container, through its interface. */
export const containerRoutes = (
  {
    routes,
    address,
  }: {
    readonly routes: readonly ContainerRoute[]
    readonly address: string
  },
  dev: string,
): Planned[] => routes.map(each => planAdd(route, routeSpec(each, { dev, address })))

/** Routes that a container has from us and needs no more. What led out stays as long as nothing else is planned to. */
export const surplusRoutes = (found: readonly Route[], planned: readonly ContainerRoute[]): Route[] =>
  found.filter(
    each => !planned.some(wanted => isInPlaceOf(each, wanted)) && (!isWayOut(each) || planned.some(isWayOut)),
  )

/** Whether a container has the routes that it is to have, and no others from us. */
export const areSameRoutes = (found: readonly Route[], planned: readonly ContainerRoute[]): boolean =>
  surplusRoutes(found, planned).length === 0 &&
  planned.every(each => found.some(route => isInPlaceOf(route, each) && isSameWay(route, each)))

/** Whether a route leads where a planned one does, in the same table. */
const isInPlaceOf = ({ destination, type }: Route, planned: ContainerRoute): boolean =>
  destination === planned.destination && (type === 'local') === (planned.local ?? false)

type Way = Pick<ContainerRoute, 'gateway' | 'metrics'>

/** Whether two routes to the same destination lead there in the same way. */
export const isSameWay = (a: Way, b: Way): boolean =>
  a.gateway === b.gateway && isDeepStrictEqual(a.metrics ?? {}, b.metrics ?? {})
