/**
 * A container's statistics under Mesos's names (mesos.proto, ResourceStatistics), counted since the container was
 * isolated. They are read at the host's end of the veth, where what the container receives is sent and the other way
 * round; packets that the guard drops are in `tc -s qdisc show dev <link> ingress`, not in `net_tx_dropped`.
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
}

/** The counters of a link that a container's statistics are made of; those of struct rtnl_link_stats64. */
export interface LinkCounters {
  readonly rxPackets: bigint
  readonly rxBytes: bigint
  readonly rxErrors: bigint
  readonly rxDropped: bigint
  readonly txPackets: bigint
  readonly txBytes: bigint
  readonly txErrors: bigint
  readonly txDropped: bigint
}

/** The container's view of the counters at the host's end: what one end transmits, the other receives. */
export function containerStatistics(
  host: LinkCounters,
  timestamp = Date.now() / 1000,
): ResourceStatistics<bigint> {
  return {
    timestamp,
    net_rx_packets: host.txPackets,
    net_rx_bytes: host.txBytes,
    net_rx_errors: host.txErrors,
    net_rx_dropped: host.txDropped,
    net_tx_packets: host.rxPackets,
    net_tx_bytes: host.rxBytes,
    net_tx_errors: host.rxErrors,
    net_tx_dropped: host.rxDropped,
  }
}

/** The same with numbers, which are exact up to 2^53. */
export function withNumbers(statistics: ResourceStatistics<bigint>): ResourceStatistics {
  const entries = Object.entries(statistics) as [keyof ResourceStatistics, number | bigint][]
  return Object.fromEntries(
    entries.map(([name, value]) => [name, Number(value)]),
  ) as unknown as ResourceStatistics
}
