import type { HeldName } from '../../native/binding.js'
import type { NetworkNamespace } from '../../netns/network-namespace.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import type { SockDiagSocket } from '../../sock-diag/index.js'
import type { Inet6Options } from '../options/inet6-options.js'
import type { RouteOptions } from '../options/route-options.js'
import type { HostFacts } from '../plan/facts.js'
import type { ContainerLinks } from './container-links.js'

/** The host side as the isolator works on it: its namespace, a socket in it, and what is known of it. */
export interface HostContext {
  readonly netns: NetworkNamespace
  readonly rt: RtnetlinkSocket
  /** Lists the host's own sockets. */
  readonly sockets: SockDiagSocket
  /** The links of containers, whoever has made them. */
  readonly links: ContainerLinks
  /** Keeps others off the host, where that was asked for. */
  readonly exclusive: HeldName | undefined
  /** What the options say of containers' routes. */
  readonly routing: RouteOptions
  /** What they say of containers' IPv6. */
  readonly inet6: Inet6Options
  /** Where the options have the fq_codel with a flow per container; undefined: nowhere. */
  readonly flowParent: string | undefined
  /** What becomes of a container that asks for a port on which the host has a socket. */
  readonly hostSockets: 'refuse' | 'ignore'
  /** Seconds between two looks for sockets of the host on ports of containers. */
  readonly hostSocketsInterval: number
  /** As of the last look: the public interface may get another MAC or MTU, the host other routes and IPv6 addresses. */
  facts: HostFacts
  /** Likewise, its index: another one that has got its name has none of the filters. */
  publicIndex: number
  /** The routes that all containers have had since the last repair of everything: `verify()` alone gives them no others. */
  settledRoutes: HostFacts['routes']
  /** Likewise of IPv6. */
  settledInet6: HostFacts['inet6']
  /** Indexes of the bridges that have been looked at, by name: as long as they are the same they are ours. */
  readonly bridges: Map<string, number>
}

/** What it takes to look at the host side: its namespace, and a socket in it. */
export type HostSide = Pick<HostContext, 'netns' | 'rt'>
