import t from 'tap'
import { rateLimitFor, settleRatePolicy } from '../../src/isolator/rate-limit.js'

t.test('the rate per CPU counts whole CPUs, as in Mesos, between minimum and maximum', async t => {
  const policy = { direction: 'egress', perCpu: 1000, minimum: 2000, maximum: 4000 } as const
  const rates = [1, 2, 3.1, 3.9, 4, 5].map(cpus => rateLimitFor(policy, cpus)?.rate)
  t.strictSame(rates, [2000, 2000, 3000, 3000, 4000, 4000])
})

t.test("'auto' divides the speed of the link by the CPUs", async t => {
  const policy = { direction: 'egress', perCpu: 'auto' } as const
  const settled = settleRatePolicy(policy, { linkSpeed: 12_500_000_000, cpus: 64 })
  t.equal(settled.perCpu, 195_312_500)
  t.strictSame(rateLimitFor(settled, 30), { rate: 5_859_375_000 }, 'more than 32 bits of bits')
})

t.test('no CPUs and no minimum: next to nothing, which HTB can hold', async t => {
  t.strictSame(rateLimitFor({ direction: 'egress', perCpu: 1000, minimum: 0 }, 0.5), { rate: 8 })
})
