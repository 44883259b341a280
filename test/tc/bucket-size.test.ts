import fc from 'fast-check'
import t from 'tap'
import { bucketBytes } from '../../src/tc/bucket-size.js'

const NANOSECONDS = 1_000_000_000n

/** psched_ratecfg_precompute, psched_l2t_ns and PSCHED_NS2TICKS: what the kernel lists of a bucket given in bytes. */
function kernelTicks(bytes: number, rate: bigint, overhead: number, atm: boolean): bigint {
  let [factor, shift, multiplier] = [NANOSECONDS, 0n, 0n]
  for (;;) {
    multiplier = (factor / rate) & 0xffff_ffffn
    if (multiplier & (1n << 31n) || factor & (1n << 63n)) break
    factor <<= 1n
    shift++
  }
  const packet = BigInt(bytes + overhead)
  const length = atm ? ((packet + 47n) / 48n) * 53n : packet
  return ((length * multiplier) >> shift) >> 6n
}

t.test('what was listed can be given any number of times', async t => {
  const rate = fc.bigInt({ min: 1000n, max: 1n << 45n })
  fc.assert(
    fc.property(rate, fc.integer({ min: 1, max: 1 << 24 }), fc.nat(0xffff), fc.boolean(), (...bucket) => {
      const [rate, bytes, overhead, atm] = bucket
      const ticks = kernelTicks(bytes, rate, overhead, atm)
      const listed = bucketBytes(Number(ticks), rate, { overhead, linklayer: atm ? 'atm' : undefined })
      // A bucket that is smaller than the overhead can be listed as one of a single byte only.
      return listed === 1 || kernelTicks(listed, rate, overhead, atm) === ticks
    }),
    { numRuns: 2000 },
  )
  t.equal(bucketBytes(Number(kernelTicks(5120, 125_000n, 23, false)), 125_000n, { overhead: 23 }), 5120)
  t.equal(
    bucketBytes(Number(kernelTicks(1 << 20, 5_000_000_000n, 0, false)), 5_000_000_000n, {}),
    1_048_321,
    'a byte more than tc shows',
  )
})
