import { byteAt, equal, halfAt, unless, when, wordAt } from '../../tc/classic-bpf/blocks.js'
import { ipv4ToNumber } from '../../netlink/codec/addresses.js'
import { assemble, type Program } from '../../tc/classic-bpf/program.js'
import { ETH_TYPE, IPV4_DESTINATION, IPV4_SOURCE } from './frame-offsets.js'
import { ETH_P_IP, LOOPBACK_NETWORK } from './frame-values.js'
import { drop, nextFilter } from './verdicts.js'

/**
 * MARTIAN, direct action on the public interface, before everything else: nobody on the wire may use the host's own
 * address as source, or a loopback address at all. All later filters trust the source address.
 *
 * @param address the host's IPv4 address
 */
export function martian(address: string): Program {
  return assemble(
    halfAt(ETH_TYPE, unless(equal(ETH_P_IP), nextFilter)),
    wordAt(IPV4_SOURCE, when(equal(ipv4ToNumber(address)), drop)),
    byteAt(IPV4_SOURCE, when(equal(LOOPBACK_NETWORK), drop)),
    byteAt(IPV4_DESTINATION, when(equal(LOOPBACK_NETWORK), drop)),
    nextFilter,
  )
}
