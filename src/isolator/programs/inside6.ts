import { byteAt, equal, halfAt, when } from '../../tc/classic-bpf/blocks.js'
import { assemble, type Program } from '../../tc/classic-bpf/program.js'
import type { PortRanges } from '../ports/port-ranges.js'
import { ETH_TYPE, IPV6_DESTINATION, IPV6_FIELDS, IPV6_NEXT_HEADER } from './frame-offsets.js'
import { mustBeAddressAt } from './frame-rules.js'
import { ETH_P_IPV6, IPPROTO_ICMPV6, LOOPBACK6, PORT_PROTOCOLS } from './frame-values.js'
import { mustBeOneOf, mustEqual, mustNotBeIn } from './frame-requirements.js'
import type { SharedInet6 } from './shared-inet6.js'
import { localUnreachable6 } from './unreachable6.js'
import { match } from './verdicts.js'

/**
 * INSIDE6, what INSIDE is for IPv6: port traffic to a shared address or `::1` for ports that are not the container's own, and
 * errors about a packet from elsewhere to a port of its own. All else stays inside.
 *
 * @param ports all ports of the container, ephemeral ones included
 */
export const inside6 = ({ addresses }: Pick<SharedInet6, 'addresses'>, ports: PortRanges): Program =>
  assemble(
    isIpv6,
    mustBeAddressAt(IPV6_DESTINATION, [...addresses, LOOPBACK6]),
    byteAt(
      IPV6_NEXT_HEADER,
      when(equal(IPPROTO_ICMPV6), localUnreachable6(ports)),
      mustBeOneOf(PORT_PROTOCOLS),
    ),
    halfAt(IPV6_FIELDS.destinationPort, mustNotBeIn(ports)),
    match,
  )

const isIpv6 = halfAt(ETH_TYPE, mustEqual(ETH_P_IPV6))

/** Whether a program is INSIDE6, of whatever addresses and ports. */
export const isInside6 = (program: Program): boolean =>
  [...isIpv6, ...BEGINNING].every(({ code, k }, i) => program[i]?.code === code && program[i]?.k === k)

/** The first word of the destination is loaded, whatever it is compared with. */
const BEGINNING = mustBeAddressAt(IPV6_DESTINATION, [LOOPBACK6]).slice(0, 1)
