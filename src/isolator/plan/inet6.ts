import { address as addressType, route, type RouteSpec } from '../../rtnetlink/index.js'
import type { SharedInet6 } from '../programs/shared-inet6.js'
import type { Inet6Facts, SharedAddress6, Sysctl } from './facts.js'
import { planAdd, type Planned } from './planned.js'
import { ROUTE_PROTOCOL } from './routes.js'

/** The addresses alone. */
export const addressesOf = ({ addresses }: Pick<Inet6Facts, 'addresses'>): string[] =>
  addresses.map(({ address }) => address)

/** Those of them that the host has lost. */
export const lostAddresses = ({ addresses }: Pick<Inet6Facts, 'addresses'>): string[] =>
  addresses.flatMap(({ address, lost }) => (lost ? [address] : []))

/** Those that the public interface steers for. */
export const steeredAddresses = (inet6: Inet6Facts): string[] => [
  ...addressesOf(inet6),
  ...(inet6.linkLocal === undefined ? [] : [inet6.linkLocal]),
]

/** What programs know of it; undefined where IPv6 is off. */
export const sharedInet6 = (inet6: Inet6Facts | undefined): SharedInet6 | undefined =>
  inet6 && {
    addresses: addressesOf(inet6),
    linkLocal: inet6.linkLocal,
    notShared: inet6.notShared,
    solicited: inet6.neighbours === 'gateway' ? inet6.gateways : undefined,
  }

/** Settings inside that have to be there before the interface goes up and has addresses. */
export const inet6Sysctls = (dev: string): Sysctl[] => [
  { name: 'net/ipv6/conf/lo/disable_ipv6', value: '0' },
  ...Object.entries({ disable_ipv6: 0, accept_ra: 0, accept_redirects: 0, keep_addr_on_down: 1 }).map(
    ([name, value]) => ({ name: `net/ipv6/conf/${dev}/${name}`, value: `${value}` }),
  ),
]

const ALL_BITS = 128
/** That of link-local addresses (RFC 4291, section 2.5.6). */
export const LINK_LOCAL_PREFIX = 64

/**
 * The addresses of a container. The host has looked for duplicates already. Of equals the kernel prefers the one that was added
 * last.
 */
export function inet6Addresses(inet6: Inet6Facts, dev: string): Planned[] {
  const { addresses, linkLocal } = inet6
  const all: SharedAddress6[] = [
    ...[...addresses].reverse(),
    ...(linkLocal === undefined ? [] : [{ address: linkLocal, prefixLength: LINK_LOCAL_PREFIX }]),
  ]
  return all.map(({ address, prefixLength, deprecated }) =>
    planAdd(addressType, {
      ...{ dev, address, prefixLength: lengthInside(inet6, prefixLength), nodad: true },
      ...(deprecated && { preferredLifetime: 0 }),
    }),
  )
}

/** How much of an address's prefix containers have on-link; with `neighbours: 'gateway'` the address alone. */
export const lengthInside = ({ neighbours }: Pick<Inet6Facts, 'neighbours'>, prefixLength: number): number =>
  neighbours === 'gateway' ? ALL_BITS : prefixLength

/** fe80::/10, of addresses as the kernel writes them. */
export const isLinkLocal = (address: string): boolean => /^fe[89ab][\da-f]:/.test(address)

/** An address far away: what the kernel answers for it holds for whatever no other route leads to. Nothing is sent to it. */
export const FAR_AWAY6 = '2000::1'

/** The metric of the first default route; the kernel's default. */
const FIRST_METRIC = 1024

/**
 * The default routes of a container. A link-local gateway is a neighbour in either case: with `neighbours: 'gateway'` it needs a
 * route of its own to be one. Any other is on the link whatever the addresses say.
 */
export function inet6Routes(
  { gateways, linkLocal, neighbours, metrics }: Inet6Facts,
  dev: string,
): RouteSpec[] {
  const common = { family: 'inet6', dev, protocol: ROUTE_PROTOCOL } as const
  const isAlone = (gateway: string): boolean =>
    neighbours === 'gateway' && linkLocal !== undefined && isLinkLocal(gateway)
  return [
    ...gateways.filter(isAlone).map(destination => ({ ...common, destination })),
    ...gateways.map((gateway, i) => ({
      ...common,
      destination: 'default',
      gateway,
      metric: FIRST_METRIC + i,
      ...(!isLinkLocal(gateway) && { onlink: true }),
      ...(metrics && { metrics }),
    })),
  ]
}

export const inet6RoutePlan = (inet6: Inet6Facts, dev: string): Planned[] =>
  inet6Routes(inet6, dev).map(spec => planAdd(route, spec))
