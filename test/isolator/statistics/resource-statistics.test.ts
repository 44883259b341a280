import t from 'tap'
import { seenByContainer } from '../../../src/isolator/statistics/link-counters.js'
import { limitStatistics } from '../../../src/isolator/statistics/limit-statistics.js'
import { withNumbers } from '../../../src/isolator/statistics/resource-statistics.js'

t.test('what one end of a veth sends, the other receives', async t => {
  t.strictSame(
    seenByContainer({
      ...{ txPackets: 1n, txBytes: 2n, txErrors: 3n, txDropped: 4n },
      ...{ rxPackets: 5n, rxBytes: 2n ** 64n - 1n, rxErrors: 7n, rxDropped: 8n },
    }),
    {
      ...{ net_rx_packets: 1n, net_rx_bytes: 2n, net_rx_errors: 3n, net_rx_dropped: 4n },
      ...{ net_tx_packets: 5n, net_tx_bytes: 2n ** 64n - 1n, net_tx_errors: 7n, net_tx_dropped: 8n },
    },
  )
})

t.test('numbers for bigints, all the way down', async t => {
  t.strictSame(withNumbers({ a: 1n, b: { c: [{ d: 2n ** 53n, e: 'x' }], f: 0.5 }, g: -1n }), {
    a: 1,
    b: { c: [{ d: 2 ** 53, e: 'x' }], f: 0.5 },
    g: -1,
  })
})

t.test('a burst is told beside a ceil', async t => {
  t.strictSame(limitStatistics(undefined, undefined), {})
  t.strictSame(limitStatistics({ rate: 1000, burst: 9 }, undefined), { net_tx_rate_limit: 1000n })
  t.strictSame(limitStatistics({ rate: 1000, ceil: 2000, burst: 9 }, { rate: 10, ceil: 20 }), {
    net_tx_rate_limit: 1000n,
    net_tx_burst_rate_limit: 2000n,
    net_tx_burst_size: 9n,
    net_rx_rate_limit: 10n,
    net_rx_burst_rate_limit: 20n,
  })
})
