import {
  anyBitOf,
  atLeast,
  byteAt,
  equal,
  halfAt,
  sequence,
  unless,
  when,
  wordAt,
  type Block,
} from '../../tc/classic-bpf/blocks.js'
import { ipv4ToNumber } from '../../netlink/codec/addresses.js'
import { assemble, type Program } from '../../tc/classic-bpf/program.js'
import type { PortRanges } from '../ports/port-ranges.js'
import {
  ARP_HARDWARE_AND_PROTOCOL_TYPE,
  ARP_LENGTHS_AND_OPERATION,
  ARP_SENDER_IP,
  ARP_SENDER_MAC,
  ETH_DESTINATION,
  ETH_TYPE,
  ICMP_CODE,
  ICMP_TYPE,
  IPV4_DESTINATION,
  IPV4_FRAGMENT,
  IPV4_PROTOCOL,
  IPV4_SOURCE,
  SOURCE_PORT,
} from './frame-offsets.js'
import { ownFrame, plainIpv4 } from './frame-rules.js'
import {
  ETH_P_ARP,
  ETH_P_IPV6,
  GROUP_ADDRESS,
  ICMP_ECHO,
  IP_MF,
  IP_OFFSET,
  IPPROTO_ICMP,
  IPPROTO_UDP,
  LOOPBACK_NETWORK,
  macWords,
  PORT_PROTOCOLS,
} from './frame-values.js'
import {
  mustBeBelow,
  mustBeIn,
  mustBeNoneOf,
  mustBeOneOf,
  mustEqual,
  mustHaveNoneOf,
  mustNotEqual,
} from './frame-requirements.js'
import type { SharedInet6 } from './shared-inet6.js'
import { unreachable } from './unreachable.js'
import { match, noMatch } from './verdicts.js'
import { wire6 } from './wire6.js'

/** ar_hrd 1 (Ethernet), ar_pro 0x0800 (IPv4), as one word (RFC 826). */
const ARP_ETHERNET_IPV4 = 0x0001_0800
/** ar_hln 6, ar_pln 4, ar_op 1 (request), as one word (RFC 826). */
const ARP_REQUEST = 0x0604_0001
const THIS_NETWORK = 0
/** First byte of multicast addresses. */
const FIRST_MULTICAST_NETWORK = 224
/** First byte of reserved addresses, and behind them of the broadcast address. */
const FIRST_RESERVED_NETWORK = 240
const BROADCAST = 0xffff_ffff

/** What WIRE depends on. */
export interface WireOptions {
  /** The host's IPv4 address. */
  readonly address: string
  /** The host's other addresses that containers reach, which are not on the wire. Default: none. */
  readonly hostAddresses?: readonly string[] | undefined
  /** What of IPv6 containers share with the host. Default: nothing, IPv6 is off. */
  readonly inet6?: SharedInet6 | undefined
  /** The host's MAC address. */
  readonly mac: string
  /** All ports of the container, ephemeral ones included. */
  readonly ports: PortRanges
  /** `'allow'` lets fragmented UDP out, of which only first fragments can be checked. Default: `'drop'`. */
  readonly fragments?: 'drop' | 'allow' | undefined
  /** `'allow'` lets UDP to multicast and broadcast addresses out. Default: `'drop'`. */
  readonly multicast?: 'drop' | 'allow' | undefined
}

/**
 * WIRE, a classifier on a container's veth: what goes out of the public interface.
 *
 * ARP requests for the host's own identity; IPv4 from the host's address to unicast addresses elsewhere: port
 * protocols from a port of the container's own, echo requests, and unreachables about packets to such a port.
 */
export function wire({
  address,
  hostAddresses = [],
  inet6,
  mac,
  ports,
  fragments = 'drop',
  multicast = 'drop',
}: WireOptions): Program {
  const host = ipv4ToNumber(address)
  return assemble(
    ownFrame(mac),
    halfAt(
      ETH_TYPE,
      inet6 ? when(equal(ETH_P_IPV6), wire6(inet6, { mac, ports, multicast })) : [],
      when(equal(ETH_P_ARP), arpRequest(host, mac)),
    ),
    plainIpv4,
    wordAt(IPV4_SOURCE, mustEqual(host)),
    wordAt(IPV4_DESTINATION, mustNotEqual(host), mustBeNoneOf(hostAddresses.map(ipv4ToNumber))),
    multicast === 'allow'
      ? byteAt(IPV4_DESTINATION, when(atLeast(FIRST_MULTICAST_NETWORK), groupUdp(ports)))
      : [],
    unicast,
    halfAt(IPV4_FRAGMENT, fragments === 'allow' ? onlyUdpFragments : mustHaveNoneOf(IP_MF | IP_OFFSET)),
    byteAt(IPV4_PROTOCOL, when(equal(IPPROTO_ICMP), icmp(ports)), mustBeOneOf(PORT_PROTOCOLS)),
    halfAt(SOURCE_PORT, mustBeIn(ports)),
    match,
  )
}

/** To one address, which is neither multicast nor anything else special, in a frame for one. */
const unicast = sequence(
  byteAt(ETH_DESTINATION, mustHaveNoneOf(GROUP_ADDRESS)),
  byteAt(
    IPV4_DESTINATION,
    mustNotEqual(THIS_NETWORK),
    mustNotEqual(LOOPBACK_NETWORK),
    mustBeBelow(FIRST_MULTICAST_NETWORK),
  ),
)

/** UDP from a port of the container to multicast or to the limited broadcast address, in a frame for many. */
const groupUdp = (ports: PortRanges): Block =>
  sequence(
    wordAt(
      IPV4_DESTINATION,
      unless(equal(BROADCAST), byteAt(IPV4_DESTINATION, mustBeBelow(FIRST_RESERVED_NETWORK))),
    ),
    byteAt(ETH_DESTINATION, unless(anyBitOf(GROUP_ADDRESS), noMatch)),
    halfAt(IPV4_FRAGMENT, mustHaveNoneOf(IP_MF | IP_OFFSET)),
    byteAt(IPV4_PROTOCOL, mustEqual(IPPROTO_UDP)),
    halfAt(SOURCE_PORT, mustBeIn(ports)),
    match,
  )

/** An Ethernet/IPv4 request whose sender is the host: replies and other senders could take addresses over. */
function arpRequest(host: number, mac: string): Block {
  const { high, low } = macWords(mac)
  return sequence(
    wordAt(ARP_HARDWARE_AND_PROTOCOL_TYPE, mustEqual(ARP_ETHERNET_IPV4)),
    wordAt(ARP_LENGTHS_AND_OPERATION, mustEqual(ARP_REQUEST)),
    wordAt(ARP_SENDER_MAC, mustEqual(high)),
    halfAt(ARP_SENDER_MAC + 4, mustEqual(low)),
    wordAt(ARP_SENDER_IP, mustEqual(host)),
    match,
  )
}

/** Later fragments carry no ports to check; first fragments go on to the port rules. */
const onlyUdpFragments: Block = sequence(
  when(anyBitOf(IP_OFFSET), byteAt(IPV4_PROTOCOL, mustEqual(IPPROTO_UDP), match)),
  when(anyBitOf(IP_MF), byteAt(IPV4_PROTOCOL, mustEqual(IPPROTO_UDP))),
)

/** An echo request, or "unreachable" about a packet to a port of the container. */
function icmp(ports: PortRanges): Block {
  const echoRequest = byteAt(ICMP_CODE, mustEqual(0), match)
  return sequence(byteAt(ICMP_TYPE, when(equal(ICMP_ECHO), echoRequest)), unreachable(ports))
}
