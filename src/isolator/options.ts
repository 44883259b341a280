import type { NetnsReference } from '../netns/network-namespace.js'
import {
  anything,
  checkEach,
  isAddress,
  isInterfaceName,
  isNetns,
  isNumber,
  oneOf,
  refuse,
  type Checks,
} from './option-checks.js'
import { PortRanges, type PortRangesInput } from './port-ranges.js'

/** What `PortMappingIsolator.create` takes. Mesos's flags keep their names in camelCase, the two interfaces apart. */
export interface PortMappingIsolatorOptions {
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
}

/** What a container is given. */
export interface IsolateOptions {
  /** Its network namespace: open, a path, a name in /run/netns, or the pid of a process in it. Not the host's. */
  netns: NetnsReference
  /** Its non-ephemeral ports, out of the isolator's `ports`. Default: none. Ends are inclusive. */
  ports?: PortRangesInput | undefined
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
}

const ISOLATE_CHECKS: Checks<IsolateOptions> = {
  netns: isNetns,
  ports: anything,
}

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
  }
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
