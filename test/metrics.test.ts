import { Registry } from 'prom-client'
import t from 'tap'
import { registerMetrics, type MetricsSource } from '../src/metrics.js'
import type { ResourceStatistics } from '../src/isolator/statistics/resource-statistics.js'

type Usage = Map<string, Partial<ResourceStatistics>>

const COUNTED = {
  net_rx_bytes: 1000,
  net_rx_packets: 10,
  net_rx_errors: 0,
  net_rx_dropped: 1,
  net_tx_bytes: 2000,
  net_tx_packets: 20,
  net_tx_errors: 2,
  net_tx_dropped: 3,
}

/** An isolator that gives one usage after the other, the last again and again. */
function source(...usages: Usage[]): MetricsSource & { readings: number } {
  const made = {
    readings: 0,
    usageAll: async () => {
      const usage = usages[Math.min(made.readings++, usages.length - 1)]
      await new Promise(setImmediate)
      return usage
    },
  }
  return made as never
}

/** The samples of a scrape, without those of a metric that has none. */
const samples = (text: string): string[] =>
  text.split('\n').filter(line => line !== '' && !line.startsWith('#'))

t.test('the counters of every container, by its id', async t => {
  const registry = new Registry()
  const isolator = source(
    new Map([
      ['web-1', COUNTED],
      ['a"b\\c', { ...COUNTED, net_rx_bytes: 2 ** 53 }],
    ]),
  )
  registerMetrics(isolator, registry)
  const text = await registry.metrics()
  t.strictSame(samples(text).sort(), [
    'rtnetlink_container_net_rx_bytes_total{id="a\\"b\\\\c"} 9007199254740992',
    'rtnetlink_container_net_rx_bytes_total{id="web-1"} 1000',
    'rtnetlink_container_net_rx_dropped_total{id="a\\"b\\\\c"} 1',
    'rtnetlink_container_net_rx_dropped_total{id="web-1"} 1',
    'rtnetlink_container_net_rx_errors_total{id="a\\"b\\\\c"} 0',
    'rtnetlink_container_net_rx_errors_total{id="web-1"} 0',
    'rtnetlink_container_net_rx_packets_total{id="a\\"b\\\\c"} 10',
    'rtnetlink_container_net_rx_packets_total{id="web-1"} 10',
    'rtnetlink_container_net_tx_bytes_total{id="a\\"b\\\\c"} 2000',
    'rtnetlink_container_net_tx_bytes_total{id="web-1"} 2000',
    'rtnetlink_container_net_tx_dropped_total{id="a\\"b\\\\c"} 3',
    'rtnetlink_container_net_tx_dropped_total{id="web-1"} 3',
    'rtnetlink_container_net_tx_errors_total{id="a\\"b\\\\c"} 2',
    'rtnetlink_container_net_tx_errors_total{id="web-1"} 2',
    'rtnetlink_container_net_tx_packets_total{id="a\\"b\\\\c"} 20',
    'rtnetlink_container_net_tx_packets_total{id="web-1"} 20',
  ])
  t.equal(isolator.readings, 1, 'one scrape reads once')
  for (const [, kind, name] of text.matchAll(/^# (HELP|TYPE) (\S+)/gm)) {
    t.match(name, /^rtnetlink_container_[a-z_]+(_p\d\d_seconds)?$/)
    if (kind === 'TYPE') t.match(text, new RegExp(`^# HELP ${name} [A-Z0-9]`, 'm'))
  }
  for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm))
    t.equal(name!.endsWith('_total'), type === 'counter', name!)
})

t.test('limits, connections, round-trip times and queues', async t => {
  const registry = new Registry()
  const queue = { ratebps: 0, ratepps: 0, bytes: 5, packets: 6, drops: 7, overlimits: 8, requeues: 9 }
  registerMetrics(
    source(
      new Map([
        [
          'web-1',
          {
            ...{ net_rx_rate_limit: 100, net_tx_rate_limit: 200 },
            ...{ net_tcp_active_connections: 3, net_tcp_time_wait_connections: 4 },
            ...{ net_tcp_rtt_microsecs_p50: 1500, net_tcp_rtt_microsecs_p99: 2_500_000 },
            net_traffic_control_statistics: [{ id: 'bw_limit', ...queue, backlog: 10, qlen: 11 }],
          },
        ],
      ]),
    ),
    registry,
  )
  t.strictSame(samples(await registry.metrics()).sort(), [
    'rtnetlink_container_net_rx_rate_limit_bytes_per_second{id="web-1"} 100',
    'rtnetlink_container_net_tcp_active_connections{id="web-1"} 3',
    'rtnetlink_container_net_tcp_rtt_p50_seconds{id="web-1"} 0.0015',
    'rtnetlink_container_net_tcp_rtt_p99_seconds{id="web-1"} 2.5',
    'rtnetlink_container_net_tcp_time_wait_connections{id="web-1"} 4',
    'rtnetlink_container_net_traffic_control_backlog_bytes{id="web-1",queue="bw_limit"} 10',
    'rtnetlink_container_net_traffic_control_bytes_total{id="web-1",queue="bw_limit"} 5',
    'rtnetlink_container_net_traffic_control_drops_total{id="web-1",queue="bw_limit"} 7',
    'rtnetlink_container_net_traffic_control_overlimits_total{id="web-1",queue="bw_limit"} 8',
    'rtnetlink_container_net_traffic_control_packets_total{id="web-1",queue="bw_limit"} 6',
    'rtnetlink_container_net_traffic_control_qlen_packets{id="web-1",queue="bw_limit"} 11',
    'rtnetlink_container_net_traffic_control_requeues_total{id="web-1",queue="bw_limit"} 9',
    'rtnetlink_container_net_tx_rate_limit_bytes_per_second{id="web-1"} 200',
  ])
})

t.test('a series ends with its container; scrapes at the same time share a reading', async t => {
  const registry = new Registry()
  const isolator = source(new Map([['web-1', COUNTED]]), new Map([['web-2', COUNTED]]), new Map())
  registerMetrics(isolator, registry)
  const texts = await Promise.all([registry.metrics(), registry.metrics(), registry.metrics()])
  t.equal(isolator.readings, 1)
  for (const text of texts) t.match(text, 'rtnetlink_container_net_rx_bytes_total{id="web-1"} 1000')
  const later = await registry.metrics()
  t.match(later, 'rtnetlink_container_net_rx_bytes_total{id="web-2"} 1000')
  t.notMatch(later, 'web-1')
  t.strictSame(samples(await registry.metrics()), [])
})

t.test('a reading that fails', async t => {
  const registry = new Registry()
  let fails = true
  const usageAll = async () => {
    if (fails) throw new Error('the kernel does not answer')
    return new Map([['web-1', COUNTED]])
  }
  registerMetrics({ usageAll } as never, registry)
  await t.rejects(registry.metrics(), { message: 'the kernel does not answer' })
  fails = false
  t.match(await registry.metrics(), 'id="web-1"', 'the next scrape reads again')
})

t.test('what it refuses', async t => {
  const registry = new Registry()
  const isolator = source(new Map())
  t.throws(() => registerMetrics({} as never, registry), {
    name: 'TypeError',
    message: /^registerMetrics: isolator .*a PortMappingIsolator/,
  })
  t.throws(() => registerMetrics(isolator, undefined as never), {
    name: 'TypeError',
    message: /^registerMetrics: registry .*a Registry of prom-client/,
  })
  registerMetrics(isolator, registry)
  t.throws(() => registerMetrics(isolator, registry), /already been registered/)
  t.strictSame(samples(await registry.metrics()), [], 'the first ones go on')
})
