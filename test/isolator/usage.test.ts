import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { CONTAINER_INTERFACE } from '../../src/isolator/layout/layout.js'
import type { ResourceStatistics } from '../../src/isolator/statistics/resource-statistics.js'
import type { TracedMessage } from '../../src/netlink/trace.js'
import { ip, ipJson, tcJson } from '../helpers/iproute2.js'
import { allOf, hasQdisc } from '../helpers/privilege.js'
import { tcpEcho, tcpExchange } from '../helpers/tcp-traffic.js'
import { HOST_IP, REMOTE_IP, type NamespaceRef } from '../helpers/topology.js'
import { udpEcho, udpExchange } from '../helpers/udp-traffic.js'
import {
  needsIsolation,
  PATIENTLY,
  preparedTopology,
  twoContainers,
  type IsolatedContainer,
} from './isolated-topology.js'

type Counters = Record<'rx' | 'tx', Record<'packets' | 'bytes' | 'errors' | 'dropped', number>>

/** What the container itself reads, under the names of ResourceStatistics, and its ephemeral ports. */
async function seenInside({ name, info }: IsolatedContainer): Promise<Omit<ResourceStatistics, 'timestamp'>> {
  const [link] = await ipJson<{ stats64: Counters }>(name, `-s link show dev ${CONTAINER_INTERFACE}`)
  const { rx, tx } = link!.stats64
  const [begin, end] = info.ephemeralPorts
  return {
    net_rx_packets: rx.packets,
    net_rx_bytes: rx.bytes,
    net_rx_errors: rx.errors,
    net_rx_dropped: rx.dropped,
    net_tx_packets: tx.packets,
    net_tx_bytes: tx.bytes,
    net_tx_errors: tx.errors,
    net_tx_dropped: tx.dropped,
    net_ephemeral_ports: { begin, end },
  }
}

/** What the guard on a container's veth has dropped. */
async function guardDrops({ name }: NamespaceRef, { info }: IsolatedContainer): Promise<number> {
  const [qdisc] = await tcJson<{ drops: number }>(name, `-s qdisc show dev ${info.link} ingress`)
  return qdisc!.drops
}

const withoutTime = <Counter extends number | bigint>({
  timestamp: _timestamp,
  ...statistics
}: ResourceStatistics<Counter>): Omit<ResourceStatistics<Counter>, 'timestamp'> => statistics

/** With bigints in place of counters. */
const exactly = ({
  net_ephemeral_ports,
  ...counters
}: Omit<ResourceStatistics, 'timestamp'>): Record<string, unknown> => ({
  ...Object.fromEntries(Object.entries(counters).map(([name, value]) => [name, BigInt(value as number)])),
  net_ephemeral_ports,
})

t.test('usage() agrees with what the container reads', needsIsolation(), async t => {
  const { host, remote, isolator, c1, c2 } = await twoContainers(t)
  const before = await isolator.usage('web-1')
  t.ok(Math.abs(before.timestamp - Date.now() / 1000) < 5, 'seconds since the epoch')

  const [received, sent] = [Buffer.alloc(100_000), Buffer.alloc(50_000)]
  await using inside = await tcpEcho(c1, '0.0.0.0', c1.port)
  await using outside = await udpEcho(remote, '0.0.0.0', 53)
  t.equal((await tcpExchange(remote, HOST_IP, inside.port, received, PATIENTLY)).outcome, 'connected')
  t.equal((await tcpExchange(c2, HOST_IP, inside.port, sent, PATIENTLY)).outcome, 'connected')
  t.equal(await udpExchange(c1, REMOTE_IP, outside.port, { localPort: c1.port, ...PATIENTLY }), 'answered')
  // What the guard drops was sent: it is in neither drop counter, but in that of the veth's qdisc.
  const refused = await guardDrops(host, c1)
  t.equal(await udpExchange(c1, REMOTE_IP, outside.port, { localPort: 53, timeout: 100 }), 'timeout')
  t.ok((await guardDrops(host, c1)) > refused, 'the ingress qdisc of the veth counts it')

  for (const container of [c1, c2]) {
    const { id } = container.info
    await sleep(100)
    const usage = await isolator.usage(id)
    const seen = await seenInside(container)
    t.strictSame(withoutTime(usage), seen)
    t.strictSame(withoutTime(await isolator.usage(id, { bigint: true })), exactly(seen))
    t.strictSame(withoutTime((await isolator.usageAll()).get(id)!), seen, 'usageAll() tells the same')
    t.strictSame(withoutTime((await isolator.usageAll({ bigint: true })).get(id)!), exactly(seen))
    t.doesNotThrow(() => JSON.stringify(usage), 'numbers go into JSON')
  }
  const after = await isolator.usage('web-1')
  const payload = received.length + sent.length
  for (const counter of ['net_rx_bytes', 'net_tx_bytes'] as const) {
    const bytes = after[counter] - before[counter]
    t.ok(bytes > payload && bytes < 1.2 * payload, `${counter}: ${bytes} for a payload of ${payload}`)
  }
  await t.rejects(isolator.usage('web-3'), { code: 'ERR_CONTAINER_UNKNOWN' })
})

t.test('usageAll() without containers', needsIsolation(), async t => {
  const { isolator } = await preparedTopology(t, { containers: 0 })
  t.strictSame(await isolator.usageAll(), new Map())
})

t.test('containers that come and go', needsIsolation(), async t => {
  const { host, isolator, c1, c2 } = await twoContainers(t)
  t.strictSame([...(await isolator.usageAll()).keys()], ['web-1', 'web-2'], 'in the order of isolate()')

  const cleaned = isolator.cleanup('web-1')
  const [, all] = await Promise.all([cleaned, isolator.usageAll()])
  t.strictSame([...all.keys()], ['web-2'], 'one that is being cleaned up is waited for, and left out')
  const isolated = isolator.isolate('web-3', { netns: c1.name })
  const usage = isolator.usage('web-3')
  await isolated
  t.match(await usage, { net_ephemeral_ports: Object }, 'one that is being isolated is waited for')

  const race = isolator.usage('web-3').catch((error: unknown) => error)
  await isolator.cleanup('web-3')
  const outcome = await race
  t.ok(
    outcome instanceof Error
      ? 'code' in outcome && outcome.code === 'ERR_CONTAINER_UNKNOWN'
      : (outcome as ResourceStatistics).timestamp > 0,
    'either its statistics, or it is unknown',
  )

  await isolator.isolate('web-4', { netns: c1.name })
  await ip(host.name, `link del ${c2.info.link}`)
  t.strictSame(
    [...(await isolator.usageAll()).keys()],
    ['web-4'],
    'one whose link somebody removed is left out',
  )
  await t.rejects(isolator.usage('web-2'), { code: 'ENODEV' })
})

t.test('links that come and go all the time disturb no container', needsIsolation(), async t => {
  const { host, isolator } = await twoContainers(t)
  let done = false
  const churn = async (i: number): Promise<void> => {
    while (!done) {
      await ip(host.name, `link add x${i} type veth peer name y${i}`)
      await ip(host.name, `link del x${i}`)
    }
  }
  const churns = [churn(1), churn(2), churn(3)]
  for (let i = 0; i < 200; i++) {
    const found = [...(await isolator.usageAll()).keys()]
    if (found.length !== 2) t.strictSame(found, ['web-1', 'web-2'])
  }
  done = true
  await Promise.all(churns)
})

t.test(
  'usage() of a limited container reads its own qdiscs alone, usageAll() all at once',
  allOf(needsIsolation(), hasQdisc('htb')),
  async t => {
    const { isolator } = await twoContainers(t, {
      ...{ ingressRateLimitPerContainer: '1MB', bloatReduction: 'none' },
    })
    const told: Omit<TracedMessage, 'sequence'>[] = []
    const listener = (message: unknown): unknown => told.push(message as TracedMessage)
    const during = async <T>(call: () => Promise<T>): Promise<T> => {
      told.length = 0
      for (const channel of ['rtnetlink:request', 'rtnetlink:reply']) subscribe(channel, listener)
      try {
        return await call()
      } finally {
        for (const channel of ['rtnetlink:request', 'rtnetlink:reply']) unsubscribe(channel, listener)
      }
    }
    const qdiscs = (): number => told.filter(({ name }) => name === 'RTM_NEWQDISC').length
    const one = await during(() => isolator.usage('web-1'))
    t.equal(qdiscs(), 1, 'one answer, for the HTB')
    const all = await during(() => isolator.usageAll())
    t.ok(qdiscs() > 2, 'a dump')
    const [limit] = one.net_traffic_control_statistics ?? []
    t.match(limit, { id: 'ingress_bw_limit', packets: 0, drops: 0 })
    t.match(all.get('web-1')?.net_traffic_control_statistics, [{ id: 'ingress_bw_limit' }])
  },
)
