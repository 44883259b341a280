import {
  boolean,
  either,
  object,
  oneOf,
  optional,
  textThat,
  whole,
  type Declaration,
  type InputOf,
} from '../../input/index.js'
import { isIpv4 } from '../../netlink/codec/ip-version.js'
import { netnsInput, type NetnsReference } from '../../netns/network-namespace.js'
import { formatParent, parseParent } from '../../tc/handle.js'
import { MINIMUM_EPHEMERAL_PORTS_PER_CONTAINER } from '../ports/port-policy.js'
import { PortRanges, type PortRangesInput } from '../ports/port-ranges.js'
import {
  containerId,
  containerInterfaceName,
  cpus,
  interfaceName,
  isolatorArgument,
  pid,
  portRanges,
  secondsFrom,
} from './declared.js'
import { inet6Options, parseInet6Options, type Inet6Options } from './inet6-options.js'
import { refuseAlone } from './option-checks.js'
import type { RatePolicy } from './rate-limit.js'
import { ownRateOptions, rateOptions, ratePolicy } from './rate-options.js'
import { parseRouteOptions, routeOptions, type RouteOptions } from './route-options.js'
import { parseSize } from './sizes.js'
import { parseStatisticsOptions, statisticsOptions, type StatisticsOptions } from './statistics-options.js'

/** A class as `tc` writes it. */
const classid = textThat("a class of the public interface such as '1:10'", given =>
  /^[0-9a-f]{1,4}:[0-9a-f]{1,4}$/i.test(given),
)
const sharedAddress = textThat("an IPv4 address such as '10.9.0.2' (those of IPv6 are 'addresses6')", isIpv4)
const flowParent = either(oneOf('root'), classid)

/** Ports as text that begins with a number or a bracket, so that a word beside it cannot be misspelt. */
type PortsText =
  `${number}` | `${number}-${number}` | `${number},${string}` | `${number}-${number},${string}` | `[${string}`

const hostAccess: Declaration<'allow' | 'deny' | PortsText | Exclude<PortRangesInput, string>> = either(
  oneOf('allow', 'deny'),
  portRanges as Declaration<PortsText | Exclude<PortRangesInput, string>>,
)

/** The declaration of what `PortMappingIsolator.create` takes: for programs whose own options contain these. */
export const isolatorOptions = object(
  {
    /** The network namespace of the host side: open, a path, a name in /run/netns, or a pid. Default: the caller's. */
    netns: optional(netnsInput),
    /** The interface whose address containers share (Mesos `eth0_name`). Default: that of the default route. */
    publicInterface: optional(interfaceName),
    /** The host's loopback interface (Mesos `lo_name`). Default `'lo'`. */
    loopbackInterface: optional(interfaceName),
    /** The shared IPv4 address. Default: the first global one of the public interface. */
    address: optional(sharedAddress),
    /** Non-ephemeral ports that containers may be given (Mesos resource `ports`). Default: none. Ends are inclusive. */
    ports: optional(portRanges),
    /** Ports that are cut into one ephemeral range per container (Mesos resource `ephemeral_ports`). Ends are inclusive. */
    ephemeralPorts: portRanges,
    /**
     * Size of a container's ephemeral range, at least 8. Default 1024. A power of two is cheapest: 1024 ports then cost
     * one set of filters, other numbers up to 14 more.
     */
    ephemeralPortsPerContainer: optional(whole(MINIMUM_EPHEMERAL_PORTS_PER_CONTAINER, 0x10000)),
    /**
     * What a container has on-link: `'prefix'` (default) the host's own prefix, as transparent as in Mesos; `'gateway'`
     * only the gateway, so that no container can fill the kernel's neighbour table.
     */
    neighbours: optional(oneOf('prefix', 'gateway')),
    /**
     * Keep the managed ports out of the host's own allocation (`net.ipv4.ip_local_reserved_ports`, until `destroy()`). They may
     * then overlap the host's ephemeral range as long as 1024 ports of it remain. Default false: an overlap is refused.
     */
    reserveHostPorts: optional(boolean),
    /**
     * Raise `net.core.netdev_max_backlog`, until `destroy()`, where it is smaller than the number of containers there is room
     * for: copies of ARP and echo replies beyond it are lost. Default false: `create()` warns of it.
     */
    raiseNetdevMaxBacklog: optional(boolean),
    /** The queue below a rate limit: `'fq_codel'` (default) keeps it short and fair among flows, `'none'` needs no fq_codel. */
    bloatReduction: optional(oneOf('fq_codel', 'none')),
    /** Give each container a flow of its own in an fq_codel at the public interface. Default false. */
    egressUniqueFlowPerContainer: optional(boolean),
    /** Where that fq_codel hangs: `'root'` (default) of the public interface, or a class there such as `'1:10'`. */
    egressFlowClassifierParent: optional(flowParent),
    /**
     * Fragmented UDP on the wire: `'drop'` (default), or `'allow'`, at the price that later fragments, which carry no ports,
     * reach every container and leave unchecked.
     */
    fragments: optional(oneOf('drop', 'allow')),
    /** UDP from containers to multicast addresses and to 255.255.255.255: `'drop'` (default) or `'allow'`. */
    multicast: optional(oneOf('drop', 'allow')),
    /**
     * What of the host's own services containers may open, by its address or 127.0.0.1: `'allow'` (default, as in Mesos),
     * `'deny'`, or the ports of those that they may, such as `'80,443'`.
     */
    hostAccess: optional(hostAccess),
    /**
     * What to do on a kernel without bridges: `'refuse'` (default), or `'accept'` that root in a container can lead forged
     * frames into the host's stack, past all filters, by an ifb. Containers without CAP_NET_ADMIN cannot.
     */
    withoutBridge: optional(oneOf('refuse', 'accept')),
    /**
     * What becomes of a container that asks for a port on which a socket of the host would lose its packets: `'refuse'` (default)
     * is ERR_PORTS_IN_USE; `'ignore'` is for runtimes that hold a port themselves, so that nobody else takes it.
     */
    hostSockets: optional(oneOf('refuse', 'ignore')),
    /**
     * Seconds from one look for sockets of the host on ports of containers to the next, at least 0.1. Default: 10. It is looked only while
     * the event `hostSocket` has a listener.
     */
    hostSocketsInterval: optional(secondsFrom(0.1)),
    /**
     * Keep everybody else off the host until the isolator is closed: another `create()`, or a `remove()`, is refused with
     * `ERR_HOST_BUSY`, in whatever process. Isolators that are open already stay. Default false.
     */
    exclusive: optional(boolean),
  },
  routeOptions,
  inet6Options,
  rateOptions,
  statisticsOptions,
)

/** What `PortMappingIsolator.create` takes. Mesos's flags keep their names in camelCase, the two interfaces apart. */
export interface PortMappingIsolatorOptions extends InputOf<typeof isolatorOptions> {}

export const isolateOptions = object(
  {
    /** Its network namespace: open, a path, a name in /run/netns, or the pid of a process in it. Not the host's. */
    netns: netnsInput,
    /** Its non-ephemeral ports, out of the isolator's `ports`. Default: none. Ends are inclusive. */
    ports: optional(portRanges),
    /**
     * The process whose end is the container's: see `watch`. Default: that of `netns`, where that is a pid; else only the
     * container's interface is watched, since a name or an open file keeps a namespace alive.
     */
    pid: optional(pid),
    /**
     * Whether a name in /run/netns holds its namespace until `cleanup`. Default true. False: the namespace ends with its last process
     * and what else refers to it, and the container goes with it.
     */
    hold: optional(boolean),
    /** What its interface is called inside. Default `'eth0'`. */
    interfaceName: optional(containerInterfaceName),
    /** Its CPUs, for rates per CPU, above 0. Default: none, it gets the minimum. */
    cpus: optional(cpus),
  },
  ownRateOptions,
)

/** What a container is given. */
export interface IsolateOptions extends InputOf<typeof isolateOptions> {}

/** One of the containers of `isolateMany`. */
export const containerOptions = object({ id: containerId }, isolateOptions)

/** A container's id and what it is given: one of the containers of `isolateMany`. */
export interface ContainerOptions extends InputOf<typeof containerOptions> {}

export const updateOptions = object(
  {
    /** All of its non-ephemeral ports: those that are not among them any more are taken from it. */
    ports: optional(portRanges),
    /** Its CPUs. Its limits are computed anew from the isolator's options. */
    cpus: optional(cpus),
  },
  ownRateOptions,
)

/** What of a container is to change. What is left out stays. */
export interface UpdateOptions extends InputOf<typeof updateOptions> {}

const check: (options: unknown) => void = isolatorArgument(
  'PortMappingIsolator.create',
  'options',
  isolatorOptions,
)

/** The options with defaults filled in, of the right types. */
export interface IsolatorOptions {
  readonly netns: NetnsReference | undefined
  readonly publicInterface: string | undefined
  readonly loopbackInterface: string
  readonly address: string | undefined
  readonly ports: PortRanges
  readonly ephemeralPorts: PortRanges
  readonly ephemeralPortsPerContainer: number
  readonly neighbours: 'prefix' | 'gateway'
  readonly reserveHostPorts: boolean
  readonly raiseNetdevMaxBacklog: boolean
  readonly bloatReduction: 'fq_codel' | 'none'
  /** Where the fq_codel with a flow per container hangs; undefined: there is none. */
  readonly flowParent: string | undefined
  readonly egress: RatePolicy
  readonly ingress: RatePolicy
  readonly ingressIsolateExistingContainers: boolean
  readonly egressEnforcement: 'container' | 'host'
  /** Bytes per second. */
  readonly networkLinkSpeed: number | undefined
  readonly cpus: number
  readonly fragments: 'drop' | 'allow'
  readonly multicast: 'drop' | 'allow'
  /** The host's ports that containers may open; undefined for all. */
  readonly hostServices: PortRanges | undefined
  readonly withoutBridge: 'refuse' | 'accept'
  readonly hostSockets: 'refuse' | 'ignore'
  readonly hostSocketsInterval: number
  readonly exclusive: boolean
  readonly routing: RouteOptions
  readonly inet6: Inet6Options
  readonly statistics: StatisticsOptions
}

/**
 * Fills in the defaults of options that are as declared, and refuses those that do not fit each other. What needs to know
 * the host, such as overlaps with its ephemeral range, is checked by `checkPortPlan`.
 *
 * @throws IsolatorError ERR_INVALID_OPTION, naming the option
 */
export function parseOptions(options: PortMappingIsolatorOptions): IsolatorOptions {
  check(options)
  refuseAlone(options, ['egressFlowClassifierParent'], { needs: 'egressUniqueFlowPerContainer' })
  return {
    netns: options.netns,
    publicInterface: options.publicInterface,
    loopbackInterface: options.loopbackInterface ?? 'lo',
    address: options.address,
    ports: options.ports === undefined ? PortRanges.empty : PortRanges.from(options.ports, 'ports'),
    ephemeralPorts: PortRanges.from(options.ephemeralPorts, 'ephemeralPorts'),
    ephemeralPortsPerContainer: options.ephemeralPortsPerContainer ?? 1024,
    neighbours: options.neighbours ?? 'prefix',
    reserveHostPorts: options.reserveHostPorts ?? false,
    raiseNetdevMaxBacklog: options.raiseNetdevMaxBacklog ?? false,
    bloatReduction: options.bloatReduction ?? 'fq_codel',
    flowParent: options.egressUniqueFlowPerContainer
      ? formatParent(parseParent(options.egressFlowClassifierParent ?? 'root'))
      : undefined,
    egress: ratePolicy('egress', options),
    ingress: ratePolicy('ingress', options),
    ingressIsolateExistingContainers: options.ingressIsolateExistingContainers ?? true,
    egressEnforcement: options.egressEnforcement ?? 'container',
    networkLinkSpeed:
      options.networkLinkSpeed === undefined
        ? undefined
        : parseSize(options.networkLinkSpeed, 'networkLinkSpeed'),
    cpus: options.cpus ?? process.getBuiltinModule('node:os').availableParallelism(),
    fragments: options.fragments ?? 'drop',
    multicast: options.multicast ?? 'drop',
    hostServices: hostServices(options.hostAccess),
    withoutBridge: options.withoutBridge ?? 'refuse',
    hostSockets: options.hostSockets ?? 'refuse',
    hostSocketsInterval: options.hostSocketsInterval ?? 10,
    exclusive: options.exclusive ?? false,
    routing: parseRouteOptions(options, options.neighbours ?? 'prefix'),
    inet6: parseInet6Options(options),
    statistics: parseStatisticsOptions(options),
  }
}

function hostServices(
  hostAccess: PortMappingIsolatorOptions['hostAccess'] = 'allow',
): PortRanges | undefined {
  if (hostAccess === 'allow') return undefined
  return hostAccess === 'deny' ? PortRanges.empty : PortRanges.from(hostAccess, 'hostAccess')
}
