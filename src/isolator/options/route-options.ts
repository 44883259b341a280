import { either, list, object, oneOf, optional, type InputOf } from '../../input/index.js'
import { ipv4Address, ipv4Prefix } from './declared.js'
import { refuse } from './option-checks.js'

export const containerRouteInput = object({
  /** The prefix that it leads to, such as `'10.20.0.0/16'`, or an address. */
  destination: ipv4Prefix,
  /** The next router. Default: none, the destination is on the link. */
  gateway: optional(ipv4Address),
})

/** A route that containers get. */
export interface ContainerRouteInput extends InputOf<typeof containerRouteInput> {}

export const routeOptions = object({
  /**
   * Where containers send what is not on the link: the IPv4 address of a router, `'on-link'` (all addresses are on the link)
   * or `'none'` (nowhere). Default: where the host sends it through the public interface, followed when that changes.
   */
  gateway: optional(either(oneOf('none', 'on-link'), ipv4Address)),
  /**
   * Other routes of containers: `'host'` (default) those of the host's main table through the public interface, up to
   * 64, followed when they change; or a list, which may be empty.
   */
  routes: optional(either(oneOf('host'), list(containerRouteInput))),
})

/** What the options say of containers' routes. */
export interface RouteOptions {
  /** Undefined: as the host. */
  readonly gateway: string | undefined
  readonly routes: 'host' | readonly ContainerRouteInput[]
}

/** @throws IsolatorError ERR_INVALID_OPTION for what does not go together */
export function parseRouteOptions(
  { gateway, routes }: InputOf<typeof routeOptions>,
  neighbours: 'prefix' | 'gateway',
): RouteOptions {
  if (neighbours === 'gateway') refuseBesideOneGateway(gateway, routes)
  if (routes === undefined || routes === 'host') return { gateway, routes: 'host' }
  const destinations = new Set<string>()
  for (const [i, { destination }] of routes.entries()) {
    const prefix = listedPrefix(destination)
    if (destinations.has(prefix)) throw refuse(`routes[${i}].destination`, destination, 'each prefix once')
    destinations.add(prefix)
  }
  return {
    gateway,
    routes: routes.map(route => ({ ...route, destination: listedPrefix(route.destination) })),
  }
}

/** With `neighbours: 'gateway'` nothing but one gateway is on the link. */
function refuseBesideOneGateway(gateway: string | undefined, routes: unknown): void {
  const expected =
    "the address of a router beside neighbours: 'gateway', which leaves containers nothing else on the link"
  if (gateway === 'on-link') throw refuse('gateway', gateway, expected)
  if (Array.isArray(routes) && routes.length > 0)
    throw refuse(
      'routes',
      routes,
      "none beside neighbours: 'gateway', which sends everything through the gateway",
    )
}

/** A prefix as the kernel lists it. */
const listedPrefix = (prefix: string): string => prefix.replace(/\/32$/, '')
