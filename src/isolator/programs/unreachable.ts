import { byteAt, halfAt, packetLength, sequence, type Block } from '../../tc/classic-bpf/blocks.js'
import type { PortRanges } from '../ports/port-ranges.js'
import {
  ICMP_CODE,
  ICMP_TYPE,
  IPV4_DESTINATION,
  IPV4_SOURCE,
  QUOTED_DESTINATION,
  QUOTED_DESTINATION_PORT,
  QUOTED_END,
  QUOTED_FRAGMENT,
  QUOTED_PROTOCOL,
  QUOTED_SOURCE,
  QUOTED_SOURCE_PORT,
  QUOTED_VERSION_AND_IHL,
} from './frame-offsets.js'
import {
  ICMP_DEST_UNREACH,
  ICMP_PORT_UNREACH,
  ICMP_PROT_UNREACH,
  IP_OFFSET,
  IPV4_WITHOUT_OPTIONS,
  PORT_PROTOCOLS,
} from './frame-values.js'
import {
  mustBeAtLeast,
  mustBeIn,
  mustBeOneOf,
  mustEqual,
  mustHaveNoneOf,
  mustNotBeIn,
} from './frame-requirements.js'
import { sameWordAt } from './frame-rules.js'
import { match } from './verdicts.js'

/**
 * "Port unreachable" or "protocol unreachable" about a packet that came to a port of the container, back to where that
 * packet came from: the one error that a container may report, as it is about itself. Of a packet known to be ICMP behind an IPv4 header without
 * options. Matches or does not, never falls off its end.
 */
export const unreachable = (ports: PortRanges): Block => sequence(aboutOwnPort(ports), match)

/**
 * The same between the containers and the host, which all have one address. Whose the error is, the quoted source port
 * tells: not one of the container's own, for such a packet never leaves it and a rewritten frame could circle for ever.
 */
export const localUnreachable = (ports: PortRanges): Block =>
  sequence(aboutOwnPort(ports), halfAt(QUOTED_SOURCE_PORT, mustNotBeIn(ports)), match)

const aboutOwnPort = (ports: PortRanges): Block =>
  sequence(
    byteAt(ICMP_TYPE, mustEqual(ICMP_DEST_UNREACH)),
    byteAt(ICMP_CODE, mustBeOneOf([ICMP_PROT_UNREACH, ICMP_PORT_UNREACH])),
    packetLength(mustBeAtLeast(QUOTED_END)),
    byteAt(QUOTED_VERSION_AND_IHL, mustEqual(IPV4_WITHOUT_OPTIONS)),
    halfAt(QUOTED_FRAGMENT, mustHaveNoneOf(IP_OFFSET)),
    sameWordAt(IPV4_SOURCE, QUOTED_DESTINATION),
    sameWordAt(IPV4_DESTINATION, QUOTED_SOURCE),
    byteAt(QUOTED_PROTOCOL, mustBeOneOf(PORT_PROTOCOLS)),
    halfAt(QUOTED_DESTINATION_PORT, mustBeIn(ports)),
  )
