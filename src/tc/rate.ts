import {
  big,
  either,
  object,
  oneOf,
  optional,
  whole,
  type Declaration,
  type InputOf,
} from '../input/index.js'
import { carriedBy } from '../netlink/codec/carried-by.js'
import { s16, struct, u16, u32, u8, type Infer } from '../netlink/codec/index.js'
import { wholeNumber } from './whole-number.js'

/** Bytes per second. 64 bits: a bigint where a number is not exact any more. */
export type Rate = number | bigint

/** struct tc_ratespec, linux/pkt_sched.h */
export const tcRatespec = struct({
  cellLog: u8,
  linklayer: u8,
  overhead: u16,
  cellAlign: s16,
  mpu: u16,
  rate: u32,
})

const packetLength = object({
  /** Bytes added to each packet for headers of the link below. Default 0. */
  overhead: optional(carriedBy(u16)),
  /** Bytes that each packet counts at least. Default 0. */
  mpu: optional(carriedBy(u16)),
  /** Default `'ethernet'`. `'atm'` counts whole cells of 53 bytes. */
  linklayer: optional(oneOf('ethernet', 'atm')),
})

/** How a packet's length is counted against a rate. */
export interface PacketLength extends InputOf<typeof packetLength> {}
export const packetLengthInput: Declaration<PacketLength> = packetLength

export type Linklayer = NonNullable<PacketLength['linklayer']>

/** A rate that a caller names. */
export const rateInput: Declaration<Rate> = either(
  whole(1, Number.MAX_SAFE_INTEGER, 'bytes per second'),
  big(1n, (1n << 64n) - 1n),
)

/** enum tc_link_layer, linux/pkt_sched.h; the low 4 bits of tc_ratespec.linklayer. */
const TC_LINKLAYER_MASK = 0x0f
const TC_LINKLAYER_ETHERNET = 1
const TC_LINKLAYER_ATM = 2

/** The largest rate that tc_ratespec holds; a larger one goes into a 64-bit attribute beside it. */
const RATESPEC_MAX = 0xffffffffn

/** The rate as a bigint. Throws TypeError or RangeError, naming the field, unless it is whole and positive. */
export function parseRate(field: string, rate: Rate): bigint {
  if (typeof rate !== 'number' && typeof rate !== 'bigint') {
    throw new TypeError(`${field} is ${String(rate)}: expected bytes per second, as a number or a bigint`)
  }
  if (typeof rate === 'number' && !Number.isInteger(rate)) {
    throw new RangeError(`${field} is ${rate}: expected a whole number of bytes per second`)
  }
  const value = BigInt(rate)
  if (value < 1n || value >= 1n << 64n)
    throw new RangeError(`${field} is ${rate}: expected 1 to 2^64 - 1 bytes per second`)
  return value
}

/** A number as long as that is exact. */
export const formatRate = (rate: bigint): Rate => (rate <= Number.MAX_SAFE_INTEGER ? Number(rate) : rate)

/** The value of TCA_*_RATE64: undefined where tc_ratespec has room for the rate. */
export const rate64 = (rate: bigint): bigint | undefined => (rate > RATESPEC_MAX ? rate : undefined)

/**
 * The tc_ratespec of a rate. `cellLog` and `cellAlign` describe a rate table, which is not sent: since Linux 3.8 the
 * kernel computes with the rate, and since 3.11 it looks at the table only where the link layer is not given
 * (net/sched/sch_htb.c, sch_tbf.c). They are set as iproute2 sets them.
 */
export function ratespec(rate: bigint, { overhead = 0, mpu = 0, linklayer = 'ethernet' }: PacketLength) {
  return {
    cellLog: CELL_LOG,
    linklayer: linklayer === 'atm' ? TC_LINKLAYER_ATM : TC_LINKLAYER_ETHERNET,
    overhead: wholeNumber('overhead', overhead, 0, 0xffff),
    cellAlign: -1,
    mpu: wholeNumber('mpu', mpu, 0, 0xffff),
    rate: Number(rate > RATESPEC_MAX ? RATESPEC_MAX : rate),
  }
}

/** log2 of the cell for which 256 cells cover a packet of 1600 (HTB) or 2047 bytes (TBF). */
const CELL_LOG = 3

/** The inverse of `ratespec` and `rate64`. */
export const rateOf = ({ rate }: Infer<typeof tcRatespec>, wide: bigint | undefined): bigint =>
  wide ?? BigInt(rate)

/** The packet length options of a tc_ratespec, those at their default left out. */
export function packetLengthOf({ overhead, mpu, linklayer }: Infer<typeof tcRatespec>): PacketLength {
  const atm = (linklayer & TC_LINKLAYER_MASK) === TC_LINKLAYER_ATM
  return { ...(overhead !== 0 && { overhead }), ...(mpu !== 0 && { mpu }), ...(atm && { linklayer: 'atm' }) }
}

/** `overhead 8 mpu 64 linklayer atm`, as `tc` reads it. */
export const packetLengthWords = ({ overhead, mpu, linklayer }: PacketLength): string[] => [
  ...(overhead === undefined ? [] : ['overhead', `${overhead}`]),
  ...(mpu === undefined ? [] : ['mpu', `${mpu}`]),
  ...(linklayer === undefined ? [] : ['linklayer', linklayer]),
]

/** Bytes per second as `tc` reads them, which means bits by `bit` and bytes by `bps`. */
export const rateWord = (rate: Rate): string => `${rate}bps`

export const optionalRateWord = (rate: Rate | undefined): string | undefined =>
  rate === undefined ? undefined : rateWord(rate)
