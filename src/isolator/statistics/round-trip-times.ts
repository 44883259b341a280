import type { SockDiagSocket, SocketState } from '../../sock-diag/index.js'
import type { ResourceStatistics } from './resource-statistics.js'

type RoundTripTimes = Pick<ResourceStatistics, `net_tcp_rtt_microsecs_${'p50' | 'p90' | 'p95' | 'p99'}`>

/** States in which a connection can have measured its round-trip time. */
const CONNECTED: readonly SocketState[] = [
  'established',
  'fin-wait-1',
  'fin-wait-2',
  'close-wait',
  'last-ack',
  'closing',
]

/** Connections of a container that are looked at, at most: half a kilobyte each, of 16 containers at a time. */
const MOST_CONNECTIONS = 32_768

/**
 * The round-trip times of all connections, microseconds. Those of IPv6 sockets count too, which Mesos misses, with a peer of either
 * family.
 *
 * @throws DumpTooLargeError where there are more than can be read in passing: a part of them would tell another story
 */
export async function roundTripTimes(sockets: SockDiagSocket, signal: AbortSignal): Promise<RoundTripTimes> {
  const connections = await sockets.list(
    { protocol: 'tcp', states: CONNECTED, details: true },
    { maxMessages: MOST_CONNECTIONS, signal },
  )
  return percentilesOf(connections.map(({ tcpInfo }) => tcpInfo?.rtt ?? 0))
}

/** By Mesos's rule, the nearest rank: of n times in order, that at n * percent / 100, rounded down, from 0. */
export function percentilesOf(times: readonly number[]): RoundTripTimes {
  // 0 is: none measured yet.
  const sorted = times.filter(time => time !== 0).sort((a, b) => a - b)
  const at = (percent: number): number => sorted[Math.floor((sorted.length * percent) / 100)] ?? 0
  if (sorted.length === 0) return {}
  return {
    net_tcp_rtt_microsecs_p50: at(50),
    net_tcp_rtt_microsecs_p90: at(90),
    net_tcp_rtt_microsecs_p95: at(95),
    net_tcp_rtt_microsecs_p99: at(99),
  }
}
