import { ipv4ToNumber, numberToIpv4 } from '../../netlink/codec/addresses.js'
import { DumpTooLargeError } from '../../netlink/errors.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { route } from '../../rtnetlink/index.js'
import { refuse } from '../options/option-checks.js'
import { MOST_HOST_ADDRESSES, type RouteOptions } from '../options/route-options.js'
import type { HostFacts } from '../plan/facts.js'
import { isWayOut, type ContainerRoute } from '../plan/routes.js'
import { defaultInterfaces, findDefaultRoute, type DefaultRoute } from './default-route.js'
import { findHostAddresses } from './host-addresses.js'
import { findOtherRoutes, MOST_LISTED, MOST_ROUTES } from './other-routes.js'

/** The host's routes as far as containers get them. */
export interface HostRoutes {
  readonly routes: readonly ContainerRoute[]
  /** What of the host's routes containers do not get although they would need it. */
  readonly problems: readonly RouteProblem[]
}

export interface RouteProblem {
  /** The option that settles it. */
  readonly option: 'gateway' | 'routes' | 'hostAddresses'
  /** What was found. */
  readonly found: string
  readonly expected: string
  /** Whether the option is needed: `create()` has nothing to give containers. */
  readonly fatal: boolean
}

/** Where the routes of containers lead through, and from where. */
export type RoutePlace = Pick<HostFacts, 'publicInterface' | 'address' | 'prefixLength' | 'neighbours'>

/** Reads the routes that containers are to have. Nothing is asked for that options say. */
export async function readRoutes(
  rt: RtnetlinkSocket,
  place: RoutePlace,
  { gateway, routes, hostAddresses }: RouteOptions,
): Promise<HostRoutes> {
  const ways = gateway === undefined ? await waysOut(rt, place) : { routes: chosen(gateway), problems: [] }
  const others = routes === 'host' ? await otherRoutes(rt, place) : { routes, problems: [] }
  const local = await localRoutes(rt, place, hostAddresses)
  const all = [ways, others, local]
  return { routes: all.flatMap(({ routes }) => routes), problems: all.flatMap(({ problems }) => problems) }
}

/** The route that the option `gateway` asks for. */
function chosen(gateway: string): ContainerRoute[] {
  if (gateway === 'none') return []
  return [{ destination: 'default', ...(gateway !== 'on-link' && { gateway }) }]
}

async function waysOut(rt: RtnetlinkSocket, place: RoutePlace): Promise<HostRoutes> {
  const { publicInterface: dev, address } = place
  const found = await findDefaultRoute(rt, dev, address)
  const problem = problemOf(found, place) ?? (await routeElsewhere(rt, found, dev))
  return problem ? { routes: [], problems: [problem] } : { routes: found.routes, problems: [] }
}

const NEEDS_GATEWAY = "the IPv4 address of a router, 'on-link' or 'none'"

function problemOf({ routes, unusable }: DefaultRoute, place: RoutePlace): RouteProblem | undefined {
  const { publicInterface: dev, neighbours } = place
  const option = 'gateway'
  if (unusable !== undefined)
    return {
      option,
      found: `the default route through ${dev} leads ${unusable}`,
      expected: NEEDS_GATEWAY,
      fatal: true,
    }
  const [first, second] = routes
  if (neighbours === 'prefix' || !first || (first.gateway !== undefined && !second)) return undefined
  return {
    option,
    found: `the default route through ${dev} is ${routes.map(each => describe(each, dev)).join(' and ')}, but neighbours: 'gateway' needs one gateway`,
    expected: "the IPv4 address of a router or 'none'",
    fatal: true,
  }
}

const describe = (each: ContainerRoute, dev: string): string =>
  route.command('add', { ...each, dev }).replace('ip route add ', '')

/** A default route that the host has through other interfaces only. */
async function routeElsewhere(
  rt: RtnetlinkSocket,
  { routes }: DefaultRoute,
  dev: string,
): Promise<RouteProblem | undefined> {
  if (routes.length > 0) return undefined
  const others = (await defaultInterfaces(rt)).filter(other => other !== dev)
  if (others.length === 0) return undefined
  return {
    option: 'gateway',
    found: `the host's default route is through ${others.join(' and ')}, and containers, which send through ${dev}, have none`,
    expected: NEEDS_GATEWAY,
    fatal: false,
  }
}

async function otherRoutes(rt: RtnetlinkSocket, place: RoutePlace): Promise<HostRoutes> {
  const { publicInterface: dev, neighbours } = place
  if (neighbours === 'gateway') return { routes: [], problems: [] }
  try {
    const routes = await findOtherRoutes(rt, dev, networkOf(place))
    if (routes.length <= MOST_ROUTES) return { routes, problems: [] }
    return tooMany(
      `more than ${MOST_ROUTES} routes through ${dev}`,
      `${MOST_ROUTES} are the most that they can get`,
    )
  } catch (error) {
    if (!(error instanceof DumpTooLargeError)) throw error
    return tooMany(`more than ${MOST_LISTED} routes`, 'so many are not searched for those that they can use')
  }
}

const tooMany = (has: string, reason: string): HostRoutes => ({
  routes: [],
  problems: [
    {
      option: 'routes',
      found: `the host has ${has}, of which containers get none, since ${reason}`,
      expected: 'a list of those that they need',
      fatal: false,
    },
  ],
})

/** The routes to the host's other addresses. */
async function localRoutes(
  rt: RtnetlinkSocket,
  { address }: RoutePlace,
  wanted: RouteOptions['hostAddresses'],
): Promise<HostRoutes> {
  try {
    const routes = await findHostAddresses(rt, address, wanted)
    return routes.length <= MOST_HOST_ADDRESSES
      ? { routes, problems: [] }
      : tooManyAddresses(MOST_HOST_ADDRESSES)
  } catch (error) {
    if (!(error instanceof DumpTooLargeError)) throw error
    return tooManyAddresses(MOST_LISTED)
  }
}

const tooManyAddresses = (most: number): HostRoutes => ({
  routes: [],
  problems: [
    {
      option: 'hostAddresses',
      found: `the host has more than ${most} other addresses, of which containers reach only those that they reached before`,
      expected: `a list of those that they need, ${MOST_HOST_ADDRESSES} at most`,
      fatal: false,
    },
  ],
})

/** The prefix of the shared address, as a route to it is listed. */
function networkOf({ address, prefixLength }: RoutePlace): string {
  if (prefixLength === 32) return address
  const mask = prefixLength === 0 ? 0 : (-1 << (32 - prefixLength)) >>> 0
  return `${numberToIpv4((ipv4ToNumber(address) & mask) >>> 0)}/${prefixLength}`
}

/**
 * Throws for what leaves `create()` without an answer, and warns of the rest.
 *
 * @throws IsolatorError ERR_INVALID_OPTION, saying what was found and naming the option that settles it
 */
export function settleProblems({ problems }: HostRoutes): void {
  const fatal = problems.find(problem => problem.fatal)
  if (fatal) throw refuse(fatal.option, undefined, fatal.expected, fatal.found)
  for (const problem of problems) warnOf(problem)
}

/** Warns of what containers do not get, naming the option that settles it. */
export function warnOf({ option, found, expected }: Record<keyof Omit<RouteProblem, 'fatal'>, string>): void {
  process.emitWarning(`${found}: '${option}' takes ${expected}`, { code: 'RTNETLINK_ROUTES' })
}

/** What was found; with the former ways out where there are none, and the former addresses of the host where there are too many. */
export function routesWithFormer(
  { routes, problems }: HostRoutes,
  before: readonly ContainerRoute[],
): readonly ContainerRoute[] {
  const now = routes.some(isWayOut) ? routes : [...before.filter(isWayOut), ...routes]
  const hasTooMany = problems.some(({ option }) => option === 'hostAddresses')
  return hasTooMany ? [...now, ...before.filter(({ local }) => local)] : now
}
