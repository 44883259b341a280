import { Counter, Gauge, type Registry } from 'prom-client'
import { argument, having } from './input/index.js'
import type { PortMappingIsolator } from './isolator/port-mapping-isolator.js'
import type { ResourceStatistics } from './isolator/statistics/resource-statistics.js'

/*
 * The subpath `rtnetlink/metrics`: statistics of containers for Prometheus. Apart from index.ts, since it needs prom-client,
 * which most programs do not have.
 */

/** What of the isolator this needs. */
export type MetricsSource = Pick<PortMappingIsolator, 'usageAll'>

type Statistics = ResourceStatistics
type Queue = NonNullable<Statistics['net_traffic_control_statistics']>[number]

/** One metric: Mesos's name with the unit as Prometheus writes it, what it means, and where it comes from. */
type Row<From> = readonly [name: string, help: string, value: (from: From) => number | undefined]

const COUNTERS: readonly Row<Statistics>[] = [
  ['net_rx_bytes_total', 'Bytes that the container received', s => s.net_rx_bytes],
  ['net_rx_packets_total', 'Packets that the container received', s => s.net_rx_packets],
  ['net_rx_errors_total', 'Errors while the container received', s => s.net_rx_errors],
  ['net_rx_dropped_total', 'Packets to the container that its veth dropped', s => s.net_rx_dropped],
  ['net_tx_bytes_total', 'Bytes that the container sent', s => s.net_tx_bytes],
  ['net_tx_packets_total', 'Packets that the container sent', s => s.net_tx_packets],
  ['net_tx_errors_total', 'Errors while the container sent', s => s.net_tx_errors],
  ['net_tx_dropped_total', 'Packets of the container that its veth dropped', s => s.net_tx_dropped],
]

const GAUGES: readonly Row<Statistics>[] = [
  ['net_rx_rate_limit_bytes_per_second', 'What the container may receive', s => s.net_rx_rate_limit],
  ['net_tx_rate_limit_bytes_per_second', 'What the container may send', s => s.net_tx_rate_limit],
  [
    'net_tcp_active_connections',
    'TCP sockets in the container, listening ones included',
    s => s.net_tcp_active_connections,
  ],
  [
    'net_tcp_time_wait_connections',
    'TCP connections in TIME_WAIT in the container',
    s => s.net_tcp_time_wait_connections,
  ],
  [
    'net_tcp_rtt_p50_seconds',
    "Median of the round-trip times of the container's TCP connections",
    s => seconds(s.net_tcp_rtt_microsecs_p50),
  ],
  ['net_tcp_rtt_p90_seconds', '90th percentile of these times', s => seconds(s.net_tcp_rtt_microsecs_p90)],
  ['net_tcp_rtt_p95_seconds', '95th percentile of these times', s => seconds(s.net_tcp_rtt_microsecs_p95)],
  ['net_tcp_rtt_p99_seconds', '99th percentile of these times', s => seconds(s.net_tcp_rtt_microsecs_p99)],
]

const QUEUE = 'net_traffic_control_'
const QUEUE_COUNTERS: readonly Row<Queue>[] = [
  ['bytes_total', 'Bytes sent through a queue of the container', q => q.bytes],
  ['packets_total', 'Packets sent through a queue of the container', q => q.packets],
  ['drops_total', 'Packets that a queue of the container dropped', q => q.drops],
  ['overlimits_total', 'How often a packet of the container had to wait for the rate', q => q.overlimits],
  ['requeues_total', 'Packets put back into a queue of the container', q => q.requeues],
]
const QUEUE_GAUGES: readonly Row<Queue>[] = [
  ['backlog_bytes', 'Bytes that wait in a queue of the container', q => q.backlog],
  ['qlen_packets', 'Packets that wait in a queue of the container', q => q.qlen],
]

const PREFIX = 'rtnetlink_container_'

const checkIsolator: (isolator: unknown) => void = argument(
  'registerMetrics',
  'isolator',
  having<MetricsSource>('a PortMappingIsolator', 'usageAll'),
)
const checkRegistry: (registry: unknown) => void = argument(
  'registerMetrics',
  'registry',
  having<Registry>('a Registry of prom-client', 'registerMetric', 'metrics'),
)

/**
 * Adds the statistics of all containers to a registry of prom-client: `usage()`'s values under Mesos's names with the prefix
 * `rtnetlink_container_`, in base units (bytes, seconds), with the label `id`; of queues with `queue` as well.
 * A scrape reads the kernel once, by `usageAll()`; scrapes that come meanwhile share the reading. A
 * series ends with its container. Where reading fails, so does the scrape, with the error of `usageAll()`.
 *
 * @throws Error where the registry has metrics of these names already; TypeError where an argument is something else
 * @example
 * const registry = new Registry()
 * registerMetrics(isolator, registry)
 * response.end(await registry.metrics())
 */
export function registerMetrics(isolator: MetricsSource, registry: Registry): void {
  checkIsolator(isolator)
  checkRegistry(registry)
  let underWay: Promise<void> | undefined
  const collect = (): Promise<void> =>
    (underWay ??= isolator
      .usageAll()
      .then(setAll)
      .finally(() => {
        underWay = undefined
      }))
  const settings = (name: string, help: string, ...labelNames: string[]) => ({
    ...{ name: PREFIX + name, help, labelNames: ['id', ...labelNames], collect, registers: [registry] },
  })
  const counter = ([name, help]: Row<never>, ...labels: string[]) =>
    new Counter(settings(name, help, ...labels))
  const gauge = ([name, help]: Row<never>, ...labels: string[]) => new Gauge(settings(name, help, ...labels))
  const prefixed = ([name, ...rest]: Row<Queue>): Row<Queue> => [QUEUE + name, ...rest]

  const ofContainer = [
    ...COUNTERS.map(row => ({ metric: counter(row), value: row[2] })),
    ...GAUGES.map(row => ({ metric: gauge(row), value: row[2] })),
  ]
  const ofQueue = [
    ...QUEUE_COUNTERS.map(row => ({ metric: counter(prefixed(row), 'queue'), value: row[2] })),
    ...QUEUE_GAUGES.map(row => ({ metric: gauge(prefixed(row), 'queue'), value: row[2] })),
  ]
  const all = [...ofContainer, ...ofQueue].map(({ metric }) => metric)

  function setAll(usage: Map<string, Statistics>): void {
    // What is gone must not stay, and a counter can only be set by counting up from nothing.
    for (const metric of all) metric.reset()
    for (const [id, statistics] of usage) {
      for (const { metric, value } of ofContainer) add(metric, { id }, value(statistics))
      for (const queue of statistics.net_traffic_control_statistics ?? [])
        for (const { metric, value } of ofQueue) add(metric, { id, queue: queue.id }, value(queue))
    }
  }
}

function add(metric: Counter | Gauge, labels: Record<string, string>, value: number | undefined): void {
  if (value !== undefined) metric.inc(labels, value)
}

function seconds(microseconds: number | undefined): number | undefined {
  return microseconds === undefined ? undefined : microseconds / 1e6
}
