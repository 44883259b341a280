import { gatewayOf } from '../plan/routes.js'
import type { HostFacts, SharedIdentity } from '../plan/facts.js'

/**
 * What containers share with their host, as of the isolator's last look. The length of the prefix is the one that containers have
 * on-link: the host's, or 32 with `neighbours: 'gateway'`.
 */
export interface HostInfo extends SharedIdentity {
  /** The next router of containers' way out. Absent: they have none, or the way out is on the link. */
  readonly gateway?: string
}

/** What callers get to know of the host. */
export function hostInfoOf({
  publicInterface,
  loopbackInterface,
  address,
  prefixLength,
  mac,
  mtu,
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
  }
}
