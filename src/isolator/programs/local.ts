import {
  byteAt,
  equal,
  halfAt,
  mask,
  sequence,
  when,
  whenOneOf,
  wordAt,
  type Block,
} from '../../tc/classic-bpf/blocks.js'
import { ipv4ToNumber } from '../../netlink/codec/addresses.js'
import { assemble, type Program } from '../../tc/classic-bpf/program.js'
import type { PortRanges } from '../ports/port-ranges.js'
import {
  DCCP_TYPE,
  DESTINATION_PORT,
  IPV4_DESTINATION,
  IPV4_FRAGMENT,
  IPV4_PROTOCOL,
  IPV4_SOURCE,
  SCTP_FIRST_CHUNK,
  SOURCE_PORT,
  TCP_FLAGS,
} from './frame-offsets.js'
import { ownFrame, plainIpv4, toHost } from './frame-rules.js'
import {
  DCCP_PKT_REQUEST,
  DCCP_TYPE_MASK,
  IP_MF,
  IP_OFFSET,
  IPPROTO_DCCP,
  IPPROTO_ICMP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  LOCALHOST,
  PORT_PROTOCOLS,
  SCTP_CID_INIT,
  TCP_ACK,
  TCP_SYN,
} from './frame-values.js'
import {
  matchIfIn,
  mustBeIn,
  mustBeOneOf,
  mustEqual,
  mustHaveNoneOf,
  mustNotBeIn,
  mustNotEqual,
} from './frame-requirements.js'
import { localUnreachable } from './unreachable.js'
import { match } from './verdicts.js'

/** Which ports of the host a container may open, when not all of them. */
export interface HostAccess {
  /** Ports of host services that containers may use. */
  readonly services: PortRanges
  /** All ports given to containers. */
  readonly managed: PortRanges
  /** The host's own ephemeral ports: what its clients wait at for answers. */
  readonly hostEphemeral: PortRanges
}

/** What LOCAL depends on. */
export interface LocalOptions {
  /** The host's IPv4 address. */
  readonly address: string
  /** The host's other addresses that containers reach. Default: none. */
  readonly hostAddresses?: readonly string[] | undefined
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
export function local({ address, hostAddresses = [], mac, ports, hostAccess }: LocalOptions): Program {
  const shared = ipv4ToNumber(address)
  const others = hostAddresses.map(ipv4ToNumber)
  const ofContainers = [shared, LOCALHOST]
  return assemble(
    ownFrame(mac),
    plainIpv4,
    toHost([shared, ...others]),
    wordAt(IPV4_SOURCE, mustBeOneOf(ofContainers)),
    others.length > 0 ? notFromLoopbackTo(others, shared) : [],
    halfAt(IPV4_FRAGMENT, mustHaveNoneOf(IP_MF | IP_OFFSET)),
    byteAt(IPV4_PROTOCOL, when(equal(IPPROTO_ICMP), localUnreachable(ports)), mustBeOneOf(PORT_PROTOCOLS)),
    halfAt(SOURCE_PORT, mustBeIn(ports)),
    halfAt(DESTINATION_PORT, mustNotBeIn(ports)),
    hostAccess ? onlyToAllowedPorts(hostAccess, ofContainers) : [],
    match,
  )
}

/** The host may have given such an address up a moment ago: it would forward the packet, which no loopback address may leave it with. */
const notFromLoopbackTo = (addresses: readonly number[], shared: number): Block =>
  wordAt(IPV4_DESTINATION, whenOneOf(addresses, wordAt(IPV4_SOURCE, mustEqual(shared))))

/**
 * Ports of containers are theirs at the addresses that containers have, and the host's at its others. To the host's ephemeral ports only answers to its clients may go. What
 * opens a connection is no answer: TCP's SYN, SCTP's INIT, DCCP's Request. UDP has no such packet and stays open, for
 * the answers of servers in containers; UDP-Lite has none either and is closed, since nobody's clients use it.
 */
function onlyToAllowedPorts(
  { services, managed, hostEphemeral }: HostAccess,
  ofContainers: readonly number[],
): Block {
  return sequence(
    wordAt(IPV4_DESTINATION, whenOneOf(ofContainers, halfAt(DESTINATION_PORT, matchIfIn(managed)))),
    halfAt(DESTINATION_PORT, matchIfIn(services), mustBeIn(hostEphemeral)),
    byteAt(
      IPV4_PROTOCOL,
      when(equal(IPPROTO_TCP), byteAt(TCP_FLAGS, mask(TCP_SYN | TCP_ACK), mustNotEqual(TCP_SYN), match)),
      when(equal(IPPROTO_SCTP), byteAt(SCTP_FIRST_CHUNK, mustNotEqual(SCTP_CID_INIT), match)),
      when(
        equal(IPPROTO_DCCP),
        byteAt(DCCP_TYPE, mask(DCCP_TYPE_MASK), mustNotEqual(DCCP_PKT_REQUEST), match),
      ),
      mustEqual(IPPROTO_UDP),
    ),
  )
}
