import { ephemeralAlignment, ephemeralPlaces } from './ephemeral-places.js'
import { IsolatorError } from '../isolator-error.js'
import { PortRanges } from './port-ranges.js'

/** Ports that need CAP_NET_BIND_SERVICE and belong to the host's own services, as in Mesos. */
export const WELL_KNOWN_PORTS = PortRanges.from([[0, 1023]])

/** Mesos's MIN_EPHEMERAL_PORTS_SIZE: with fewer, a container's kernel finds no free port for its own connections. */
export const MINIMUM_EPHEMERAL_PORTS_PER_CONTAINER = 8

/** With `reserveHostPorts`, as many of the host's ephemeral ports must remain for the host's own connections. */
export const MINIMUM_HOST_EPHEMERAL_PORTS = 1024

/** The ports that an isolator is to manage, and those the host uses itself. */
export interface PortPlan {
  /** `ports`: the non-ephemeral ports, which containers ask for by number. May be empty. */
  readonly ports: PortRanges
  /** `ephemeralPorts`: divided among the containers. */
  readonly ephemeralPorts: PortRanges
  readonly ephemeralPortsPerContainer: number
  /** The host's net.ipv4.ip_local_port_range. */
  readonly hostEphemeralPorts: PortRanges
  /** The host's net.ipv4.ip_local_reserved_ports, without what this isolator itself put there. Default: none. */
  readonly hostReservedPorts?: PortRanges
  /** Whether the managed ports are to be kept out of the host's allocation by ip_local_reserved_ports. */
  readonly reserveHostPorts: boolean
}

/**
 * Refuses ports that cannot be managed soundly. These are the checks of Mesos's `PortMappingIsolatorProcess::create()`
 * with its gaps closed: the non-ephemeral ports are checked against the well-known ports and the host's as well, ends
 * are inclusive up to 65535, and the room for a container is counted as the allocator counts it.
 *
 * @throws IsolatorError ERR_INVALID_OPTION when there is no room for even one container
 * @throws IsolatorError ERR_PORTS_OVERLAP when two of the sets have ports in common. For an overlap with the host's
 *   ephemeral range the message and `details.sysctl` hold the command that moves that range out of the way
 */
export function checkPortPlan(plan: PortPlan): void {
  checkRoomForOneContainer(plan)
  const { ports, ephemeralPorts } = plan
  checkDisjoint('ephemeralPorts', ephemeralPorts, 'ports', ports)
  checkDisjoint('ports', ports, 'the well-known ports', WELL_KNOWN_PORTS)
  checkDisjoint('ephemeralPorts', ephemeralPorts, 'the well-known ports', WELL_KNOWN_PORTS)
  if (plan.reserveHostPorts) checkHostKeepsEnough(plan)
  else checkOffTheHostRange(plan)
}

function checkRoomForOneContainer({ ephemeralPorts, ephemeralPortsPerContainer: count }: PortPlan): void {
  if (!Number.isInteger(count) || count < MINIMUM_EPHEMERAL_PORTS_PER_CONTAINER) {
    throw invalid(
      'ephemeralPortsPerContainer',
      count,
      `ephemeralPortsPerContainer is ${count}: expected a whole number of at least ${MINIMUM_EPHEMERAL_PORTS_PER_CONTAINER}`,
    )
  }
  if (ephemeralPorts.size === 0) {
    throw invalid('ephemeralPorts', '', "ephemeralPorts is empty: expected ranges such as '32768-57344'")
  }
  if (ephemeralPlaces(ephemeralPorts, count).length === 0) {
    throw invalid(
      'ephemeralPorts',
      ephemeralPorts.toString(),
      `ephemeralPorts ${String(ephemeralPorts)} has no room for one container with ${count} ports in a row:` +
        ` widen it, begin it at a multiple of ${ephemeralAlignment(count)}, or lower ephemeralPortsPerContainer`,
    )
  }
}

function checkDisjoint(oneName: string, one: PortRanges, otherName: string, other: PortRanges): void {
  const common = one.intersect(other)
  if (common.size === 0) return
  throw overlap(
    `${oneName} ${String(one)} and ${otherName} ${String(other)} have ${String(common)} in common: they must be disjoint`,
    common,
  )
}

function checkHostKeepsEnough({
  hostEphemeralPorts,
  hostReservedPorts = PortRanges.empty,
  ...plan
}: PortPlan): void {
  const managed = managedPorts(plan)
  const common = managed.intersect(hostEphemeralPorts)
  const left = hostEphemeralPorts.subtract(managed).subtract(hostReservedPorts).size
  if (common.size === 0 || left >= MINIMUM_HOST_EPHEMERAL_PORTS) return
  throw overlap(
    `Reserving ${String(common)} would leave the host ${left} of its ephemeral ports ${String(hostEphemeralPorts)}:` +
      ` at least ${MINIMUM_HOST_EPHEMERAL_PORTS} must remain. Manage fewer ports, or widen net.ipv4.ip_local_port_range`,
    common,
  )
}

function checkOffTheHostRange({ hostEphemeralPorts, ...plan }: PortPlan): void {
  const managed = managedPorts(plan)
  const common = managed.intersect(hostEphemeralPorts)
  if (common.size === 0) return
  const problem = `The managed ports ${String(managed)} and the host's ephemeral ports ${String(hostEphemeralPorts)} have ${String(common)} in common`
  const sysctl = sysctlFor(hostEphemeralPorts, managed)
  if (!sysctl) {
    throw overlap(
      `${problem}, and no ${MINIMUM_HOST_EPHEMERAL_PORTS} ports in a row are left for the host`,
      common,
    )
  }
  throw overlap(`${problem}: run \`${sysctl}\` (and keep it in /etc/sysctl.d)`, common, { sysctl })
}

/** All ports that an isolator may give away. */
export function managedPorts({
  ports,
  ephemeralPorts,
}: Pick<PortPlan, 'ports' | 'ephemeralPorts'>): PortRanges {
  return ports.union(ephemeralPorts)
}

/** The command that gives the host the largest part of its range, or else of all ports, that is not managed. */
function sysctlFor(hostEphemeralPorts: PortRanges, managed: PortRanges): string | undefined {
  const allowed = PortRanges.from([[WELL_KNOWN_PORTS.size, 0xffff]]).subtract(managed)
  for (const candidates of [hostEphemeralPorts.intersect(allowed), allowed]) {
    const [begin, end] = longestOf(candidates)
    if (end - begin + 1 >= MINIMUM_HOST_EPHEMERAL_PORTS) {
      // The kernel warns about ends of the same parity: connect() takes ports of one parity, bind() of the other.
      const first = (begin ^ end) & 1 ? begin : begin + 1
      return `sysctl -w net.ipv4.ip_local_port_range="${first} ${end}"`
    }
  }
  return undefined
}

function longestOf(ranges: PortRanges): readonly [begin: number, end: number] {
  const length = ([begin, end]: readonly [number, number]) => end - begin
  return [...ranges].reduce((longest, range) => (length(range) > length(longest) ? range : longest), [0, -1])
}

function overlap(message: string, common: PortRanges, details: object = {}): IsolatorError {
  return new IsolatorError('ERR_PORTS_OVERLAP', message, {
    details: { ...details, overlap: common.toString() },
  })
}

function invalid(option: string, value: unknown, message: string): IsolatorError {
  return new IsolatorError('ERR_INVALID_OPTION', message, { details: { option, value } })
}
