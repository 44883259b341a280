import { byteAt, equal, halfAt, when } from '../../tc/classic-bpf/blocks.js'
import { assemble, type Program } from '../../tc/classic-bpf/program.js'
import { ETH_TYPE, ICMPV6_TYPE, IPV4_PROTOCOL, IPV6_NEXT_HEADER } from './frame-offsets.js'
import { ETH_P_ARP, ETH_P_IPV6, IPPROTO_ICMPV6, NDISC_NEIGHBOUR_ADVERTISEMENT } from './frame-values.js'
import { mustEqual } from './frame-requirements.js'
import { match } from './verdicts.js'

/** A classifier of frames of one EtherType, and of one protocol behind an IPv4 header, with a priority tag or without. */
export const ofProtocol = (etherType: number, ipProtocol?: number): Program =>
  assemble(
    halfAt(ETH_TYPE, mustEqual(etherType)),
    ipProtocol === undefined ? [] : byteAt(IPV4_PROTOCOL, mustEqual(ipProtocol)),
    match,
  )

/** A classifier of what tells a MAC address: ARP, and neighbour advertisements of IPv6. */
export const ofNeighbours: Program = assemble(
  halfAt(ETH_TYPE, when(equal(ETH_P_ARP), match), mustEqual(ETH_P_IPV6)),
  byteAt(IPV6_NEXT_HEADER, mustEqual(IPPROTO_ICMPV6)),
  byteAt(ICMPV6_TYPE, mustEqual(NDISC_NEIGHBOUR_ADVERTISEMENT)),
  match,
)
