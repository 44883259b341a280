import { ipv6ToWords } from '../../netlink/codec/addresses.js'
import {
  byteAt,
  copyToX,
  equal,
  halfAt,
  mask,
  sequence,
  unless,
  when,
  withBits,
  wordAt,
  type Block,
} from '../../tc/classic-bpf/blocks.js'
import type { PortRanges } from '../ports/port-ranges.js'
import {
  ETH_DESTINATION,
  ICMPV6_CODE,
  ICMPV6_TYPE,
  IPV6_DESTINATION,
  IPV6_FIELDS,
  IPV6_HOP_LIMIT,
  IPV6_NEXT_HEADER,
  IPV6_PAYLOAD_LENGTH,
  IPV6_SOURCE,
  ND_OPTION,
  ND_OPTION_MAC,
  ND_TARGET,
} from './frame-offsets.js'
import { mustBeAddressAt, mustBeNoAddressAt, plainIpv6, sameAddressAt } from './frame-rules.js'
import {
  GROUP_ADDRESS,
  ICMPV6_ECHO_REQUEST,
  IPPROTO_ICMPV6,
  IPPROTO_UDP,
  macWords,
  ND_HOP_LIMIT,
  NDISC_NEIGHBOUR_SOLICITATION,
  PORT_PROTOCOLS,
} from './frame-values.js'
import {
  mustBeIn,
  mustBeOneOf,
  mustEqual,
  mustEqualX,
  mustHaveNoneOf,
  mustNotEqual,
} from './frame-requirements.js'
import { allOf, type SharedInet6 } from './shared-inet6.js'
import { unreachable6 } from './unreachable6.js'
import { match } from './verdicts.js'

/** First byte of multicast addresses, ff00::/8. */
const MULTICAST = 0xff
/** First word of link-local addresses, and the ten bits that all of fe80::/10 have. */
const LINK_LOCAL = 0xfe80_0000
const LINK_LOCAL_MASK = 0xffc0_0000
/** First two bytes of the MAC of a multicast address, before its last four bytes (RFC 2464, section 7). */
const MULTICAST_MAC = 0x3333
/** What the solicited-node address of an address begins with, before its last three bytes (RFC 4291, section 2.7.1). */
const SOLICITED_NODE = ipv6ToWords('ff02::1:ff00:0')
/** Source link-layer address, one unit of 8 bytes (RFC 4861, section 4.6.1). */
const SOURCE_MAC_OPTION = 0x0101
/** A neighbour solicitation with that option and no other. */
const SOLICITATION_LENGTH = 32

/**
 * WIRE for IPv6: from a shared address, or the host's link-local one within the link, to unicast addresses elsewhere: port
 * protocols from a port of the container's own, echo requests, errors about packets to such a port, and solicitations of
 * neighbours that it may look for. No extension headers, and no other ICMPv6: neither advertisements nor redirects, nor reports of
 * groups. Matches or does not, never falls off its end.
 */
export function wire6(
  inet6: SharedInet6,
  {
    mac,
    ports,
    multicast,
  }: { readonly mac: string; readonly ports: PortRanges; readonly multicast: 'drop' | 'allow' },
): Block {
  const { addresses, linkLocal } = inet6
  const source = linkLocal === undefined ? addresses : [...addresses, linkLocal]
  return sequence(
    plainIpv6,
    mustBeAddressAt(IPV6_SOURCE, source),
    byteAt(
      IPV6_NEXT_HEADER,
      when(
        equal(IPPROTO_ICMPV6),
        byteAt(ICMPV6_TYPE, when(equal(NDISC_NEIGHBOUR_SOLICITATION), solicitation(inet6, mac))),
      ),
    ),
    multicast === 'allow' ? byteAt(IPV6_DESTINATION, when(equal(MULTICAST), groupUdp(ports))) : [],
    unicast(inet6),
    linkLocal === undefined ? [] : withinLink,
    byteAt(IPV6_NEXT_HEADER, when(equal(IPPROTO_ICMPV6), icmp(ports)), mustBeOneOf(PORT_PROTOCOLS)),
    halfAt(IPV6_FIELDS.sourcePort, mustBeIn(ports)),
    match,
  )
}

/**
 * To one address, in a frame for one. Addresses that begin with 32 zero bits are none on a wire: `::`, `::1`, mapped and
 * compatible IPv4 ones.
 */
const unicast = (inet6: SharedInet6): Block =>
  sequence(
    byteAt(ETH_DESTINATION, mustHaveNoneOf(GROUP_ADDRESS)),
    byteAt(IPV6_DESTINATION, mustNotEqual(MULTICAST)),
    wordAt(IPV6_DESTINATION, mustNotEqual(0)),
    mustBeNoAddressAt(IPV6_DESTINATION, allOf(inet6)),
  )

/** A link-local address speaks to such addresses only. */
const withinLink: Block = wordAt(
  IPV6_SOURCE,
  mask(LINK_LOCAL_MASK),
  when(equal(LINK_LOCAL), wordAt(IPV6_DESTINATION, mask(LINK_LOCAL_MASK), mustEqual(LINK_LOCAL))),
)

/** UDP from a port of the container to a group, in a frame for many. */
const groupUdp = (ports: PortRanges): Block =>
  sequence(
    halfAt(ETH_DESTINATION, mustEqual(MULTICAST_MAC)),
    byteAt(IPV6_NEXT_HEADER, mustEqual(IPPROTO_UDP)),
    halfAt(IPV6_FIELDS.sourcePort, mustBeIn(ports)),
    match,
  )

/**
 * A solicitation as the host itself sends it, its source address known to be the host's: with the host's MAC as its only option, or
 * it would teach the neighbour another one. To the target itself or to its solicited-node address.
 */
function solicitation(inet6: SharedInet6, mac: string): Block {
  const { high, low } = macWords(mac)
  const toTarget = sequence(
    byteAt(ETH_DESTINATION, mustHaveNoneOf(GROUP_ADDRESS)),
    sameAddressAt(IPV6_DESTINATION, ND_TARGET),
    match,
  )
  return sequence(
    byteAt(ICMPV6_CODE, mustEqual(0)),
    byteAt(IPV6_HOP_LIMIT, mustEqual(ND_HOP_LIMIT)),
    halfAt(IPV6_PAYLOAD_LENGTH, mustEqual(SOLICITATION_LENGTH)),
    halfAt(ND_OPTION, mustEqual(SOURCE_MAC_OPTION)),
    wordAt(ND_OPTION_MAC, mustEqual(high)),
    halfAt(ND_OPTION_MAC + 4, mustEqual(low)),
    mayBeSolicited(inet6),
    byteAt(IPV6_DESTINATION, unless(equal(MULTICAST), toTarget)),
    ...SOLICITED_NODE.slice(0, 3).map((word, i) => wordAt(IPV6_DESTINATION + 4 * i, mustEqual(word))),
    wordAt(ND_TARGET + 12, withBits(0xff00_0000), copyToX),
    wordAt(IPV6_DESTINATION + 12, mustEqualX),
    halfAt(ETH_DESTINATION, mustEqual(MULTICAST_MAC)),
    wordAt(ETH_DESTINATION + 2, mustEqualX),
    match,
  )
}

/** The neighbours that were named, or any unicast address but those of the host. */
const mayBeSolicited = (inet6: SharedInet6): Block =>
  inet6.solicited
    ? mustBeAddressAt(ND_TARGET, inet6.solicited)
    : sequence(
        byteAt(ND_TARGET, mustNotEqual(MULTICAST)),
        wordAt(ND_TARGET, mustNotEqual(0)),
        mustBeNoAddressAt(ND_TARGET, allOf(inet6)),
      )

/** An echo request, or an error about a packet to a port of the container. */
function icmp(ports: PortRanges): Block {
  const echoRequest = byteAt(ICMPV6_CODE, mustEqual(0), match)
  return sequence(byteAt(ICMPV6_TYPE, when(equal(ICMPV6_ECHO_REQUEST), echoRequest)), unreachable6(ports))
}
