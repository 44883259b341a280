/** Excerpts of Mesos's documents: what `curl` gives of its statistics endpoint. */

/** docs/network-monitoring.md of Mesos 0.20, `/monitor/statistics.json` */
export const MONITORING = {
  executor_id: 'sample_executor_id-ebd8fa62-757d-489e-9e23-678a21d078d6',
  executor_name: 'sample_executor',
  framework_id: '201103282247-0000000019-0000',
  source: 'sample_executor',
  statistics: {
    cpus_limit: 0.35,
    cpus_nr_periods: 520883,
    cpus_nr_throttled: 2163,
    mem_limit_bytes: 167772160,
    mem_rss_bytes: 140341248,
    net_rx_bytes: 2402099,
    net_rx_dropped: 0,
    net_rx_errors: 0,
    net_rx_packets: 33273,
    net_tx_bytes: 1507798,
    net_tx_dropped: 0,
    net_tx_errors: 0,
    net_tx_packets: 17726,
    timestamp: 1408043826.91626,
  },
}

/** docs/isolators/network-port-mapping.md, `/monitor/statistics` */
export const PORT_MAPPING = {
  executor_id: 'job.1436298853',
  executor_name: "Command Executor (Task: job.1436298853) (Command: sh -c 'iperf ....')",
  framework_id: '20150707-195256-1740121354-5150-29801-0000',
  source: 'job.1436298853',
  statistics: {
    cpus_limit: 1.1,
    mem_limit_bytes: 167772160,
    net_rx_bytes: 10847,
    net_rx_dropped: 0,
    net_rx_errors: 0,
    net_rx_packets: 143,
    net_traffic_control_statistics: [
      {
        backlog: 0,
        bytes: 163206809152,
        drops: 77147,
        id: 'bw_limit',
        overlimits: 210693719,
        packets: 107941027,
        qlen: 10236,
        ratebps: 0,
        ratepps: 0,
        requeues: 0,
      },
      {
        backlog: 15481368,
        bytes: 163206874168,
        drops: 27081494,
        id: 'bloat_reduction',
        overlimits: 0,
        packets: 107941070,
        qlen: 10239,
        ratebps: 0,
        ratepps: 0,
        requeues: 0,
      },
    ],
    net_tx_bytes: 163200529816,
    net_tx_dropped: 0,
    net_tx_errors: 0,
    net_tx_packets: 107936874,
    timestamp: 1436300487.41595,
  },
}

/** What an entry of the endpoint looks like: the type of every key, of arrays that of every item. */
export function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf)
  if (typeof value !== 'object' || value === null) return typeof value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, shapeOf(member)]),
  )
}

/** A document's entry with what is the network's only. */
export const networkOnly = ({ statistics, ...entry }: { statistics: object }): object => ({
  ...entry,
  statistics: Object.fromEntries(
    Object.entries(statistics).filter(([name]) => name.startsWith('net_') || name === 'timestamp'),
  ),
})
