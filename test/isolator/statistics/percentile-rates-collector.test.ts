import t from 'tap'
import type { LinkCounters } from '../../../src/isolator/statistics/link-counters.js'
import { PercentileRatesCollector } from '../../../src/isolator/statistics/percentile-rates-collector.js'

const SAMPLING = { window: 10, interval: 1 }

const NAMES = [
  ...(['txBytes', 'txPackets', 'txDropped', 'txErrors'] as const),
  ...(['rxBytes', 'rxPackets', 'rxDropped', 'rxErrors'] as const),
]

/** Counters at the host's end of a veth, in the order that Mesos's test writes them in. */
const counters = (...values: number[]): LinkCounters =>
  Object.fromEntries(NAMES.map((name, i) => [name, BigInt(values[i] ?? 0)])) as unknown as LinkCounters

// RatesCollectorTest.PercentileRatesCollector of Mesos's port_mapping_tests.cpp.
t.test('PercentileRatesCollector', async t => {
  const collector = new PercentileRatesCollector(SAMPLING)
  t.strictSame(
    collector.statistics,
    { sampling_window_secs: 10, sampling_interval_secs: 1 },
    'no rates without samples',
  )
  // Received: a burst at 100 B/s for 2 s, then 50 B/s for 3 s; sent: 10 B/s for 2 s, then nothing.
  const now = 1000
  collector.sample(now, counters(0, 0, 0, 0, 0, 0, 0, 0))
  collector.sample(now + 1, counters(100, 10, 5, 1, 10, 1, 1, 1))
  collector.sample(now + 2, counters(200, 20, 10, 2, 20, 2, 2, 2))
  collector.sample(now + 3, counters(250, 25, 11, 3, 20, 2, 2, 2))
  collector.sample(now + 4, counters(300, 30, 12, 4, 20, 2, 2, 2))
  collector.sample(now + 5, counters(350, 35, 13, 5, 20, 2, 2, 2))
  t.match(collector.statistics, {
    rx_rate: { samples: 5n, max: 100n, min: 50n, p90: 100n, p50: 50n },
    rx_packet_rate: { samples: 5n, max: 10n, min: 5n, p90: 10n, p50: 5n },
    rx_drop_rate: { samples: 5n, max: 5n, min: 1n, p90: 5n, p50: 1n },
    rx_error_rate: { samples: 5n, max: 1n, min: 1n, p90: 1n, p50: 1n },
    tx_rate: { samples: 5n, max: 10n, min: 0n, p90: 10n, p50: 0n },
    tx_packet_rate: { samples: 5n, max: 1n, min: 0n, p90: 1n, p50: 0n },
    tx_drop_rate: { samples: 5n, max: 1n, min: 0n, p90: 1n, p50: 0n },
    tx_error_rate: { samples: 5n, max: 1n, min: 0n, p90: 1n, p50: 0n },
  })
})

const bytes = (received: number | bigint): LinkCounters => ({
  ...counters(),
  txBytes: BigInt(received),
})

t.test('one rate is too few, two give percentiles', async t => {
  const collector = new PercentileRatesCollector(SAMPLING)
  collector.sample(1, bytes(0))
  collector.sample(2, bytes(100))
  t.notOk('rx_rate' in collector.statistics)
  collector.sample(3, bytes(300))
  t.match(collector.statistics, { rx_rate: { min: 100n, max: 200n, samples: 2n } })
})

t.test('rates are of the time that passed, whole numbers, and exact beyond 2^53', async t => {
  const collector = new PercentileRatesCollector(SAMPLING)
  const start = 2n ** 60n
  collector.sample(1, bytes(start))
  collector.sample(1.5, bytes(start + 3n))
  collector.sample(3.5, bytes(start + 10n))
  t.match(collector.statistics, { rx_rate: { min: 3n, max: 6n } })
})

t.test('rates older than the window are forgotten, and more than fit it are not kept', async t => {
  const collector = new PercentileRatesCollector(SAMPLING)
  for (let time = 0; time <= 30; time++) collector.sample(time, bytes(time < 15 ? 1000 * time : 14_000))
  t.match(collector.statistics, { rx_rate: { min: 0n, max: 0n, samples: 10n } })
})

t.test('counters that begin anew give no rate', async t => {
  const collector = new PercentileRatesCollector(SAMPLING)
  for (const [time, value] of [0, 100, 200, 5, 105].entries()) collector.sample(time, bytes(value))
  t.match(collector.statistics, { rx_rate: { min: 100n, max: 100n, samples: 3n } })
})

t.test('a second sample at the same time counts for nothing', async t => {
  const collector = new PercentileRatesCollector(SAMPLING)
  for (const time of [0, 1, 1, 2]) collector.sample(time, bytes(100 * time))
  t.match(collector.statistics, { rx_rate: { min: 100n, max: 100n, samples: 2n } })
})
