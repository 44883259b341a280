import {
  ancillary,
  byteAt,
  halfAt,
  packetLength,
  equal,
  sequence,
  unless,
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
} from './frame-offsets.js'
import { ETH_P_IP, IPV4_WITHOUT_OPTIONS, LOOPBACK_NETWORK, macWords } from './frame-values.js'
import { mustBeAtLeast, mustBeOneOf, mustEqual } from './frame-requirements.js'

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
