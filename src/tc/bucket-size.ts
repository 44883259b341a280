import type { PacketLength } from './rate.js'
import { NANOSECONDS_PER_SECOND, NANOSECONDS_PER_TICK } from './ticks.js'

/** An ATM cell has 53 bytes, of which 48 carry the packet. */
const CELL = 53n
const CELL_PAYLOAD = 48n

/**
 * The bytes of a bucket that the kernel lists as `ticks`, where it was given bytes and counted them as it counts a
 * packet: with overhead, and in whole cells (psched_l2t_ns in include/net/sch_generic.h). Given to the kernel again,
 * they make the same ticks. Of several sizes with the same ticks it is the smallest, but on ATM the largest of the same
 * cells, so that a packet which fitted fits.
 */
export function bucketBytes(
  ticks: number,
  rate: bigint,
  { overhead = 0, linklayer = 'ethernet' }: PacketLength,
): number {
  const { multiplier, shift } = nanosecondsPerByte(rate)
  const onTheWire = divideUp((BigInt(ticks) * NANOSECONDS_PER_TICK) << shift, multiplier)
  const packet = linklayer === 'atm' ? divideUp(onTheWire, CELL) * CELL_PAYLOAD : onTheWire
  const bytes = packet - BigInt(overhead)
  return bytes < 1n ? 1 : Number(bytes)
}

/** A byte takes `multiplier >> shift` nanoseconds, computed as psched_ratecfg_precompute does (net/sched/sch_generic.c). */
function nanosecondsPerByte(rate: bigint): { multiplier: bigint; shift: bigint } {
  let factor = NANOSECONDS_PER_SECOND
  for (let shift = 0n; ; shift++, factor <<= 1n) {
    const multiplier = BigInt.asUintN(32, factor / rate)
    if (multiplier >> 31n !== 0n || factor >> 63n !== 0n) return { multiplier, shift }
  }
}

const divideUp = (value: bigint, by: bigint): bigint => (value + by - 1n) / by
