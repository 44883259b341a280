import t from 'tap'
import type { IsolatorError } from '../../../src/isolator/isolator-error.js'
import { parseOptions, type PortMappingIsolatorOptions } from '../../../src/isolator/options/options.js'
import { rateLimitFor, settleRatePolicy, type RateLimit } from '../../../src/isolator/options/rate-limit.js'
import { ownRateLimit } from '../../../src/isolator/options/rate-options.js'

const GIGABIT = 125_000_000

type Options = Partial<PortMappingIsolatorOptions>

/** What a container with so many CPUs may send. */
function egressOf(
  options: Options,
  cpus: number,
  linkSpeed: number | undefined = GIGABIT,
): RateLimit | undefined {
  const parsed = parseOptions({ ephemeralPorts: '32768-57343', ...options })
  const policy = settleRatePolicy(parsed.egress, {
    linkSpeed: parsed.networkLinkSpeed ?? linkSpeed,
    cpus: parsed.cpus,
  })
  return rateLimitFor(policy, cpus)
}

t.test('a limit per container, or per CPU', async t => {
  t.equal(egressOf({}, 4), undefined, 'none by default')
  t.strictSame(egressOf({ egressRateLimitPerContainer: '37500KB' }, 1), { rate: 38_400_000 })
  t.strictSame(
    egressOf({ egressRateLimitPerContainer: 1_000_000 }, 8),
    { rate: 1_000_000 },
    'CPUs do not matter',
  )
  t.strictSame(egressOf({ egressRatePerCpu: '1MB' }, 3), { rate: 3 * 1_048_576 })
  t.strictSame(egressOf({ egressRatePerCpu: 1_000_000 }, 3.9), { rate: 3_000_000 }, 'whole CPUs, as in Mesos')
  t.strictSame(
    egressOf({ egressRatePerCpu: 'auto', cpus: 64 }, 30, 12_500_000_000),
    { rate: 5_859_375_000 },
    'more than 32 bits of bits',
  )
  t.strictSame(egressOf({ egressRatePerCpu: 'auto', cpus: 4 }, 2), { rate: GIGABIT / 2 })
  t.strictSame(
    egressOf({ egressRatePerCpu: 'auto', cpus: 4, networkLinkSpeed: 4000 * 1000 }, 2),
    { rate: 2_000_000 },
    'the operator knows better what the link can do',
  )
})

t.test('minimum and maximum', async t => {
  t.strictSame(egressOf({ egressRatePerCpu: 1000 }, 1), { rate: 125_000 }, '1 Mbit/s at least')
  t.strictSame(egressOf({ egressRatePerCpu: 1000 }, 0), { rate: 125_000 })
  t.strictSame(egressOf({ egressRatePerCpu: 1000, minimumEgressRateLimit: 500 }, 1), { rate: 1000 })
  t.strictSame(egressOf({ egressRatePerCpu: '1MB', maximumEgressRateLimit: '2MB' }, 9), { rate: 2_097_152 })
  t.strictSame(egressOf({ egressRateLimitPerContainer: 200, minimumEgressRateLimit: 100 }, 1), { rate: 200 })
})

t.test('ceil and burst', async t => {
  const fixed = { egressRateLimitPerContainer: 1_000_000 }
  t.strictSame(egressOf({ ...fixed, egressCeilLimit: 3_000_000 }, 1), { rate: 1_000_000, ceil: 3_000_000 })
  t.strictSame(egressOf({ ...fixed, egressCeilLimit: 3_000_000, egressBurst: '15KB' }, 1), {
    rate: 1_000_000,
    ceil: 3_000_000,
    burst: 15_360,
  })
  t.strictSame(
    egressOf({ ...fixed, egressCeilLimit: 900_000, egressBurst: 1 }, 1),
    { rate: 1_000_000 },
    'a ceil below the rate is none',
  )
  t.strictSame(
    egressOf({ ...fixed, egressCeilLimit: 3_000_000, egressBurst: '1GB' }, 1)?.burst,
    200_000_000,
    'no longer than HTB can count',
  )
})

t.test('options that do nothing alone are taken beside what they need', async t => {
  for (const beside of [
    { egressUniqueFlowPerContainer: true, egressFlowClassifierParent: '1:10' },
    { egressRatePerCpu: 1e6, maximumEgressRateLimit: 1e7, minimumEgressRateLimit: 0, egressCeilLimit: 1e7 },
    { ingressRateLimitPerContainer: 1e6, ingressCeilLimit: 1e7, ingressBurst: 15_000 },
  ])
    t.doesNotThrow(() => parseOptions({ ephemeralPorts: '20480-28671', ...beside }), JSON.stringify(beside))
})

t.test('what is refused, naming the option', async t => {
  const refusals: [options: Options, message: RegExp][] = [
    [
      { egressRateLimitPerContainer: '37.5MB' },
      /^egressRateLimitPerContainer is '37.5MB': expected .* such as '37500KB'/,
    ],
    [{ egressRateLimitPerContainer: 0 }, /^egressRateLimitPerContainer is 0: expected more than 0/],
    [{ ingressRatePerCpu: 10 ** 12 }, /^ingressRatePerCpu is 1000000000000: expected .* less than 10\^12/],
    [
      { egressRateLimitPerContainer: 1e6, egressRatePerCpu: 1e6 },
      /^egressRatePerCpu is 1000000: expected it or egressRateLimitPerContainer, not both/,
    ],
    [
      { ingressRatePerCpu: 1000, minimumIngressRateLimit: '2MB', maximumIngressRateLimit: '1MB' },
      /^minimumIngressRateLimit is '2MB': expected at most maximumIngressRateLimit, 1MB/,
    ],
    [
      { egressRateLimitPerContainer: 1e6, egressBurst: 1000 },
      /^egressBurst is '1000B': expected egressCeilLimit beside it/,
    ],
    ...(['minimumEgressRateLimit', 'maximumEgressRateLimit', 'egressCeilLimit', 'egressBurst'] as const).map(
      (option): [Options, RegExp] => [
        { [option]: 1_000_000 },
        new RegExp(
          `^${option} is '1000000B': expected egressRateLimitPerContainer or egressRatePerCpu beside it`,
        ),
      ],
    ),
    [
      { egressRateLimitPerContainer: 1e6, maximumIngressRateLimit: 1e6 },
      /^maximumIngressRateLimit is '1000000B': expected ingressRateLimitPerContainer or ingressRatePerCpu/,
    ],
    [
      { egressFlowClassifierParent: '1:10' },
      /^egressFlowClassifierParent is '1:10': expected egressUniqueFlowPerContainer beside it/,
    ],
    [
      { egressRateLimitPerContainer: GIGABIT + 1 },
      /^egressRateLimitPerContainer is '125000001B': expected at most the speed of the link, 125000000B per second/,
    ],
    [
      { egressRatePerCpu: 1000, minimumEgressRateLimit: '1GB' },
      /^minimumEgressRateLimit is '1GB': expected at most the speed of the link/,
    ],
    [{ cpus: 0 }, /^cpus is 0: expected a number above 0/],
    [
      { egressFlowClassifierParent: 'rot' },
      /^egressFlowClassifierParent is 'rot': expected 'root', or a class/,
    ],
    [{ bloatReduction: 'codel' as 'none' }, /^bloatReduction is 'codel': expected one of 'fq_codel', 'none'/],
    [{ networkLinkSpeed: '1' }, /^networkLinkSpeed is '1': expected .* such as '37500KB'/],
  ]
  for (const [options, message] of refusals) {
    const error = t.throws(() => egressOf(options, 1)) as IsolatorError
    t.match(error, { code: 'ERR_INVALID_OPTION', message })
  }
  t.throws(
    () => settleRatePolicy({ direction: 'ingress', perCpu: 'auto' }, { linkSpeed: undefined, cpus: 2 }),
    {
      code: 'ERR_INVALID_OPTION',
      message: /^ingressRatePerCpu is 'auto': expected a rate, or networkLinkSpeed/,
    },
  )
})

t.test('no CPUs and no minimum: next to nothing, which HTB can hold', async t => {
  t.strictSame(rateLimitFor({ direction: 'egress', perCpu: 1000, minimum: 0 }, 0.5), { rate: 8 })
})

t.test("a container's own limit", async t => {
  t.equal(ownRateLimit('egress', {}, undefined), undefined)
  t.strictSame(ownRateLimit('egress', { egressRateLimit: '1MB', ingressRateLimit: 1 }, undefined), {
    rate: 1_048_576,
  })
  t.strictSame(
    ownRateLimit('ingress', { ingressRateLimit: 1000, ingressCeilLimit: 2000, ingressBurst: '1MB' }, 1000),
    { rate: 1000, ceil: 2000, burst: 200_000 },
    'as far as HTB keeps a burst',
  )
  t.strictSame(
    ownRateLimit('egress', { egressRateLimit: 1000, egressCeilLimit: 1000, egressBurst: 1600 }, undefined),
    { rate: 1000 },
  )
  const refusals = [
    [{ egressRateLimit: 1001 }, /^egressRateLimit is 1001: expected at most the speed of the link, 1000B/],
    [{ egressCeilLimit: 9 }, /^egressCeilLimit is 9: expected egressRateLimit beside it/],
    [{ egressRateLimit: 9, egressBurst: 9 }, /^egressBurst is 9: expected egressCeilLimit beside it/],
  ] as const
  for (const [options, message] of refusals)
    t.throws(() => ownRateLimit('egress', options, 1000), { code: 'ERR_INVALID_OPTION', message })
})
