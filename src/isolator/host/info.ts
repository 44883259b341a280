import { gatewayOf } from '../plan/routes.js'
import type { HostFacts, Inet6Facts, SharedIdentity } from '../plan/facts.js'
import { lengthInside } from '../plan/inet6.js'

/**
 * What containers share with their host, as of the isolator's last look. The length of the prefix is the one that containers have
 * on-link: the host's, or 32 with `neighbours: 'gateway'`.
 */
export interface HostInfo extends SharedIdentity {
  /** The next router of containers' way out. Absent: they have none, or the way out is on the link. */
  readonly gateway?: string
  /** What they share of IPv6. Absent: theirs is off. */
  readonly ipv6?: HostIpv6
}

/** What containers share of their host's IPv6. */
export interface HostIpv6 {
  /**
   * The shared addresses, first the one that containers send from, and the lengths of the prefixes that containers have on-link: the
   * host's, or 128 with `neighbours6: 'gateway'`.
   */
  readonly addresses: readonly { readonly address: string; readonly prefixLength: number }[]
  /** The link-local address, which they have too. Absent: there is none. */
  readonly linkLocal?: string
  /** The next routers of containers' ways out, the most preferred one first. */
  readonly gateways: readonly string[]
}

/** What callers get to know of the host. */
export function hostInfoOf({
  publicInterface,
  loopbackInterface,
  address,
  prefixLength,
  mac,
  mtu,
  inet6,
  neighbours,
  routes,
}: HostFacts): HostInfo {
  const gateway = gatewayOf(routes)
  return {
    publicInterface,
    loopbackInterface,
    address,
    prefixLength: neighbours === 'gateway' ? 32 : prefixLength,
    mac,
    mtu,
    ...(gateway !== undefined && { gateway }),
    ...(inet6 && { ipv6: ipv6Of(inet6) }),
  }
}

const ipv6Of = (inet6: Inet6Facts): HostIpv6 => ({
  addresses: inet6.addresses.map(({ address, prefixLength }) => ({
    address,
    prefixLength: lengthInside(inet6, prefixLength),
  })),
  ...(inet6.linkLocal !== undefined && { linkLocal: inet6.linkLocal }),
  gateways: inet6.gateways,
})
