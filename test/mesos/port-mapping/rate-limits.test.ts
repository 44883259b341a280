/**
 * The scenarios of Mesos's src/tests/containerizer/port_mapping_tests.cpp by its names, here those of rate limits. Where
 * the kernel has fq_codel, as the second one does, it is below the limit as in Mesos.
 */
import t, { type Test } from 'tap'
import type { PortMappingIsolatorOptions } from '../../../src/index.js'
import { allOf, hasQdisc } from '../../helpers/privilege.js'
import { tcpTransfer } from '../../helpers/tcp-transfer.js'
import { needsIsolation } from '../../isolator/isolated-topology.js'
import { CONTAINER1_PORTS, INVALID_PORT, prepare, VALID_PORT } from './containers.js'
import { BLOAT_REDUCTION, egressRate, ingressRate } from './limits.js'

const needsLimits = () => allOf(needsIsolation(), hasQdisc('htb'))

const LOCALHOST = '127.0.0.1'

/** Bytes per second, and bytes to send: ten seconds at least. */
const RATE = 2000
const SIZE = 20_480
const SECONDS = Math.floor(SIZE / RATE)

t.test('SmallEgressLimit', needsLimits(), async t => {
  const options = { egressRateLimitPerContainer: RATE, minimumEgressRateLimit: 0, ...BLOAT_REDUCTION }
  const { isolate, host } = await prepare(t, options)
  const container = await isolate(0, { ports: CONTAINER1_PORTS })
  const to = { to: host, address: LOCALHOST, port: INVALID_PORT, size: SIZE }
  const seconds = await tcpTransfer({ from: container, ...to })
  t.ok(seconds > SECONDS, `${seconds} s`)
  t.ok((await tcpTransfer({ ...to, from: host })) < SECONDS / 2, 'the host has no limit')
})

t.test('SmallIngressLimit', needsLimits(), async t => {
  const options = { ingressRateLimitPerContainer: RATE, minimumIngressRateLimit: 0, ...BLOAT_REDUCTION }
  const { isolate, host } = await prepare(t, options)
  const container = await isolate(0, { ports: CONTAINER1_PORTS })
  t.equal(await ingressRate(host, container), RATE)
  const to = { address: LOCALHOST, port: VALID_PORT, size: SIZE }
  const seconds = await tcpTransfer({ from: host, to: container, ...to })
  t.ok(seconds >= SECONDS - 1, `${seconds} s, a second less allowed for the burst`)
})

/** Updates a container's CPUs one after the other and compares the rate in the kernel with the one that Mesos computes. */
async function scales(
  t: Test,
  direction: 'egress' | 'ingress',
  options: Partial<PortMappingIsolatorOptions>,
  steps: readonly (readonly [cpus: number, rate: number])[],
): Promise<void> {
  const { isolate, isolator, host } = await prepare(t, { ...options, ...BLOAT_REDUCTION })
  const [[initialCpus]] = steps as [[number, number]]
  const container = await isolate(0, { cpus: initialCpus })
  for (const [i, [cpus, rate]] of steps.entries()) {
    if (i > 0) await isolator.update('container1', { cpus })
    const found = await (direction === 'egress' ? egressRate(container) : ingressRate(host, container))
    t.equal(found, rate, `${cpus} CPUs`)
  }
}

/** 1000 bytes per second for each CPU: below the minimum, between, above the maximum. */
const STEPS = [
  [1, 2000],
  [3.1, 3000],
  [5, 4000],
] as const

const EGRESS = { minimumEgressRateLimit: 2000, maximumEgressRateLimit: 4000 }
const INGRESS = { minimumIngressRateLimit: 2000, maximumIngressRateLimit: 4000 }
const TEN_CPUS = { networkLinkSpeed: 10_000, cpus: 10 }

t.test('ScaleEgressWithCPU', needsLimits(), t =>
  scales(t, 'egress', { egressRatePerCpu: 1000, ...EGRESS }, STEPS),
)

t.test('ScaleEgressWithCPULarge', needsLimits(), t => {
  const options = {
    egressRatePerCpu: 'auto',
    networkLinkSpeed: 12_500_000_000, // 100 Gbit/s
    cpus: 64,
    minimumEgressRateLimit: 625_000_000, // 5 Gbit/s
    maximumEgressRateLimit: 11_250_000_000, // 90 Gbit/s
  }
  // 46.9 Gbit/s: more than 32 bits hold.
  const linear = Math.floor(options.networkLinkSpeed / options.cpus) * 30
  return scales(t, 'egress', options, [
    [30, linear],
    [1, options.minimumEgressRateLimit],
    [30, linear],
    [60, options.maximumEgressRateLimit],
  ])
})

t.test('ScaleEgressWithCPUAutoConfig', needsLimits(), t =>
  scales(t, 'egress', { egressRatePerCpu: 'auto', ...TEN_CPUS, ...EGRESS }, STEPS),
)

t.test('ScaleIngressWithCPU', needsLimits(), t =>
  scales(t, 'ingress', { ingressRatePerCpu: 1000, ...INGRESS }, STEPS),
)

t.test('ScaleIngressWithCPUAutoConfig', needsLimits(), t =>
  scales(t, 'ingress', { ingressRatePerCpu: 'auto', ...TEN_CPUS, ...INGRESS }, STEPS),
)
