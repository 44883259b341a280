import { Counter, Gauge, Registry } from 'prom-client'
import type { PortMappingIsolator, ResourceStatistics } from 'rtnetlink'

/** What Prometheus scrapes. */
export interface Metrics {
  readonly contentType: string
  /** Reads the kernel and writes it down in Prometheus's format. */
  read(): Promise<string>
}

type Value = (statistics: ResourceStatistics) => number | undefined
type TrafficControl = NonNullable<ResourceStatistics['net_traffic_control_statistics']>[number]

/** One metric: its name without the prefix, what it means, and where it comes from. */
type Row = [name: string, help: string, value: Value]

/** As cAdvisor names them, so that dashboards fit. */
const COUNTERS: readonly Row[] = [
  ['receive_bytes_total', 'Bytes received', s => s.net_rx_bytes],
  ['receive_packets_total', 'Packets received', s => s.net_rx_packets],
  ['receive_errors_total', 'Errors while receiving', s => s.net_rx_errors],
  ['receive_packets_dropped_total', 'Packets dropped while receiving', s => s.net_rx_dropped],
  ['transmit_bytes_total', 'Bytes sent', s => s.net_tx_bytes],
  ['transmit_packets_total', 'Packets sent', s => s.net_tx_packets],
  ['transmit_errors_total', 'Errors while sending', s => s.net_tx_errors],
  ['transmit_packets_dropped_total', 'Packets dropped while sending', s => s.net_tx_dropped],
]

const GAUGES: readonly Row[] = [
  ['transmit_limit_bytes_per_second', 'Egress rate limit', s => s.net_tx_rate_limit],
  ['receive_limit_bytes_per_second', 'Ingress rate limit', s => s.net_rx_rate_limit],
  ['tcp_active_connections', 'TCP connections', s => s.net_tcp_active_connections],
  ['tcp_time_wait_connections', 'TCP connections in TIME_WAIT', s => s.net_tcp_time_wait_connections],
  ['tcp_rtt_p50_seconds', "Median of TCP's round-trip times", s => seconds(s.net_tcp_rtt_microsecs_p50)],
  [
    'tcp_rtt_p99_seconds',
    "99th percentile of TCP's round-trip times",
    s => seconds(s.net_tcp_rtt_microsecs_p99),
  ],
]

const QUEUE_COUNTERS: readonly [name: string, help: string, value: (s: TrafficControl) => number][] = [
  ['queue_bytes_total', 'Bytes sent through a queue', s => s.bytes],
  ['queue_packets_total', 'Packets sent through a queue', s => s.packets],
  ['queue_drops_total', 'Packets dropped by a queue', s => s.drops],
  ['queue_overlimits_total', 'How often a packet had to wait for the rate', s => s.overlimits],
  ['queue_requeues_total', 'Packets put back into a queue', s => s.requeues],
]

const QUEUE_GAUGES: typeof QUEUE_COUNTERS = [
  ['queue_backlog_bytes', 'Bytes that wait in a queue', s => s.backlog],
  ['queue_backlog_packets', 'Packets that wait in a queue', s => s.qlen],
]

const PREFIX = 'container_network_'

/** The statistics of all containers as metrics, with the label `container`; those of the queues with `queue` too. */
export function createMetrics(isolator: PortMappingIsolator): Metrics {
  const registers = [new Registry()]
  const counter = (name: string, help: string, labelNames: string[]): Counter =>
    new Counter({ name: PREFIX + name, help, labelNames, registers })
  const gauge = (name: string, help: string, labelNames: string[]): Gauge =>
    new Gauge({ name: PREFIX + name, help, labelNames, registers })
  const ofContainer = [
    ...COUNTERS.map(([name, help, value]) => ({ metric: counter(name, help, ['container']), value })),
    ...GAUGES.map(([name, help, value]) => ({ metric: gauge(name, help, ['container']), value })),
  ]
  const labels = ['container', 'queue']
  const ofQueue = [
    ...QUEUE_COUNTERS.map(([name, help, value]) => ({ metric: counter(name, help, labels), value })),
    ...QUEUE_GAUGES.map(([name, help, value]) => ({ metric: gauge(name, help, labels), value })),
  ]
  const [registry = new Registry()] = registers
  return {
    contentType: registry.contentType,
    async read() {
      const all = await isolator.usageAll()
      // What is gone must not stay, and a counter can only be set by counting up from nothing.
      registry.resetMetrics()
      for (const [container, statistics] of all) {
        for (const { metric, value } of ofContainer) add(metric, { container }, value(statistics))
        for (const queue of statistics.net_traffic_control_statistics ?? [])
          for (const { metric, value } of ofQueue) add(metric, { container, queue: queue.id }, value(queue))
      }
      return registry.metrics()
    },
  }
}

function add(metric: Counter | Gauge, labels: Record<string, string>, value: number | undefined): void {
  if (value !== undefined) metric.inc(labels, value)
}

const seconds = (microseconds: number | undefined): number | undefined =>
  microseconds === undefined ? undefined : microseconds / 1e6
