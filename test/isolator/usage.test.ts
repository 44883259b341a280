import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { ResourceStatistics } from '../../src/isolator/statistics.js'
import { ipJson } from '../helpers/iproute2.js'
import { tcpEcho, tcpExchange } from '../helpers/tcp-traffic.js'
import { HOST_IP, REMOTE_IP, WIRE } from '../helpers/topology.js'
import { udpEcho, udpExchange } from '../helpers/udp-traffic.js'
import { needsIsolation, PATIENTLY, twoContainers, type IsolatedContainer } from './isolated-topology.js'

type Counters = Record<'rx' | 'tx', Record<'packets' | 'bytes' | 'errors' | 'dropped', number>>

/** What the container itself reads, under the names of ResourceStatistics. */
async function seenInside({ name }: IsolatedContainer): Promise<Omit<ResourceStatistics, 'timestamp'>> {
  const [link] = await ipJson<{ stats64: Counters }>(name, `-s link show dev ${WIRE}`)
  const { rx, tx } = link!.stats64
  return {
    net_rx_packets: rx.packets,
    net_rx_bytes: rx.bytes,
    net_rx_errors: rx.errors,
    net_rx_dropped: rx.dropped,
    net_tx_packets: tx.packets,
    net_tx_bytes: tx.bytes,
    net_tx_errors: tx.errors,
    net_tx_dropped: tx.dropped,
  }
}

t.test('usage() agrees with what the container reads', needsIsolation(), async t => {
  const { remote, isolator, c1, c2 } = await twoContainers(t)
  const before = await isolator.usage('web-1')
  t.ok(Math.abs(before.timestamp - Date.now() / 1000) < 5, 'seconds since the epoch')

  const [received, sent] = [Buffer.alloc(100_000), Buffer.alloc(50_000)]
  await using inside = await tcpEcho(c1, '0.0.0.0', c1.port)
  await using outside = await udpEcho(remote, '0.0.0.0', 53)
  t.equal((await tcpExchange(remote, HOST_IP, inside.port, received, PATIENTLY)).outcome, 'connected')
  t.equal((await tcpExchange(c2, HOST_IP, inside.port, sent, PATIENTLY)).outcome, 'connected')
  t.equal(await udpExchange(c1, REMOTE_IP, outside.port, { localPort: c1.port, ...PATIENTLY }), 'answered')
  // What the guard drops was sent: it is in neither drop counter.
  t.equal(await udpExchange(c1, REMOTE_IP, outside.port, { localPort: 53, timeout: 100 }), 'timeout')

  for (const container of [c1, c2]) {
    await sleep(100)
    const { timestamp: _timestamp, ...usage } = await isolator.usage(container.info.id)
    t.strictSame(usage, await seenInside(container))
    const { timestamp: _again, ...exact } = await isolator.usage(container.info.id, { bigint: true })
    t.strictSame(
      exact,
      Object.fromEntries(Object.entries(usage).map(([name, value]) => [name, BigInt(value)])),
    )
  }
  const after = await isolator.usage('web-1')
  const payload = received.length + sent.length
  for (const counter of ['net_rx_bytes', 'net_tx_bytes'] as const) {
    const bytes = after[counter] - before[counter]
    t.ok(bytes > payload && bytes < 1.2 * payload, `${counter}: ${bytes} for a payload of ${payload}`)
  }
  await t.rejects(isolator.usage('web-3'), { code: 'ERR_CONTAINER_UNKNOWN' })
})
