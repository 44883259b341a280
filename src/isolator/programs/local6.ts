import { byteAt, equal, halfAt, sequence, when, type Block } from '../../tc/classic-bpf/blocks.js'
import type { PortRanges } from '../ports/port-ranges.js'
import { IPV6_DESTINATION, IPV6_FIELDS, IPV6_NEXT_HEADER, IPV6_SOURCE } from './frame-offsets.js'
import { mustBeAddressAt, plainIpv6 } from './frame-rules.js'
import { IPPROTO_ICMPV6, LOOPBACK6, PORT_PROTOCOLS } from './frame-values.js'
import { mustBeIn, mustBeOneOf, mustNotBeIn } from './frame-requirements.js'
import { onlyToAllowedPorts, type HostAccess } from './host-access.js'
import type { SharedInet6 } from './shared-inet6.js'
import { match } from './verdicts.js'
import { localUnreachable6 } from './unreachable6.js'

/**
 * LOCAL for IPv6: to the host and other containers by a shared address or `::1`. Extension headers, fragments among them,
 * are no port protocols. Matches or does not, never falls off its end.
 */
export function local6(
  { addresses }: SharedInet6,
  ports: PortRanges,
  hostAccess: HostAccess | undefined,
): Block {
  const ofContainers = [...addresses, LOOPBACK6]
  const { sourcePort, destinationPort } = IPV6_FIELDS
  return sequence(
    plainIpv6,
    mustBeAddressAt(IPV6_DESTINATION, ofContainers),
    mustBeAddressAt(IPV6_SOURCE, ofContainers),
    byteAt(
      IPV6_NEXT_HEADER,
      when(equal(IPPROTO_ICMPV6), localUnreachable6(ports)),
      mustBeOneOf(PORT_PROTOCOLS),
    ),
    halfAt(sourcePort, mustBeIn(ports)),
    halfAt(destinationPort, mustNotBeIn(ports)),
    hostAccess ? onlyToAllowedPorts(hostAccess, IPV6_FIELDS, block => block) : [],
    match,
  )
}
