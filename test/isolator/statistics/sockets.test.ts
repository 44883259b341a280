import t from 'tap'
import { percentilesOf } from '../../../src/isolator/statistics/round-trip-times.js'
import { socketSummary } from '../../../src/isolator/statistics/socket-summary.js'

const SOCKSTAT = `sockets: used 1391
TCP: inuse 33 orphan 0 tw 5 alloc 37 mem 6
UDP: inuse 15 mem 7
UDPLITE: inuse 0
RAW: inuse 0
FRAG: inuse 0 memory 0
`

const SOCKSTAT6 = `TCP6: inuse 4
UDP6: inuse 2
UDPLITE6: inuse 0
RAW6: inuse 0
FRAG6: inuse 0 memory 0
`

t.test('connections of both families', async t => {
  t.strictSame(socketSummary(SOCKSTAT, SOCKSTAT6), {
    net_tcp_active_connections: 37,
    net_tcp_time_wait_connections: 5,
  })
  t.match(socketSummary(SOCKSTAT, undefined), { net_tcp_active_connections: 33 }, 'a kernel without IPv6')
})

t.test('round-trip times by the nearest rank', async t => {
  t.strictSame(percentilesOf([]), {})
  t.strictSame(percentilesOf([0, 0]), {}, 'connections that have measured none')
  const of = (p50: number, p90: number, p95: number, p99: number) => ({
    net_tcp_rtt_microsecs_p50: p50,
    net_tcp_rtt_microsecs_p90: p90,
    net_tcp_rtt_microsecs_p95: p95,
    net_tcp_rtt_microsecs_p99: p99,
  })
  t.strictSame(percentilesOf([0, 300]), of(300, 300, 300, 300))
  t.strictSame(percentilesOf([9, 10]), of(10, 10, 10, 10))
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i)
  t.strictSame(percentilesOf(hundred), of(51, 91, 96, 100))
})
