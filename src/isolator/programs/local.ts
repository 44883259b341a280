import { byteAt, equal, halfAt, when, whenOneOf, wordAt, type Block } from '../../tc/classic-bpf/blocks.js'
import { ipv4ToNumber } from '../../netlink/codec/addresses.js'
import { assemble, type Program } from '../../tc/classic-bpf/program.js'
import type { PortRanges } from '../ports/port-ranges.js'
import {
  DESTINATION_PORT,
  ETH_TYPE,
  IPV4_DESTINATION,
  IPV4_FIELDS,
  IPV4_FRAGMENT,
  IPV4_PROTOCOL,
  IPV4_SOURCE,
  SOURCE_PORT,
} from './frame-offsets.js'
import { ownFrame, plainIpv4, toHost } from './frame-rules.js'
import { ETH_P_IPV6, IP_MF, IP_OFFSET, IPPROTO_ICMP, LOCALHOST, PORT_PROTOCOLS } from './frame-values.js'
import { mustBeIn, mustBeOneOf, mustEqual, mustHaveNoneOf, mustNotBeIn } from './frame-requirements.js'
import { onlyToAllowedPorts, type HostAccess } from './host-access.js'
import { local6 } from './local6.js'
import type { SharedInet6 } from './shared-inet6.js'
import { localUnreachable } from './unreachable.js'
import { match } from './verdicts.js'

/** What LOCAL depends on. */
export interface LocalOptions {
  /** The host's IPv4 address. */
  readonly address: string
  /** The host's other addresses that containers reach. Default: none. */
  readonly hostAddresses?: readonly string[] | undefined
  /** What of IPv6 containers share with the host. Default: nothing, IPv6 is off. */
  readonly inet6?: SharedInet6 | undefined
  /** The host's MAC address. */
  readonly mac: string
  /** All ports of the container, ephemeral ones included. */
  readonly ports: PortRanges
  /** Default: every port of the host may be opened, as in Mesos. */
  readonly hostAccess?: HostAccess | undefined
}

/**
 * LOCAL, a classifier on a container's veth: what goes on to the host's `lo`: to the host and other containers by the
 * shared address or by 127.0.0.1, and to the host alone by its other addresses and other loopback addresses.
 *
 * Whole datagrams of the port protocols, from the shared address or 127.0.0.1 and a port of the container's own. Not to such a
 * port: that never needs the host, and a rewritten frame could circle for ever. And "unreachable" about a packet to such
 * a port, which goes to whoever sent that packet.
 */
export function local({ address, hostAddresses = [], inet6, mac, ports, hostAccess }: LocalOptions): Program {
  const shared = ipv4ToNumber(address)
  const others = hostAddresses.map(ipv4ToNumber)
  const ofContainers = [shared, LOCALHOST]
  return assemble(
    ownFrame(mac),
    inet6 ? halfAt(ETH_TYPE, when(equal(ETH_P_IPV6), local6(inet6, ports, hostAccess))) : [],
    plainIpv4,
    toHost([shared, ...others]),
    wordAt(IPV4_SOURCE, mustBeOneOf(ofContainers)),
    others.length > 0 ? notFromLoopbackTo(others, shared) : [],
    halfAt(IPV4_FRAGMENT, mustHaveNoneOf(IP_MF | IP_OFFSET)),
    byteAt(IPV4_PROTOCOL, when(equal(IPPROTO_ICMP), localUnreachable(ports)), mustBeOneOf(PORT_PROTOCOLS)),
    halfAt(SOURCE_PORT, mustBeIn(ports)),
    halfAt(DESTINATION_PORT, mustNotBeIn(ports)),
    hostAccess ? onlyToAllowedPorts(hostAccess, IPV4_FIELDS, toContainers(ofContainers)) : [],
    match,
  )
}

/** The host may have given such an address up a moment ago: it would forward the packet, which no loopback address may leave it with. */
const notFromLoopbackTo = (addresses: readonly number[], shared: number): Block =>
  wordAt(IPV4_DESTINATION, whenOneOf(addresses, wordAt(IPV4_SOURCE, mustEqual(shared))))

const toContainers =
  (addresses: readonly number[]) =>
  (block: Block): Block =>
    wordAt(IPV4_DESTINATION, whenOneOf(addresses, block))
