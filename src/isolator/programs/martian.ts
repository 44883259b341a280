import { isDeepStrictEqual } from 'node:util'
import {
  ancillary,
  byteAt,
  equal,
  halfAt,
  mask,
  sequence,
  unless,
  when,
  wordAt,
} from '../../tc/classic-bpf/blocks.js'
import { ipv4ToNumber, numberToIpv4 } from '../../netlink/codec/addresses.js'
import { SKF_AD_VLAN_TAG } from '../../tc/classic-bpf/instruction.js'
import { assemble, type Program } from '../../tc/classic-bpf/program.js'
import { ETH_TYPE, INNER_VLAN_TCI, IPV4_DESTINATION, IPV4_SOURCE } from './frame-offsets.js'
import { ETH_P_8021AD, ETH_P_8021Q, ETH_P_IP, LOOPBACK_NETWORK, VLAN_VID_MASK } from './frame-values.js'
import { drop, nextFilter } from './verdicts.js'

/**
 * MARTIAN, direct action on the public interface, before everything else: nobody on the wire may use the host's own
 * address as source, or a loopback address at all. All later filters trust the source address.
 *
 * @param address the host's IPv4 address
 */
export function martian(address: string): Program {
  return assemble(
    halfAt(
      ETH_TYPE,
      when(equal(ETH_P_8021Q), behindTag),
      when(equal(ETH_P_8021AD), behindTag),
      unless(equal(ETH_P_IP), nextFilter),
    ),
    wordAt(IPV4_SOURCE, when(equal(ipv4ToNumber(address)), drop)),
    byteAt(IPV4_SOURCE, when(equal(LOOPBACK_NETWORK), drop)),
    byteAt(IPV4_DESTINATION, when(equal(LOOPBACK_NETWORK), drop)),
    nextFilter,
  )
}

/** The address that a program is MARTIAN for; undefined for any other program. */
export function martianAddress(program: Program): string | undefined {
  const [other, another] = [martian('0.0.0.1'), martian('0.0.0.2')]
  const at = other.findIndex(({ k }, i) => k !== another[i]?.k)
  const address = program[at] && numberToIpv4(program[at].k)
  return address !== undefined && isDeepStrictEqual(program, martian(address)) ? address : undefined
}

const whenVid0 = (block: ReturnType<typeof when>) => sequence(mask(VLAN_VID_MASK), when(equal(0), block))

/**
 * A tag behind a tag. The kernel takes any number of priority tags (VID 0) off a frame, after the filters, so that two
 * would hide an address from them; nobody sends two. A tag of a real VLAN behind a priority tag is the host's business.
 */
const behindTag = sequence(
  ancillary(SKF_AD_VLAN_TAG, whenVid0(halfAt(INNER_VLAN_TCI, whenVid0(drop)))),
  nextFilter,
)
