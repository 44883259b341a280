import { inet6Of } from '../plan/host.js'
import type { Inet6Facts } from '../plan/facts.js'
import { addressesOf } from '../plan/inet6.js'
import { loopbackHook, publicHook, type Holdings } from '../host/holdings.js'
import type { InspectedIpv6 } from './inspection.js'

/** What of IPv6 a host has been set up for, by the filters that are there of it; undefined: nothing. */
export function seenInet6(holdings: Holdings): Inet6Facts | undefined {
  const onWire = inet6Of(publicHook(holdings)?.filters ?? [])
  const onLoopback = inet6Of(loopbackHook(holdings)?.filters ?? [])
  const one = onWire ?? onLoopback
  if (!one) return undefined
  const all = [...(onWire?.addresses ?? []), ...(onLoopback?.addresses ?? [])]
  return {
    ...one,
    addresses: [...new Map(all.reverse().map(each => [each.address, each])).values()].reverse(),
  }
}

/** The same for callers. */
export const inspectedInet6 = (inet6: Inet6Facts): InspectedIpv6 => ({
  addresses: addressesOf(inet6),
  ...(inet6.linkLocal !== undefined && { linkLocal: inet6.linkLocal }),
  gateways: inet6.gateways,
})
