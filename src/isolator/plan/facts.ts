import type { RouteMetrics } from '../../rtnetlink/index.js'
import { CONTAINER_INTERFACE } from '../layout/layout.js'
import { PortRanges } from '../ports/port-ranges.js'
import type { RateLimit } from '../options/rate-limit.js'
import type { ContainerRoute } from './routes.js'
import type { HostAccess } from '../programs/host-access.js'

/** A sysctl and the value it is to have; `optional` ones are passed over where a namespace does not have them. */
export interface Sysctl {
  readonly name: string
  readonly value: string
  readonly optional?: boolean
}

/** A feature of a device that is to be off, by the name that `ethtool -k` has for it. */
export interface FeatureOff {
  readonly dev: string
  readonly feature: string
}

/** An IPv6 address that containers share. */
export interface SharedAddress6 {
  readonly address: string
  /** Of the on-link prefix. */
  readonly prefixLength: number
  /** New connections avoid it, as the host's own do. Default: false. */
  readonly deprecated?: true | undefined
  /** The host does not have it any more; containers keep it until it is back. Default: false. */
  readonly lost?: true | undefined
}

/** What of the host's IPv6 containers get, as of the last look. */
export interface Inet6Facts {
  /** The shared addresses, first the one that the host itself prefers. None where another machine has taken the last one. */
  readonly addresses: readonly SharedAddress6[]
  /** The host's link-local address; undefined: it has none. */
  readonly linkLocal: string | undefined
  /** Other addresses that the host has now: temporary ones, and those of other interfaces. Containers neither have nor reach them. */
  readonly notShared: readonly string[]
  /** The routers of default routes, the most preferred one first. */
  readonly gateways: readonly string[]
  readonly neighbours: 'prefix' | 'gateway'
  /** What routers have told the host, where it is not what its interface has anyway. */
  readonly metrics?: Pick<RouteMetrics, 'mtu' | 'hoplimit'> | undefined
}

/** What containers share with their host. */
export interface SharedIdentity {
  readonly publicInterface: string
  readonly loopbackInterface: string
  /** The shared IPv4 address and the length of its on-link prefix. */
  readonly address: string
  readonly prefixLength: number
  /** MAC of the public interface, and of each container's. */
  readonly mac: string
  /** MTU of the public interface and of each container's, bytes. */
  readonly mtu: number
}

/** What the plan depends on at the host side: read once by `create()`. */
export interface HostFacts extends SharedIdentity {
  /** Where the host's namespace is found, for explain(); undefined for the caller's own. */
  readonly netnsPath: string | undefined
  /** Whether it has IPv6, and so devices of its MTU: not below 1280 bytes, nor where the kernel's IPv6 is off. */
  readonly ipv6: boolean
  /** What containers get of the host's IPv6; undefined: theirs is off. */
  readonly inet6: Inet6Facts | undefined
  /**
   * The routes of containers, as of the last look: those that lead out, where the host has any through the public interface, and
   * those to the host's other addresses.
   */
  readonly routes: readonly ContainerRoute[]
  readonly neighbours: 'prefix' | 'gateway'
  /** The queue below a rate limit. */
  readonly bloatReduction: 'fq_codel' | 'none'
  /** Where the fq_codel with a flow per container hangs, `'root'` or a class; undefined: there is none. */
  readonly flowParent: string | undefined
  readonly fragments: 'drop' | 'allow'
  readonly multicast: 'drop' | 'allow'
  /** For how many containers there is room: what bounds the packets that each of them gets a copy of. */
  readonly capacity: number
  /** Undefined where containers may open every port of the host. */
  readonly hostAccess: HostAccess | undefined
  /** Whether bridges drop what filters do not see; false on a kernel without, where the options accept that. */
  readonly bridged: boolean
  /** The host's net.ipv4.ip_local_port_range. */
  readonly ephemeralPorts: PortRanges
  /** The host's values of the sysctls that a container gets. */
  readonly sysctls: readonly Sysctl[]
}

/** Where the host has filters that lead to containers. */
export type HostPlaces = Pick<HostFacts, 'publicInterface' | 'loopbackInterface' | 'flowParent'>

/** What the plan depends on in a container. */
export interface ContainerFacts {
  readonly id: string
  /** 1 to 4095; every name and handle follows from it. */
  readonly slot: number
  readonly ports: PortRanges
  /** First and last ephemeral port. */
  readonly ephemeralPorts: readonly [first: number, last: number]
  /** How fast it may send. Absent: no limit. */
  readonly egress?: RateLimit | undefined
  /** How fast it may receive. */
  readonly ingress?: RateLimit | undefined
  /** Whether the limit on what it sends stands on the host too, where it cannot take it away. */
  readonly enforced?: boolean | undefined
  /** Whether a name in /run/netns holds its namespace. Absent: true. */
  readonly hold?: boolean | undefined
  /** The name of its interface inside. Absent: `eth0`. */
  readonly interfaceName?: string | undefined
}

/** Whether a name in /run/netns holds a container's namespace: else that ends with its last process. */
export const isHeld = ({ hold }: Pick<ContainerFacts, 'hold'>): boolean => hold !== false

/** The name of a container's interface inside. */
export const interfaceOf = ({ interfaceName }: Pick<ContainerFacts, 'interfaceName'>): string =>
  interfaceName ?? CONTAINER_INTERFACE

/** All ports of a container. */
export const allPorts = ({
  ports,
  ephemeralPorts,
}: Pick<ContainerFacts, 'ports' | 'ephemeralPorts'>): PortRanges =>
  ports.union(PortRanges.from([ephemeralPorts]))
