import { setTimeout as sleep } from 'node:timers/promises'
import { once } from 'node:events'
import t from 'tap'
import { NetworkNamespace } from '../../../src/netns/network-namespace.js'
import { tcpSocketIn } from '../../helpers/namespace-sockets.js'
import { allOf, hasQdisc } from '../../helpers/privilege.js'
import { tcpEcho } from '../../helpers/tcp-traffic.js'
import { HOST_IP } from '../../helpers/topology.js'
import { needsIsolation } from '../../isolator/isolated-topology.js'
import { CONTAINER1_PORTS, INVALID_PORT, OPTIONS, prepare, VALID_PORT } from './containers.js'
import { BLOAT_REDUCTION } from './limits.js'

const needsLimits = () => allOf(needsIsolation(), hasQdisc('htb'))

const RATE = 2000
const SIZE = 20_480

const FLAGS = [
  'networkEnableSocketStatisticsSummary',
  'networkEnableSocketStatisticsDetails',
  'networkEnableSnmpStatistics',
] as const

const flags = (...on: boolean[]) => Object.fromEntries(FLAGS.map((flag, i) => [flag, on[i] ?? false]))

t.test('PortMappingStatistics', needsLimits(), async t => {
  // Which statistics there are depends on the flags alone.
  for (const [summary, details, snmp] of [
    [true, true, true],
    [true, false, false],
    [false, true, true],
    [false, false, false],
  ] as const) {
    await t.test(`summary ${summary}, details ${details}, SNMP ${snmp}`, async t => {
      const { host, isolator, isolate } = await prepare(t, {
        ...flags(summary, details, snmp),
        ...BLOAT_REDUCTION,
        egressRateLimitPerContainer: RATE,
        minimumEgressRateLimit: 1,
      })
      const container = await isolate(0, { ports: CONTAINER1_PORTS })
      await using server = await tcpEcho(host, HOST_IP, INVALID_PORT)
      const client = tcpSocketIn(container)
      t.teardown(() => client.destroy())
      client.connect(server.port, HOST_IP)
      await once(client, 'connect')
      client.write(Buffer.alloc(SIZE, 'a'))

      const usage = await isolator.usage('container1')
      t.equal('net_tcp_active_connections' in usage, summary)
      t.equal('net_tcp_time_wait_connections' in usage, summary)
      if (summary) t.ok(usage.net_tcp_active_connections! > 0, 'while the transmission is going on')
      for (const percentile of ['p50', 'p90', 'p95', 'p99'] as const)
        t.equal(`net_tcp_rtt_microsecs_${percentile}` in usage, details, percentile)
      t.equal(usage.net_snmp_statistics?.tcp_stats?.['RetransSegs'] !== undefined, snmp)

      const { begin, end } = usage.net_ephemeral_ports
      t.equal(end - begin + 1, OPTIONS.ephemeralPortsPerContainer)
      await using netns = NetworkNamespace.open(container.name)
      t.equal(await netns.readSysctl('net.ipv4.ip_local_port_range'), `${begin}\t${end}`, 'as it is inside')
      t.match(usage, {
        net_tx_rate_limit: RATE,
        net_traffic_control_statistics: [{ id: 'bw_limit' }],
      })
    })
  }
})

t.test('PortMappingRateStatistics', needsLimits(), async t => {
  const [window, interval] = [5, 0.05]
  const { host, isolator, isolate } = await prepare(t, {
    ...BLOAT_REDUCTION,
    ingressRateLimitPerContainer: RATE,
    minimumIngressRateLimit: 1,
    networkEnableRateStatistics: true,
    networkRateStatisticsWindow: window,
    networkRateStatisticsInterval: interval,
  })
  const container = await isolate(0, { ports: CONTAINER1_PORTS })
  await using server = await tcpEcho(container, '0.0.0.0', VALID_PORT)
  const client = tcpSocketIn(host)
  t.teardown(() => client.destroy())
  client.connect(server.port, '127.0.0.1')
  await once(client, 'connect')
  client.write(Buffer.alloc(SIZE, 'a'))
  // Mesos waits until all has arrived, ten seconds, and keeps the rates of the last five.
  for (let received = 0; received === 0; await sleep(200))
    received = (await isolator.usage('container1')).net_rate_statistics?.rx_rate?.max ?? 0

  const rates = (await isolator.usage('container1')).net_rate_statistics!
  for (const way of ['tx', 'rx'] as const) {
    for (const what of ['rate', 'packet_rate', 'drop_rate', 'error_rate'] as const) {
      const found = rates[`${way}_${what}`]
      t.type(found?.p90, 'number', `${way}_${what}`)
      t.ok(found!.samples >= 2 && found!.samples <= window / interval, `${found!.samples} samples`)
    }
  }
  t.ok(rates.rx_rate!.max > 0 && rates.tx_packet_rate!.max > 0, 'traffic shows')
  t.match(rates, { sampling_window_secs: window, sampling_interval_secs: interval })
})
