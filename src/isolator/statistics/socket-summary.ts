import type { ResourceStatistics } from './resource-statistics.js'

type SocketSummary = Required<
  Pick<ResourceStatistics, 'net_tcp_active_connections' | 'net_tcp_time_wait_connections'>
>

/**
 * Reads /proc/net/sockstat and /proc/net/sockstat6 (net/ipv4/proc.c, net/ipv6/proc.c): counts that the kernel has at
 * hand, without a look at the sockets. Mesos reads the first alone, and so misses the IPv4 connections of IPv6 sockets,
 * which are all that a Java or a Node server has.
 *
 * @param sockstat6 undefined where the kernel has no IPv6
 */
export const socketSummary = (sockstat: string, sockstat6: string | undefined): SocketSummary => ({
  net_tcp_active_connections: count(sockstat, 'TCP', 'inuse') + count(sockstat6 ?? '', 'TCP6', 'inuse'),
  // Both families wait in one table.
  net_tcp_time_wait_connections: count(sockstat, 'TCP', 'tw'),
})

/** The number behind a word in the line of a protocol, such as 3 in `TCP: inuse 3 orphan 0 tw 0 alloc 3 mem 0`. */
function count(text: string, protocol: string, word: string): number {
  const line = text.split('\n').find(line => line.startsWith(`${protocol}: `)) ?? ''
  const words = line.split(' ')
  const at = words.indexOf(word)
  return at < 0 ? 0 : Number(words[at + 1])
}
