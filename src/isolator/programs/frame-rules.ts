import { ipv6ToWords } from '../../netlink/codec/addresses.js'
import {
  ancillary,
  byteAt,
  copyToX,
  halfAt,
  mask,
  packetLength,
  equal,
  sequence,
  unless,
  unlessAny,
  when,
  wordAt,
  type Block,
} from '../../tc/classic-bpf/blocks.js'
import { SKF_AD_VLAN_TAG_PRESENT } from '../../tc/classic-bpf/instruction.js'
import {
  ETH_SOURCE,
  ETH_TYPE,
  IPV4_DESTINATION,
  IPV4_TOTAL_LENGTH,
  IPV4_VERSION_AND_IHL,
  IPV6_PAYLOAD_LENGTH,
  IPV6_VERSION,
} from './frame-offsets.js'
import { ETH_P_IP, IPV4_WITHOUT_OPTIONS, LOOPBACK_NETWORK, macWords } from './frame-values.js'
import { mustBeAtLeast, mustBeOneOf, mustEqual, mustEqualX } from './frame-requirements.js'
import { noMatch } from './verdicts.js'

/** An Ethernet header with an ARP packet, or with IPv4, no options, and the first 8 bytes behind it. */
const SHORTEST_FRAME = 42
/** An IPv4 header without options and the first 8 bytes behind it. */
const SHORTEST_DATAGRAM = 28

/**
 * A frame as the host's own stack would send it: no VLAN tag (the kernel strips VID 0 unseen by `protocol ip` filters),
 * the host's source MAC (another one would poison the switch's table), and long enough for ARP or IPv4 with ports.
 */
export function ownFrame(mac: string): Block {
  const { high, low } = macWords(mac)
  return sequence(
    ancillary(SKF_AD_VLAN_TAG_PRESENT, mustEqual(0)),
    packetLength(mustBeAtLeast(SHORTEST_FRAME)),
    wordAt(ETH_SOURCE, mustEqual(high)),
    halfAt(ETH_SOURCE + 4, mustEqual(low)),
  )
}

/** IPv4 without options, so that ports are where the rules look, and with a length that covers them. */
export const plainIpv4: Block = sequence(
  halfAt(ETH_TYPE, mustEqual(ETH_P_IP)),
  byteAt(IPV4_VERSION_AND_IHL, mustEqual(IPV4_WITHOUT_OPTIONS)),
  halfAt(IPV4_TOTAL_LENGTH, mustBeAtLeast(SHORTEST_DATAGRAM)),
)

/** A datagram to one of the host's addresses, or to any loopback address. */
export const toHost = (addresses: readonly number[]): Block =>
  byteAt(IPV4_DESTINATION, unless(equal(LOOPBACK_NETWORK), wordAt(IPV4_DESTINATION, mustBeOneOf(addresses))))

/** The same word at two places. */
export const sameWordAt = (one: number, other: number): Block =>
  sequence(wordAt(one, copyToX), wordAt(other, mustEqualX))

/** An Ethernet and an IPv6 header, and the first 8 bytes behind them. */
const SHORTEST_IPV6_FRAME = 62
/** Those 8 bytes: all that the payload length counts. */
const SHORTEST_PAYLOAD = 8

const IPV6_VERSION_MASK = 0xf0
const VERSION_6 = 0x60

/** Version 6 in the byte at `offset`. */
export const version6At = (offset: number): Block =>
  byteAt(offset, mask(IPV6_VERSION_MASK), mustEqual(VERSION_6))

/** IPv6 whose length covers the ports. Whether they are where the rules look, the next header says. */
export const plainIpv6: Block = sequence(
  packetLength(mustBeAtLeast(SHORTEST_IPV6_FRAME)),
  version6At(IPV6_VERSION),
  halfAt(IPV6_PAYLOAD_LENGTH, mustBeAtLeast(SHORTEST_PAYLOAD)),
)

/** Runs the block when the IPv6 address at `offset` is this one. */
export const whenAddressAt = (offset: number, address: string, block: Block): Block =>
  ipv6ToWords(address).reduceRight<Block>(
    (inner, word, i) => wordAt(offset + 4 * i, when(equal(word), inner)),
    block,
  )

/** One of these IPv6 addresses at `offset`. */
export const mustBeAddressAt = (offset: number, addresses: readonly string[]): Block =>
  unlessAny(
    addresses.map(address => (hit: Block) => whenAddressAt(offset, address, hit)),
    noMatch,
  )

/** None of these IPv6 addresses at `offset`. */
export const mustBeNoAddressAt = (offset: number, addresses: readonly string[]): Block =>
  sequence(...addresses.map(address => whenAddressAt(offset, address, noMatch)))

/** The same IPv6 address at two places. */
export const sameAddressAt = (one: number, other: number): Block =>
  sequence(...[0, 4, 8, 12].map(at => sameWordAt(one + at, other + at)))
