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
  whenOneOf,
  wordAt,
} from '../../tc/classic-bpf/blocks.js'
import { ipv4ToNumber, numberToIpv4 } from '../../netlink/codec/addresses.js'
import { SKF_AD_VLAN_TAG } from '../../tc/classic-bpf/instruction.js'
import { assemble, type Program } from '../../tc/classic-bpf/program.js'
import { ETH_TYPE, INNER_VLAN_TCI, IPV4_DESTINATION, IPV4_SOURCE } from './frame-offsets.js'
import {
  ETH_P_8021AD,
  ETH_P_8021Q,
  ETH_P_IP,
  ETH_P_IPV6,
  LOOPBACK_NETWORK,
  VLAN_VID_MASK,
} from './frame-values.js'
import { martian6, martian6Addresses, type Martian6Addresses } from './martian6.js'
import { drop, intoHost, nextFilter } from './verdicts.js'

/**
 * MARTIAN, direct action on the public interface, before everything else: nobody on the wire may use the host's own
 * address as source, or a loopback address at all. All later filters trust the source address.
 *
 * What claims to come from another address of the host goes to the host, not to a container, which would answer to the host. The
 * host's stack drops it, unless the host has lost that address meanwhile.
 *
 * @param address the host's IPv4 address
 * @param hostAddresses its other addresses that containers reach
 * @param inet6 all IPv6 addresses of the host, and those that it has lost; undefined: IPv6 is off
 */
export function martian(
  address: string,
  hostAddresses: readonly string[] = [],
  inet6?: Martian6Addresses,
): Program {
  return assemble(
    HEAD,
    inet6 ? when(equal(ETH_P_IPV6), martian6(inet6)) : [],
    unless(equal(ETH_P_IP), nextFilter),
    wordAt(IPV4_SOURCE, when(equal(ipv4ToNumber(address)), drop)),
    byteAt(IPV4_SOURCE, when(equal(LOOPBACK_NETWORK), drop)),
    byteAt(IPV4_DESTINATION, when(equal(LOOPBACK_NETWORK), drop)),
    hostAddresses.length > 0 ? wordAt(IPV4_SOURCE, whenOneOf(hostAddresses.map(ipv4ToNumber), intoHost)) : [],
    nextFilter,
  )
}

/** The addresses that a program is MARTIAN for. */
export interface MartianAddresses {
  readonly shared: string
  readonly hostAddresses: readonly string[]
  /** Those of IPv6; absent: it is off. */
  readonly inet6?: Martian6Addresses
}

/** The addresses that a program is MARTIAN for; undefined for any other program. */
export function martianAddresses(program: Program): MartianAddresses | undefined {
  const { inet4, inet6 } = parted(program)
  const [other, another] = [martian('0.0.0.1'), martian('0.0.0.2')]
  const at = other.findIndex(({ k }, i) => k !== another[i]?.k)
  const shared = inet4[at] && numberToIpv4(inet4[at].k)
  if (shared === undefined) return undefined
  // Between the load of the source in the place of the last instruction, and the verdicts.
  const hostAddresses = inet4.slice(other.length, -3).map(({ k }) => numberToIpv4(k))
  const addresses = inet6 && martian6Addresses(inet6)
  if (!isDeepStrictEqual(program, martian(shared, hostAddresses, addresses))) return undefined
  return { shared, hostAddresses, ...(addresses && { inet6: addresses }) }
}

/** A program without what it has for IPv6, and that. */
function parted(program: Program): { inet4: Program; inet6?: Program } {
  const at = HEAD.length
  const [test, over] = program.slice(at)
  if (test?.k !== ETH_P_IPV6 || !over) return { inet4: program }
  const [begin, end] = [at + 2, at + 2 + over.k]
  return {
    inet4: [...program.slice(0, at), ...program.slice(end)],
    inet6: program.slice(begin, end),
  }
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

/** What frames of all protocols go through. */
const HEAD = halfAt(ETH_TYPE, when(equal(ETH_P_8021Q), behindTag), when(equal(ETH_P_8021AD), behindTag))
