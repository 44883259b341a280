import type { LinkSpec } from '../../rtnetlink/index.js'
import { qdisc } from '../../tc/index.js'
import { PRIORITY } from '../layout/layout.js'
import { dropAll } from '../programs/drop-all.js'
import { local } from '../programs/local.js'
import { wire } from '../programs/wire.js'
import { bpfFilter, type BpfFilterOptions } from './bpf-filter.js'
import { allPorts, type ContainerFacts, type HostFacts } from './facts.js'
import { sharedInet6 } from './inet6.js'
import { planAdd, type Planned } from './planned.js'
import { hostAddressesIn } from './routes.js'

/*
 * The guard: a device that lets through what a container may send, and nothing else. First comes the drop, then the two
 * allow-lists, LOCAL and WIRE.
 */

/** The sysctls are a second line of defence: nothing passes the final drop. `all` and `default` are never relied on. */
export const guardedLink = ({ ipv6 }: Pick<HostFacts, 'ipv6'>) =>
  ({ ...(ipv6 && WITHOUT_IPV6_ADDRESS), ...GUARDED_LINK }) as const

/** The kernel refuses this setting of a device that has no IPv6 at all (inet6_validate_link_af, net/ipv6/addrconf.c). */
const WITHOUT_IPV6_ADDRESS = { inet6: { addrGenMode: 'none' } } as const satisfies Partial<LinkSpec>

const GUARDED_LINK = {
  inet: {
    rp_filter: 1,
    accept_local: 0,
    route_localnet: 0,
    forwarding: 0,
    arp_ignore: 8,
    accept_redirects: 0,
    secure_redirects: 0,
    send_redirects: 0,
    proxy_arp: 0,
    accept_source_route: 0,
  },
} as const satisfies Partial<LinkSpec>

/** Whatever arrives at `dev` is dropped, as long as no other filter is before it. */
export const finalDrop = (dev: string): Planned[] => [
  planAdd(qdisc, { dev, kind: 'ingress' }),
  bpfFilter({
    dev,
    priority: PRIORITY.drop,
    protocol: 'all',
    handle: 1,
    program: dropAll,
    directAction: true,
  }),
]

/** What of it may go on, and where to: to the host and other containers, and out. */
export function allowOn(
  dev: string,
  ways: { readonly local: string; readonly wire: string },
  host: HostFacts,
  container: ContainerFacts,
): BpfFilterOptions[] {
  const options = {
    ...host,
    hostAddresses: hostAddressesIn(host.routes),
    inet6: sharedInet6(host.inet6),
    ports: allPorts(container),
  }
  const allow = { dev, priority: PRIORITY.allow, protocol: 'all' } as const
  return [
    { ...allow, handle: 1, program: local(options), redirect: ways.local },
    { ...allow, handle: 2, program: wire(options), redirect: ways.wire },
  ]
}
