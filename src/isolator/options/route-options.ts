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

/**
 * How many of the host's addresses containers reach beside the shared one: each is a message of `isolate()`, and an
 * instruction of the programs that packets are checked by.
 */
export const MOST_HOST_ADDRESSES = 32

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
  /**
   * The host's addresses that containers reach beside the shared one and 127.0.0.0/8: `'all'` (default) those that it has, up
   * to 32, followed when they change; or a list, which may be empty, of which those count that the host has.
   */
  hostAddresses: optional(either(oneOf('all'), list(ipv4Address))),
})

/** What the options say of containers' routes. */
export interface RouteOptions {
  /** Undefined: as the host. */
  readonly gateway: string | undefined
  readonly routes: 'host' | readonly ContainerRouteInput[]
  readonly hostAddresses: 'all' | readonly string[]
}

/** @throws IsolatorError ERR_INVALID_OPTION for what does not go together */
export function parseRouteOptions(
  { gateway, routes, hostAddresses = 'all' }: InputOf<typeof routeOptions>,
  neighbours: 'prefix' | 'gateway',
): RouteOptions {
  if (neighbours === 'gateway') refuseBesideOneGateway(gateway, routes)
  if (hostAddresses !== 'all') refuseUnfitAddresses(hostAddresses)
  return { gateway, routes: parseRoutes(routes), hostAddresses }
}

function parseRoutes(routes: InputOf<typeof routeOptions>['routes']): RouteOptions['routes'] {
  if (routes === undefined || routes === 'host') return 'host'
  const destinations = new Set<string>()
  for (const [i, { destination }] of routes.entries()) {
    const prefix = listedPrefix(destination)
    if (destinations.has(prefix)) throw refuse(`routes[${i}].destination`, destination, 'each prefix once')
    destinations.add(prefix)
  }
  return routes.map(route => ({ ...route, destination: listedPrefix(route.destination) }))
}

function refuseUnfitAddresses(addresses: readonly string[]): void {
  if (addresses.length > MOST_HOST_ADDRESSES)
    throw refuse('hostAddresses', addresses, `${MOST_HOST_ADDRESSES} addresses at most`)
  for (const [i, address] of addresses.entries()) {
    const option = `hostAddresses[${i}]`
    if (address.startsWith('127.'))
      throw refuse(option, address, 'no loopback address, all of which containers reach anyway')
    if (addresses.indexOf(address) < i) throw refuse(option, address, 'each address once')
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
