import { anyAddress, familyOf, parsePrefix, type Prefix } from './prefix.js'
import type { RouteKey } from './route-spec.js'

/** Where a route leads. The family of `'default'` is that of the addresses beside it. Throws TypeError. */
export function readDestination({
  destination,
  family,
  gateway,
  nexthops = [],
  preferredSource,
}: RouteKey): Prefix {
  if (destination !== 'default') return parsePrefix('destination', destination, family)
  const near = preferredSource ?? gateway ?? nexthops.find(nexthop => nexthop.gateway !== undefined)?.gateway
  const told = family ?? (near === undefined ? 'inet' : familyOf('gateway', near))
  return { family: told, address: anyAddress(told), length: 0 }
}
