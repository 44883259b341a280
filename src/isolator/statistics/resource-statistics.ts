import { nextTurn } from '../kernel/concurrency-limit.js'

/**
 * A container's statistics under the names of Mesos (mesos.proto, ResourceStatistics). What does not apply, or was not
 * asked for, is not there. Counters count since the container was isolated.
 *
 * `Counter` is what 64-bit numbers are given as: a number is exact up to 2^53, a bigint always.
 */
export interface ResourceStatistics<Counter extends number | bigint = number> {
  /** Seconds since the epoch, with fractions. */
  timestamp: number
  net_rx_packets: Counter
  net_rx_bytes: Counter
  net_rx_errors: Counter
  net_rx_dropped: Counter
  net_tx_packets: Counter
  net_tx_bytes: Counter
  net_tx_errors: Counter
  net_tx_dropped: Counter
  /** Egress limit: bytes per second; at most, where others leave something, with its burst in bytes. */
  net_tx_rate_limit?: Counter
  net_tx_burst_rate_limit?: Counter
  net_tx_burst_size?: Counter
  /** Ingress limit, likewise. */
  net_rx_rate_limit?: Counter
  net_rx_burst_rate_limit?: Counter
  net_rx_burst_size?: Counter
  /** The qdiscs of the limits. */
  net_traffic_control_statistics?: TrafficControlStatistics<Counter>[]
  /** First and last ephemeral port. */
  net_ephemeral_ports: { begin: number; end: number }
  /** With `networkEnableSocketStatisticsSummary`. */
  net_tcp_active_connections?: number
  net_tcp_time_wait_connections?: number
  /** With `networkEnableSocketStatisticsDetails`: microseconds, while there are connections with a round-trip time. */
  net_tcp_rtt_microsecs_p50?: number
  net_tcp_rtt_microsecs_p90?: number
  net_tcp_rtt_microsecs_p95?: number
  net_tcp_rtt_microsecs_p99?: number
  /** With `networkEnableSnmpStatistics`. */
  net_snmp_statistics?: SnmpStatistics<Counter>
  /** With `networkEnableRateStatistics`. */
  net_rate_statistics?: RateStatistics<Counter>
}

/** Which qdisc it is: `bw_limit` the HTB of the limit, `bloat_reduction` the fq_codel below it. */
export type TrafficControlId = 'bw_limit' | 'bloat_reduction' | 'ingress_bw_limit' | 'ingress_bloat_reduction'

/** What the kernel counts of a qdisc. */
export interface TrafficControlStatistics<Counter extends number | bigint = number> {
  id: TrafficControlId
  /** Bytes that wait. */
  backlog: Counter
  /** Bytes and packets sent. */
  bytes: Counter
  drops: Counter
  /** How often a packet had to wait for the rate. */
  overlimits: Counter
  packets: Counter
  /** Packets that wait. */
  qlen: Counter
  /** Bytes and packets per second, where the kernel has an estimator attached; else 0. */
  ratebps: Counter
  ratepps: Counter
  requeues: Counter
}

/**
 * Counters of protocols, by the names of /proc/net/snmp; those that the kernel has. With the option `ipv6` also those of
 * /proc/net/snmp6, under three names that Mesos does not have. The kernel counts TCP once for both families.
 */
export interface SnmpStatistics<Counter extends number | bigint = number> {
  ip_stats?: SnmpCounters<Counter>
  icmp_stats?: SnmpCounters<Counter>
  tcp_stats?: SnmpCounters<Counter>
  udp_stats?: SnmpCounters<Counter>
  /** IPv6; the names without their prefix `Ip6`, and likewise below. */
  ip6_stats?: SnmpCounters<Counter>
  /** ICMPv6. */
  icmp6_stats?: SnmpCounters<Counter>
  /** UDP over IPv6. */
  udp6_stats?: SnmpCounters<Counter>
}

export type SnmpCounters<Counter extends number | bigint = number> = Record<string, Counter>

/** The rates of the last `sampling_window_secs`, as far as they were sampled; bytes, packets, … per second. */
export interface RateStatistics<Counter extends number | bigint = number> {
  rx_rate?: RatePercentiles<Counter>
  rx_packet_rate?: RatePercentiles<Counter>
  rx_drop_rate?: RatePercentiles<Counter>
  rx_error_rate?: RatePercentiles<Counter>
  tx_rate?: RatePercentiles<Counter>
  tx_packet_rate?: RatePercentiles<Counter>
  tx_drop_rate?: RatePercentiles<Counter>
  tx_error_rate?: RatePercentiles<Counter>
  sampling_window_secs: number
  sampling_interval_secs: number
}

/** Whole numbers, interpolated between neighbours. */
export interface RatePercentiles<Counter extends number | bigint = number> {
  min: Counter
  max: Counter
  p50: Counter
  p90: Counter
  p95: Counter
  p99: Counter
  p999: Counter
  p9999: Counter
  /** How many rates these are percentiles of. */
  samples: Counter
}

/** The same with numbers in place of bigints. */
type WithNumbers<T> = T extends bigint ? number : T extends object ? { [K in keyof T]: WithNumbers<T[K]> } : T

/** Puts numbers in the place of bigints, all the way down. They are exact up to 2^53. */
export function withNumbers<T>(value: T): WithNumbers<T> {
  return plain(value) as WithNumbers<T>
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const members: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(value)) members[name] = plain(member)
  return members
}

/** Containers whose statistics are converted between two turns of the event loop. */
const CONTAINERS_PER_TURN = 128

/** The same of many containers. */
export async function allWithNumbers(
  exact: ReadonlyMap<string, ResourceStatistics<bigint>>,
): Promise<Map<string, ResourceStatistics>> {
  const all = new Map<string, ResourceStatistics>()
  for (const [id, statistics] of exact) {
    all.set(id, withNumbers(statistics))
    if (all.size % CONTAINERS_PER_TURN === 0) await nextTurn()
  }
  return all
}
