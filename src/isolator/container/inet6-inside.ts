import { isDeepStrictEqual } from 'node:util'
import type { DumpOptions } from '../../netlink/call-options.js'
import type { Address, AddressSpec, Route, RouteSpec } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { MOST_LISTED, MOST_ROUTES } from '../host/other-routes.js'
import type { Inet6Facts } from '../plan/facts.js'
import { inet6Addresses, inet6Routes, isLinkLocal } from '../plan/inet6.js'
import { ROUTE_PROTOCOL } from '../plan/routes.js'

/** The differences between the IPv6 that a container has and the one that is planned. */
export interface Inet6Differences {
  /** Addresses that are to be added in this order, with what is there in the place of each. */
  readonly addresses: readonly AddressDifference[]
  /** Addresses that are in their places, and are to be deprecated or no more. */
  readonly otherwise: readonly AddressDifference[]
  readonly surplusAddresses: readonly Address[]
  readonly routes: readonly RouteSpec[]
  readonly surplusRoutes: readonly Route[]
}

interface AddressDifference {
  readonly wanted: AddressSpec
  readonly found: Address | undefined
}

/**
 * Compares what a container has of IPv6 with what it is to have. Its root can change that, and harms the container alone.
 *
 * @param dev the container's interface
 * @throws DumpTooLargeError where there is more than is worth reading
 */
export async function inet6Differences(
  rt: RtnetlinkSocket,
  dev: string,
  inet6: Inet6Facts,
  { signal }: Required<Pick<DumpOptions, 'signal'>>,
): Promise<Inet6Differences> {
  const options = { signal, maxMessages: MOST_LISTED }
  const addresses = await rt.addresses.list({ dev, family: 'inet6' }, options)
  const routes = await rt.routes.list({ family: 'inet6', protocol: ROUTE_PROTOCOL, dev }, options)
  const planned = inet6Routes(inet6, dev)
  return {
    ...compareAddresses(
      addresses,
      inet6Addresses(inet6, dev).map(({ spec }) => spec as AddressSpec),
    ),
    routes: planned.filter(spec => !routes.some(found => isSamePlace(found, spec) && isSameWay(found, spec))),
    surplusRoutes: routes
      .filter(found => !planned.some(spec => isSamePlace(found, spec)))
      .slice(0, MOST_ROUTES),
  }
}

/** Whether a container has the IPv6 addresses and routes that are planned for it. */
export const areNone = (differences: Inet6Differences): boolean =>
  Object.values(differences).every((list: readonly unknown[]) => list.length === 0)

function compareAddresses(
  listed: readonly Address[],
  wanted: readonly AddressSpec[],
): Pick<Inet6Differences, 'addresses' | 'otherwise' | 'surplusAddresses'> {
  const isWanted = ({ address }: Address): boolean => wanted.some(spec => spec.address === address)
  const ofScope = (linkLocal: boolean): readonly AddressDifference[] =>
    outOfPlace(
      listed,
      wanted.filter(({ address }) => isLinkLocal(address) === linkLocal),
    )
  const addresses = [...ofScope(false), ...ofScope(true)]
  const inPlace = wanted.filter(spec => !addresses.some(each => each.wanted === spec))
  return {
    addresses,
    otherwise: inPlace.flatMap(spec => {
      const found = listed.find(({ address }) => address === spec.address)
      return found && isDeprecated(found) !== (spec.preferredLifetime === 0) ? [{ wanted: spec, found }] : []
    }),
    surplusAddresses: listed.filter(found => !isWanted(found) && looksLikeOurs(found)).slice(0, MOST_ROUTES),
  }
}

/**
 * Of addresses of the same scope the kernel lists that first which was added last, and prefers it (ipv6_link_dev_addr in
 * net/ipv6/addrconf.c): the first one that is not in its place is to be added again, with all behind it.
 */
function outOfPlace(
  listed: readonly Address[],
  wanted: readonly AddressSpec[],
): readonly AddressDifference[] {
  const findIn = (found: readonly Address[], { address }: AddressSpec): Address | undefined =>
    found.find(other => other.address === address)
  const there = listed.filter(({ address }) => wanted.some(spec => spec.address === address)).reverse()
  const first = wanted.findIndex((spec, i) => !isSameAddress(there[i], spec))
  return first < 0 ? [] : wanted.slice(first).map(spec => ({ wanted: spec, found: findIn(there, spec) }))
}

const isSameAddress = (found: Address | undefined, { address, prefixLength }: AddressSpec): boolean =>
  found?.address === address && found.prefixLength === prefixLength

const isDeprecated = ({ flags }: Address): boolean => flags.includes('deprecated')

/** Nobody has looked for duplicates of it, and it stays. */
const looksLikeOurs = ({ flags }: Address): boolean => flags.includes('nodad') && flags.includes('permanent')

const isSamePlace = (found: Route, { destination, metric }: RouteSpec): boolean =>
  found.destination === destination && (metric === undefined || found.metric === metric)

const isSameWay = (found: Route, { gateway, metrics = {} }: RouteSpec): boolean =>
  found.gateway === gateway && isDeepStrictEqual(found.metrics ?? {}, metrics)
