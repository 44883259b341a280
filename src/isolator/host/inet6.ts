import type { NetworkNamespace } from '../../netns/network-namespace.js'
import { sysctlPath } from '../../netns/sysctl-path.js'
import { DumpTooLargeError } from '../../netlink/errors.js'
import { isIpv6 } from '../../netlink/codec/ip-version.js'
import { route, type Address, type AddressFlag, type Link, type Route } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { lookUp } from '../kernel/look-up.js'
import { MOST_SHARED_ADDRESSES, type Inet6Options } from '../options/inet6-options.js'
import { refuse } from '../options/option-checks.js'
import type { Inet6Facts } from '../plan/facts.js'
import { FAR_AWAY6 } from '../plan/inet6.js'
import { MOST_LISTED } from './other-routes.js'

/** Flags of addresses that nobody should rely on: they are not the host's yet, or not for long. The first is `temporary` of IPv6. */
const FLEETING: readonly AddressFlag[] = ['secondary', 'deprecated', 'tentative', 'dadfailed']

/** How many addresses of the host programs know: each is 18 instructions of one, and 12 of another. */
const MOST_ADDRESSES = 64

/**
 * Reads what containers share of the host's IPv6, changing nothing.
 *
 * @returns undefined where IPv6 is not wanted, or is wanted `'auto'` and the public interface has no address to share
 * @throws IsolatorError ERR_INVALID_OPTION where it is wanted and there is none, or an address that was named is not there
 */
export async function readInet6(
  rt: RtnetlinkSocket,
  netns: NetworkNamespace,
  { name: dev, mtu, inet6 }: Link,
  { wanted, addresses: named, gateway, neighbours }: Inet6Options,
): Promise<Inet6Facts | undefined> {
  if (wanted === false) return undefined
  const there = inet6 === undefined ? [] : await rt.addresses.list({ dev, family: 'inet6' })
  const shared = named
    ? named.map((address, i) => namedAddress(there, address, i, dev))
    : await defaultAddresses(rt, there)
  if (shared.length > MOST_SHARED_ADDRESSES)
    throw refuse(
      'addresses6',
      named,
      `${MOST_SHARED_ADDRESSES} addresses at most, ${dev} has ${shared.length} to share`,
    )
  if (shared.length === 0) {
    if (wanted === 'auto') return undefined
    throw refuse(
      'ipv6',
      wanted,
      `a global IPv6 address of ${dev} that is neither temporary nor deprecated, it has ${words(there)}`,
    )
  }
  const linkLocal = there.find(found => found.scope === 'link' && isUsable(found))?.address
  const own = [...shared.map(({ address }) => address), linkLocal]
  const all = new Set([...there.map(({ address }) => address), ...(await addressesElsewhere(rt))])
  if (all.size > MOST_ADDRESSES)
    throw refuse('ipv6', wanted, `a host with ${MOST_ADDRESSES} IPv6 addresses at most, it has ${all.size}`)
  return {
    addresses: shared.map(({ address, prefixLength }) => ({ address, prefixLength })),
    linkLocal,
    notShared: [...all].filter(address => !own.includes(address)),
    gateways: gateway === undefined ? await defaultGateways(rt, dev) : gateway === 'none' ? [] : [gateway],
    neighbours,
    ...(await toldByRouters(netns, dev, mtu)),
  }
}

const words = (addresses: readonly Address[]): string =>
  addresses.map(({ address }) => address).join(', ') || 'none'

/**
 * Those that the host has on any interface: a router would lead what goes there back to it, past what a container may reach of its
 * host. Not link-local ones, which are nobody's beyond their link, nor `::1`.
 *
 * @throws DumpTooLargeError where the host has more than {@link MOST_LISTED}
 */
async function addressesElsewhere(rt: RtnetlinkSocket): Promise<string[]> {
  const listed = await rt.addresses.list({ family: 'inet6' }, { maxMessages: MOST_LISTED })
  return listed
    .flatMap(({ address, scope }) => (scope === 'link' || scope === 'host' ? [] : [address]))
    .sort()
}

const isUsable = ({ flags }: Address): boolean => !flags.includes('tentative') && !flags.includes('dadfailed')

function namedAddress(there: readonly Address[], wanted: string, i: number, dev: string): Address {
  const found = there.find(({ address, scope }) => address === wanted && scope === 'global')
  if (found && isUsable(found)) return found
  throw refuse(
    `addresses6[${i}]`,
    wanted,
    `a global IPv6 address of ${dev} that is in use, it has ${words(there)}`,
  )
}

/** Those that stay, first the one that the host itself would send from. */
async function defaultAddresses(rt: RtnetlinkSocket, there: readonly Address[]): Promise<Address[]> {
  const stable = there.filter(
    ({ scope, flags }) => scope === 'global' && !FLEETING.some(flag => flags.includes(flag)),
  )
  const [wayOut] = await lookUp(rt, route, [{ destination: FAR_AWAY6 }])
  const isPreferred = ({ address }: Address): number => (address === wayOut?.preferredSource ? 1 : 0)
  return stable.sort((a, b) => isPreferred(b) - isPreferred(a))
}

/** The routers of the host's default routes through the interface, by metric. */
async function defaultGateways(rt: RtnetlinkSocket, dev: string): Promise<string[]> {
  const routes = await defaultRoutes(rt)
  const hops = routes
    .sort((a, b) => (a.metric ?? 0) - (b.metric ?? 0))
    .flatMap(found => (found.nexthops ?? [found]).filter(hop => hop.dev === dev))
  return [
    ...new Set(hops.flatMap(({ gateway }) => (gateway !== undefined && isIpv6(gateway) ? [gateway] : []))),
  ]
}

/** Of a host with a large table the kernel says the one that it takes. */
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
async function toldByRouters(
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
