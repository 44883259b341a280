import type { Declaration } from '../input/index.js'
import { littleEndian } from '../netlink/codec/byte-order.js'
import { nameOrNumber, namedNumbers } from '../netlink/codec/named.js'
import { wholeNumber } from './whole-number.js'

/** ETH_P_* of linux/if_ether.h under the names of `tc`. */
const etherTypes = namedNumbers('protocol', {
  all: 0x0003,
  ip: 0x0800,
  arp: 0x0806,
  rarp: 0x8035,
  '802.1Q': 0x8100,
  ipv6: 0x86dd,
  mpls_uc: 0x8847,
  ppp_ses: 0x8864,
  '802.1ad': 0x88a8,
})

/** The protocol a filter looks at: a name of `tc`, `'all'` for every one, or the number of the EtherType. */
export type EtherType = keyof typeof etherTypes.numbers | number

/** An EtherType that a caller names. */
export const etherTypeInput: Declaration<EtherType> = nameOrNumber(etherTypes, 1, 0xffff)

/** The number of an EtherType. Throws TypeError on an unknown name, RangeError on what is no 16-bit number. */
export const etherTypeNumber = (protocol: EtherType): number =>
  wholeNumber('protocol', etherTypes.toNumber(protocol), 1, 0xffff)

export const etherTypeName = (number: number): EtherType => etherTypes.toName(number)

/** The number in network order as a host-order u16, as the low half of tcm_info holds it. Its own inverse. */
export const networkOrder = (number: number): number =>
  littleEndian ? ((number & 0xff) << 8) | (number >>> 8) : number
