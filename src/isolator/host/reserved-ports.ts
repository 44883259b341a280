import type { NetworkNamespace } from '../../netns/network-namespace.js'
import { PortRanges } from '../ports/port-ranges.js'

/** Ports that the kernel gives to nobody who does not ask for them by number; in the form of `'31000-32000,33000'`. */
export const RESERVED_PORTS = 'net.ipv4.ip_local_reserved_ports'

export const readReservedPorts = async (netns: NetworkNamespace): Promise<PortRanges> =>
  PortRanges.from(await netns.readSysctl(RESERVED_PORTS), RESERVED_PORTS)

/** Reserves ports beside those that are. */
export async function reservePorts(netns: NetworkNamespace, ports: PortRanges): Promise<void> {
  await netns.writeSysctl(RESERVED_PORTS, (await readReservedPorts(netns)).union(ports).toString())
}

/** Takes ports out of those that are reserved, and leaves what others have put there. */
export async function releasePorts(netns: NetworkNamespace, ports: PortRanges): Promise<void> {
  const left = (await readReservedPorts(netns)).subtract(ports)
  // The kernel takes an empty write for no write at all; a line break it takes for the empty list.
  await netns.writeSysctl(RESERVED_PORTS, left.size === 0 ? '\n' : left.toString())
}
