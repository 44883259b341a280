/**
 * The kernel counts the time that sending takes in ticks of 64 ns: PSCHED_SHIFT of include/net/pkt_sched.h, the ratio
 * 3e8/40 of /proc/net/psched, constant since Linux 2.6.31.
 */
export const NANOSECONDS_PER_TICK = 64n
export const NANOSECONDS_PER_SECOND = 1_000_000_000n

/**
 * The ticks that `bytes` take at `rate`, rounded up. Exact, where iproute2 (tc_calc_xmittime) computes with doubles and
 * so is a tick higher now and then. Throws RangeError, naming the field, for more than 32 bits: 274 seconds.
 */
export function ticksOf(field: string, bytes: number, rate: bigint): number {
  const product = BigInt(bytes) * NANOSECONDS_PER_SECOND
  const divisor = rate * NANOSECONDS_PER_TICK
  const ticks = (product + divisor - 1n) / divisor
  if (ticks <= 0xffffffffn) return Number(ticks)
  throw new RangeError(
    `${field} is ${bytes}: ${rate} bytes per second take longer than 274 s for it, which the kernel cannot count`,
  )
}

/**
 * The bytes that go out in `ticks` at `rate`, rounded down. Putting them through `ticksOf` gives the same ticks again,
 * so a value read from the kernel can be written back any number of times.
 */
export const bytesOf = (ticks: number, rate: bigint): number =>
  Number((BigInt(ticks) * rate * NANOSECONDS_PER_TICK) / NANOSECONDS_PER_SECOND)
