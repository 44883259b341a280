import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { LinkCounters } from '../../../src/isolator/statistics/link-counters.js'
import { RatesSampler } from '../../../src/isolator/statistics/rates-sampler.js'

const SAMPLING = { window: 2, interval: 0.02 }

const counters = (value: bigint): LinkCounters => ({
  ...{ rxBytes: value, rxPackets: 0n, rxErrors: 0n, rxDropped: 0n },
  ...{ txBytes: 2n * value, txPackets: 0n, txErrors: 0n, txDropped: 0n },
})

/** Waits until a condition holds, at most 5 s. */
async function until(condition: () => boolean): Promise<void> {
  for (const deadline = performance.now() + 5000; !condition() && performance.now() < deadline;)
    await sleep(5)
}

t.test('one read per interval for all containers', async t => {
  const [a, b] = [{ id: 'a' }, { id: 'b' }]
  let reads = 0
  let underWay = 0
  const sampler = new RatesSampler<{ id: string }>(async () => {
    t.equal(++underWay, 1, 'one at a time')
    await sleep(1)
    underWay--
    const value = BigInt(++reads) * 1000n
    return new Map([
      [a, counters(value)],
      [b, counters(2n * value)],
    ])
  }, SAMPLING)
  t.teardown(() => {
    sampler.close()
  })
  const started = performance.now()
  await until(() => reads >= 10)
  t.ok(reads <= (performance.now() - started) / 20 + 2, 'no more than one read per interval')
  const { rx_rate, tx_rate } = sampler.statisticsOf(a)
  t.ok(rx_rate!.samples >= 8n)
  t.ok(rx_rate!.max > tx_rate!.max && tx_rate!.min > 0n, 'what the host sends the container receives')
  t.ok(sampler.statisticsOf(b).tx_rate!.max > tx_rate!.max, 'each container has its own')
  t.strictSame(sampler.statisticsOf({ id: 'c' }), { sampling_window_secs: 2, sampling_interval_secs: 0.02 })

  sampler.close()
  await sleep(30)
  const before = reads
  await sleep(100)
  t.equal(reads, before, 'none after close()')
})

t.test('a read that fails is a gap', async t => {
  const container = {}
  let reads = 0
  const sampler = new RatesSampler<object>(async () => {
    if (++reads % 2 === 0) throw new Error('busy')
    return new Map([[container, counters(BigInt(reads) * 1000n)]])
  }, SAMPLING)
  t.teardown(() => {
    sampler.close()
  })
  await until(() => (sampler.statisticsOf(container).rx_rate?.samples ?? 0n) >= 3n)
  t.ok(sampler.statisticsOf(container).rx_rate!.samples >= 3n, `after ${reads} reads`)
})

t.test('it does not keep the process alive', async t => {
  const module = new URL('../../../src/isolator/statistics/rates-sampler.ts', import.meta.url).href
  const script = `const { RatesSampler } = await import('${module}'); new RatesSampler(async () => new Map(), ${JSON.stringify(SAMPLING)})`
  const loader = fileURLToPath(new URL('../../../scripts/typescript.js', import.meta.url))
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--import', loader, '--input-type=module', '-e', script],
    { encoding: 'utf8', timeout: 60_000, env: { ...process.env, NODE_OPTIONS: '' } },
  )
  t.equal(status, 0, stderr)
})
