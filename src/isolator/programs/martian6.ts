import { isDeepStrictEqual } from 'node:util'
import { wordsToIpv6 } from '../../netlink/codec/addresses.js'
import { byteAt, equal, sequence, unless, when, wordAt, type Block } from '../../tc/classic-bpf/blocks.js'
import { ICMPV6_TYPE, IPV6_DESTINATION, IPV6_NEXT_HEADER, IPV6_SOURCE } from './frame-offsets.js'
import { whenAddressAt } from './frame-rules.js'
import { IPPROTO_ICMPV6, NDISC_NEIGHBOUR_ADVERTISEMENT } from './frame-values.js'
import { drop, intoHost, nextFilter } from './verdicts.js'

/**
 * MARTIAN for IPv6: nobody on the wire may use an address of the host as source, nor an address that begins with 64 zero bits
 * (`::1`, mapped and compatible IPv4 ones) other than `::`. An advertisement may: it says that an address of the host is
 * somebody else's too, which the host's own detection of duplicates has to know. Never falls off its end.
 *
 * What comes from an address that containers share and the host has lost goes to the host, not to a container, which has that
 * address too and would answer to another container.
 */
export const martian6 = ({ own, lost }: Martian6Addresses): Block =>
  sequence(
    BEGINNING,
    ...own.map(address => whenAddressAt(IPV6_SOURCE, address, forged)),
    ...lost.map(address => whenAddressAt(IPV6_SOURCE, address, intoHost)),
    nextFilter,
  )

/** The addresses that MARTIAN is for. */
export interface Martian6Addresses {
  /** Those of the host. */
  readonly own: readonly string[]
  /** Those that containers share and the host has lost. */
  readonly lost: readonly string[]
}

/** The addresses that a block is {@link martian6} for; undefined for any other block. */
export function martian6Addresses(block: Block): Martian6Addresses | undefined {
  const [own, lost]: [string[], string[]] = [[], []]
  for (let at = BEGINNING.length; at < block.length - nextFilter.length;) {
    const address = wordsToIpv6(WORDS.map(word => block[at + word]?.k ?? 0))
    const isOwn = isDeepStrictEqual(
      block.slice(at, at + PER_OWN),
      whenAddressAt(IPV6_SOURCE, address, forged),
    )
    ;(isOwn ? own : lost).push(address)
    at += isOwn ? PER_OWN : PER_LOST
  }
  return isDeepStrictEqual(block, martian6({ own, lost })) ? { own, lost } : undefined
}

const whenBeginsWithZeros = (offset: number, block: Block): Block =>
  wordAt(offset, when(equal(0), wordAt(offset + 4, when(equal(0), block))))

const unlessUnspecified = sequence(
  wordAt(IPV6_SOURCE + 8, unless(equal(0), drop)),
  wordAt(IPV6_SOURCE + 12, unless(equal(0), drop)),
)

const BEGINNING = sequence(
  whenBeginsWithZeros(IPV6_SOURCE, unlessUnspecified),
  whenBeginsWithZeros(IPV6_DESTINATION, drop),
)

const forged = sequence(
  byteAt(
    IPV6_NEXT_HEADER,
    when(equal(IPPROTO_ICMPV6), byteAt(ICMPV6_TYPE, when(equal(NDISC_NEIGHBOUR_ADVERTISEMENT), nextFilter))),
  ),
  drop,
)

/** What {@link martian6} has for an address of either kind, and the places in it of the four words that are compared. */
const PER_OWN = whenAddressAt(IPV6_SOURCE, '::', forged).length
const PER_LOST = whenAddressAt(IPV6_SOURCE, '::', intoHost).length
const WORDS = [1, 4, 7, 10]
