import { formatParent, parseParent } from '../../tc/handle.js'
import type { NetnsReference } from '../../netns/network-namespace.js'
import {
  anything,
  checkEach,
  isAddress,
  isBoolean,
  isInterfaceName,
  isNetns,
  isNumber,
  isPid,
  oneOf,
  refuse,
  type Checks,
} from './option-checks.js'
import { PortRanges, type PortRangesInput } from '../ports/port-ranges.js'
import type { RatePolicy } from './rate-limit.js'
import { isCpus, isRate, RATE_CHECKS, ratePolicy, type RateOptions } from './rate-options.js'
import { parseSize, type SizeInput } from './sizes.js'
import {
  parseStatisticsOptions,
  STATISTICS_CHECKS,
  type NetworkStatisticsOptions,
  type StatisticsOptions,
} from './statistics-options.js'

/** What `PortMappingIsolator.create` takes. Mesos's flags keep their names in camelCase, the two interfaces apart. */
export interface PortMappingIsolatorOptions extends RateOptions, NetworkStatisticsOptions {
  /** The network namespace of the host side: open, a path, a name in /run/netns, or a pid. Default: the caller's. */
  netns?: NetnsReference | undefined
  /** The interface whose address containers share (Mesos `eth0_name`). Default: that of the default route. */
  publicInterface?: string | undefined
  /** The host's loopback interface (Mesos `lo_name`). Default `'lo'`. */
  loopbackInterface?: string | undefined
  /** The shared IPv4 address. Default: the first global one of the public interface. */
  address?: string | undefined
  /** Non-ephemeral ports that containers may be given (Mesos resource `ports`). Default: none. Ends are inclusive. */
  ports?: PortRangesInput | undefined
  /** Ports that are cut into one ephemeral range per container (Mesos resource `ephemeral_ports`). Ends are inclusive. */
  ephemeralPorts: PortRangesInput
  /**
   * Size of a container's ephemeral range, at least 8. Default 1024. A power of two is cheapest: 1024 ports then cost
   * one set of filters, other numbers up to 14 more.
   */
  ephemeralPortsPerContainer?: number | undefined
  /**
   * What a container has on-link: `'prefix'` (default) the host's own prefix, as transparent as in Mesos; `'gateway'`
   * only the gateway, so that no container can fill the kernel's neighbour table.
   */
  neighbours?: 'prefix' | 'gateway' | undefined
  /**
   * Keep the managed ports out of the host's own allocation (`net.ipv4.ip_local_reserved_ports`, until `destroy()`). They may
   * then overlap the host's ephemeral range as long as 1024 ports of it remain. Default false: an overlap is refused.
   */
  reserveHostPorts?: boolean | undefined
  /**
   * Raise `net.core.netdev_max_backlog`, until `destroy()`, where it is smaller than the number of containers there is room
   * for: copies of ARP and echo replies beyond it are lost. Default false: `create()` warns of it.
   */
  raiseNetdevMaxBacklog?: boolean | undefined
  /** The queue below a rate limit: `'fq_codel'` (default) keeps it short and fair among flows, `'none'` needs no fq_codel. */
  bloatReduction?: 'fq_codel' | 'none' | undefined
  /** Give each container a flow of its own in an fq_codel at the public interface. Default false. */
  egressUniqueFlowPerContainer?: boolean | undefined
  /** Where that fq_codel hangs: `'root'` (default) of the public interface, or a class there such as `'1:10'`. */
  egressFlowClassifierParent?: string | undefined
  /**
   * Fragmented UDP on the wire: `'drop'` (default), or `'allow'`, at the price that later fragments, which carry no ports,
   * reach every container and leave unchecked.
   */
  fragments?: 'drop' | 'allow' | undefined
  /** UDP from containers to multicast addresses and to 255.255.255.255: `'drop'` (default) or `'allow'`. */
  multicast?: 'drop' | 'allow' | undefined
  /**
   * What of the host's own services containers may open, by its address or 127.0.0.1: `'allow'` (default, as in Mesos),
   * `'deny'`, or the ports of those that they may, such as `'80,443'`.
   */
  hostAccess?: 'allow' | 'deny' | OtherPorts | undefined
  /**
   * What to do on a kernel without bridges: `'refuse'` (default), or `'accept'` that root in a container can lead forged
   * frames into the host's stack, past all filters, by an ifb. Containers without CAP_NET_ADMIN cannot.
   */
  withoutBridge?: 'refuse' | 'accept' | undefined
}

/** {@link PortRangesInput}, written so that the words beside it are not lost in `string`. */
type OtherPorts = PortRangesInput & Record<never, never>

/** What a container is given. */
export interface IsolateOptions {
  /** Its network namespace: open, a path, a name in /run/netns, or the pid of a process in it. Not the host's. */
  netns: NetnsReference
  /** Its non-ephemeral ports, out of the isolator's `ports`. Default: none. Ends are inclusive. */
  ports?: PortRangesInput | undefined
  /**
   * The process whose end is the container's: see `watch`. Default: that of `netns`, where that is a pid; else only the
   * container's interface is watched, since a name or an open file keeps a namespace alive.
   */
  pid?: number | undefined
  /** Its CPUs, for rates per CPU, above 0. Default: none, it gets the minimum. */
  cpus?: number | undefined
  /** What it may send, instead of what the isolator's options say: bytes per second. */
  egressRateLimit?: SizeInput | undefined
  /** What it may receive, likewise. */
  ingressRateLimit?: SizeInput | undefined
}

/** What of a container is to change. What is left out stays. */
export interface UpdateOptions {
  /** All of its non-ephemeral ports: those that are not among them any more are taken from it. */
  ports?: PortRangesInput | undefined
  /** Its CPUs. Its limits are computed anew from the isolator's options. */
  cpus?: number | undefined
  egressRateLimit?: SizeInput | undefined
  ingressRateLimit?: SizeInput | undefined
}

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
  readonly statistics: StatisticsOptions
}

const ISOLATOR_CHECKS: Checks<PortMappingIsolatorOptions> = {
  netns: isNetns,
  publicInterface: isInterfaceName,
  loopbackInterface: isInterfaceName,
  address: isAddress,
  ports: anything,
  ephemeralPorts: anything,
  ephemeralPortsPerContainer: isNumber,
  neighbours: oneOf('prefix', 'gateway'),
  reserveHostPorts: isBoolean,
  raiseNetdevMaxBacklog: isBoolean,
  bloatReduction: oneOf('fq_codel', 'none'),
  egressUniqueFlowPerContainer: isBoolean,
  egressFlowClassifierParent: isFlowParent,
  ...RATE_CHECKS,
  fragments: oneOf('drop', 'allow'),
  multicast: oneOf('drop', 'allow'),
  hostAccess: anything,
  withoutBridge: oneOf('refuse', 'accept'),
  ...STATISTICS_CHECKS,
}

const ISOLATE_CHECKS: Checks<IsolateOptions> = {
  netns: isNetns,
  ports: anything,
  pid: isPid,
  cpus: isCpus,
  egressRateLimit: isRate,
  ingressRateLimit: isRate,
}

const { netns: _netns, pid: _pid, ...UPDATE_CHECKS } = ISOLATE_CHECKS

/**
 * Checks the options one by one and fills in defaults. What needs to know the host, such as overlaps with its ephemeral
 * range, is checked by `checkPortPlan`.
 *
 * @throws IsolatorError ERR_INVALID_OPTION, naming the option, for a value of the wrong type and for unknown names
 */
export function parseOptions(options: PortMappingIsolatorOptions): IsolatorOptions {
  checkEach(options, ISOLATOR_CHECKS)
  if (options.ephemeralPorts === undefined)
    throw refuse('ephemeralPorts', undefined, "ranges such as '32768-57344'")
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
    statistics: parseStatisticsOptions(options),
  }
}

function hostServices(
  hostAccess: PortMappingIsolatorOptions['hostAccess'] = 'allow',
): PortRanges | undefined {
  if (hostAccess === 'allow') return undefined
  return hostAccess === 'deny' ? PortRanges.empty : PortRanges.from(hostAccess, 'hostAccess')
}

/**
 * Checks what `isolate` is given, likewise.
 *
 * @throws IsolatorError ERR_INVALID_OPTION
 */
export function checkIsolateOptions(options: IsolateOptions): IsolateOptions {
  checkEach(options, ISOLATE_CHECKS)
  isNetns(options.netns, 'netns')
  return options
}

/**
 * Checks what `update` is given, likewise.
 *
 * @throws IsolatorError ERR_INVALID_OPTION
 */
export function checkUpdateOptions(options: UpdateOptions): UpdateOptions {
  checkEach(options, UPDATE_CHECKS)
  return options
}

/** `'root'`, or a class as `tc` writes it. */
function isFlowParent(value: unknown, option: string): void {
  if (value === 'root' || (typeof value === 'string' && /^[0-9a-f]{1,4}:[0-9a-f]{1,4}$/i.test(value))) return
  throw refuse(option, value, "'root' or a class of the public interface such as '1:10'")
}
