import fc from 'fast-check'
import t from 'tap'
import { bytesOf, ticksOf } from '../../src/tc/ticks.js'
import { formatRate, parseRate, rate64, rateOf, ratespec } from '../../src/tc/rate.js'

t.test('a tick is 64 ns', async t => {
  t.equal(ticksOf('burst', 1600, 1_250_000n), 20_000, '1.28 ms')
  t.equal(ticksOf('burst', 1, 1_000_000_000_000n), 1, 'rounded up')
  t.equal(bytesOf(20_000, 1_250_000n), 1600)
})

t.test('iproute2 is a tick higher here, for want of precision', async t => {
  t.equal(Math.ceil(1e6 * (1_251_600 / 125_000_000) * 15.625), 156_451, 'tc_calc_xmittime')
  t.equal(ticksOf('burst', 1_251_600, 125_000_000n), 156_450)
  t.equal(bytesOf(156_450, 125_000_000n), 1_251_600)
})

t.test('what was read can be written any number of times', async () => {
  const rate = fc.bigInt({ min: 1_000n, max: 1n << 50n })
  fc.assert(
    fc.property(rate, fc.integer({ min: 1, max: 200_000 }), (rate, bytes) => {
      const ticks = ticksOf('burst', bytes, rate)
      const read = bytesOf(ticks, rate)
      return read >= bytes && ticksOf('burst', read, rate) === ticks
    }),
  )
})

t.test('a burst that lasts too long is refused', async t => {
  t.throws(() => ticksOf('burst', 300_000, 1000n), {
    name: 'RangeError',
    message:
      'burst is 300000: 1000 bytes per second take longer than 274 s for it, which the kernel cannot count',
  })
})

t.test('rates have 64 bits', async t => {
  for (const rate of [1n, 0xffffffffn, 0x100000000n, (1n << 64n) - 1n]) {
    const wide = rate64(rate)
    t.equal(wide, rate > 0xffffffffn ? rate : undefined)
    t.equal(rateOf(ratespec(rate, {}), wide), rate)
  }
  t.equal(ratespec(1n << 40n, {}).rate, 0xffffffff, 'cut where the 64-bit attribute goes along')
  t.equal(parseRate('rate', 125_000), 125_000n)
  t.equal(parseRate('rate', 1n << 60n), 1n << 60n)
  t.equal(formatRate(125_000n), 125_000)
  t.equal(formatRate(1n << 60n), 1n << 60n, 'a bigint where a number is not exact')
})

t.test('what is no rate is refused by name', async t => {
  for (const rate of [0, -1, 0.5, NaN, Infinity, 0n, 1n << 64n])
    t.throws(() => parseRate('ceil', rate), { name: 'RangeError', message: /^ceil is / }, String(rate))
  t.throws(() => parseRate('rate', '1mbit' as never), {
    name: 'TypeError',
    message: /^rate is 1mbit: expected bytes per second/,
  })
})
