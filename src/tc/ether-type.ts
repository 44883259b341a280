import type { Declaration } from '../input/index.js'
import { littleEndian } from '../netlink/codec/byte-order.js'
import { nameOrNumber, namedNumbers } from '../netlink/codec/named.js'
import { ETHER_TYPES } from '../netlink/ether-types.js'
import { wholeNumber } from './whole-number.js'

const etherTypes = namedNumbers('protocol', ETHER_TYPES)

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
