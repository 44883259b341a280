import type { NetworkNamespace } from '../../netns/network-namespace.js'
import { sysctlPath } from '../../netns/sysctl-path.js'
import { DumpTooLargeError } from '../../netlink/errors.js'
import { isIpv6 } from '../../netlink/codec/ip-version.js'
import { route, type Route } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { lookUp } from '../kernel/look-up.js'
import type { Inet6Facts } from '../plan/facts.js'
import { FAR_AWAY6 } from '../plan/inet6.js'
import type { Inet6Problem } from './inet6-problems.js'
import { MOST_LISTED } from './other-routes.js'

/** How many routers containers get: each is a message of `isolate()`, and every machine on the link can announce itself as a router. */
const MOST_ROUTERS = 16

/** The routers that containers are to have, and what is to be said of them. */
export interface FoundRouters {
  readonly gateways: readonly string[]
  readonly problems: readonly Inet6Problem[]
}

/** The routers of the host's default routes through the interface, the most preferred one first. */
export async function findGateways(rt: RtnetlinkSocket, dev: string): Promise<FoundRouters> {
  const routes = await defaultRoutes(rt)
  const hops = routes
    .sort(byPreference)
    .flatMap(found => (found.nexthops ?? [found]).filter(hop => hop.dev === dev))
  const found = new Set(
    hops.flatMap(({ gateway }) => (gateway !== undefined && isIpv6(gateway) ? [gateway] : [])),
  )
  const gateways = [...found].slice(0, MOST_ROUTERS)
  if (found.size <= MOST_ROUTERS) return { gateways, problems: [] }
  const problem: Inet6Problem = {
    object: 'ip -6 route show default',
    found: `the host has ${found.size} IPv6 default routers on ${dev}, of which containers get the first ${MOST_ROUTERS}`,
    settledBy: { option: 'gateway6', expected: 'the IPv6 address of the one that they need' },
  }
  return { gateways, problems: [problem] }
}

/** By metric, and routers of the same metric by what they say of themselves (RFC 4191, section 3.1). */
const byPreference = (a: Route, b: Route): number =>
  (a.metric ?? 0) - (b.metric ?? 0) || rankOf(a) - rankOf(b)

const RANKS: readonly (Route['preference'] | undefined)[] = ['high', 'medium', 'low']

/** A route without a preference has the medium one (RFC 4191, section 2.1). */
const rankOf = ({ preference = 'medium' }: Route): number => {
  const rank = RANKS.indexOf(preference)
  return rank < 0 ? RANKS.indexOf('medium') : rank
}

/** If the table is too large to be read, then the kernel is asked for the one route that it would take. */
async function defaultRoutes(rt: RtnetlinkSocket): Promise<Route[]> {
  try {
    const query = { family: 'inet6', table: 'main', type: 'unicast', destination: 'default' } as const
    return await rt.routes.list(query, { maxMessages: MOST_LISTED })
  } catch (error) {
    if (!(error instanceof DumpTooLargeError)) throw error
    const [taken] = await lookUp(rt, route, [{ destination: FAR_AWAY6 }])
    return taken ? [taken] : []
  }
}

/** IPV6_DEFAULT_HOPLIMIT, linux/ipv6.h */
const HOP_LIMIT = 64

/** The hop limit and MTU that the interface has for IPv6, where they are not what a container's would have anyway. */
export async function toldByRouters(
  netns: NetworkNamespace,
  dev: string,
  mtu: number,
): Promise<Pick<Inet6Facts, 'metrics'>> {
  const names = ['hop_limit', 'mtu'].map(name => sysctlPath(`net/ipv6/conf/${dev}/${name}`))
  const values = await netns.accessFiles(names.map(path => [path, null]))
  const [hopLimit, told] = values.map(value => (typeof value === 'string' ? Number(value) : undefined))
  const metrics = {
    ...(told !== undefined && told !== mtu && { mtu: told }),
    ...(hopLimit !== undefined && hopLimit !== HOP_LIMIT && { hoplimit: hopLimit }),
  }
  return Object.keys(metrics).length > 0 ? { metrics } : {}
}
