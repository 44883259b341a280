import fc from 'fast-check'
import t from 'tap'
import { percentiles } from '../../../src/isolator/statistics/percentiles.js'

t.test('of fewer than two rates there are none', async t => {
  t.equal(percentiles([]), undefined)
  t.equal(percentiles([7]), undefined)
})

t.test('interpolated between neighbours, and cut to a whole number', async t => {
  t.strictSame(percentiles([20, 10]), {
    ...{ min: 10n, max: 20n, p50: 15n, p90: 19n, p95: 19n, p99: 19n, p999: 19n, p9999: 19n },
    samples: 2n,
  })
  const hundred = Array.from({ length: 101 }, (_, i) => 100 - i)
  t.strictSame(percentiles(hundred), {
    ...{ min: 0n, max: 100n, p50: 50n, p90: 90n, p95: 95n, p99: 99n, p999: 99n, p9999: 99n },
    samples: 101n,
  })
})

t.test('they are in order, between the least and the greatest', async t => {
  const rates = fc.array(fc.nat({ max: 2 ** 40 }), { minLength: 2, maxLength: 50 })
  fc.assert(
    fc.property(rates, values => {
      const { samples, max, ...rest } = percentiles(values)!
      const order = [...Object.values(rest), max]
      return (
        samples === BigInt(values.length) &&
        rest.min === BigInt(Math.min(...values)) &&
        max === BigInt(Math.max(...values)) &&
        order.every((value, i) => i === 0 || order[i - 1]! <= value)
      )
    }),
  )
  t.pass()
})
