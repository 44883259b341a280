import { byteAt, halfAt, packetLength, sequence, type Block } from '../../tc/classic-bpf/blocks.js'
import type { PortRanges } from '../ports/port-ranges.js'
import {
  ICMPV6_TYPE,
  IPV6_DESTINATION,
  IPV6_SOURCE,
  QUOTED6_DESTINATION,
  QUOTED6_DESTINATION_PORT,
  QUOTED6_END,
  QUOTED6_NEXT_HEADER,
  QUOTED6_SOURCE,
  QUOTED6_SOURCE_PORT,
  QUOTED6_VERSION,
} from './frame-offsets.js'
import { ICMPV6_PORT_UNREACH, ICMPV6_UNK_NEXTHDR, PORT_PROTOCOLS } from './frame-values.js'
import { sameAddressAt, version6At } from './frame-rules.js'
import { mustBeAtLeast, mustBeIn, mustBeOneOf, mustNotBeIn } from './frame-requirements.js'
import { match } from './verdicts.js'

/**
 * "No such port" or "unrecognized next header" about a packet that came to a port of the container, back to where that packet
 * came from: what IPv4's "port unreachable" and "protocol unreachable" are. Of a packet known to be ICMPv6 behind a plain
 * IPv6 header. Matches or does not, never falls off its end.
 */
export const unreachable6 = (ports: PortRanges): Block => sequence(aboutOwnPort(ports), match)

/** The same between the containers and the host: the quoted source port tells whose the error is. */
export const localUnreachable6 = (ports: PortRanges): Block =>
  sequence(aboutOwnPort(ports), halfAt(QUOTED6_SOURCE_PORT, mustNotBeIn(ports)), match)

const aboutOwnPort = (ports: PortRanges): Block =>
  sequence(
    halfAt(ICMPV6_TYPE, mustBeOneOf([ICMPV6_PORT_UNREACH, ICMPV6_UNK_NEXTHDR])),
    packetLength(mustBeAtLeast(QUOTED6_END)),
    version6At(QUOTED6_VERSION),
    sameAddressAt(IPV6_SOURCE, QUOTED6_DESTINATION),
    sameAddressAt(IPV6_DESTINATION, QUOTED6_SOURCE),
    byteAt(QUOTED6_NEXT_HEADER, mustBeOneOf(PORT_PROTOCOLS)),
    halfAt(QUOTED6_DESTINATION_PORT, mustBeIn(ports)),
  )
