/** Statistics of containers with real traffic, beside what `tc`, `ss` and /proc tell inside. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import type net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import t, { type Test } from 'tap'
import type { PortMappingIsolator } from '../../../src/isolator/port-mapping-isolator.js'
import type { ResourceStatistics } from '../../../src/isolator/statistics/resource-statistics.js'
import { runIn, tcJson } from '../../helpers/iproute2.js'
import { allOf, hasQdisc } from '../../helpers/privilege.js'
import { anyLike, tcpSocketIn } from '../../helpers/namespace-sockets.js'
import { tcpEcho, tcpExchange } from '../../helpers/tcp-traffic.js'
import { HOST_IP, REMOTE_IP, type NamespaceRef } from '../../helpers/topology.js'
import { udpEcho, udpExchange } from '../../helpers/udp-traffic.js'
import { REMOTE_IP6, twoContainers6 } from '../inet6-topology.js'
import {
  firstPort,
  needsIsolation,
  PATIENTLY,
  preparedTopology,
  twoContainers,
} from '../isolated-topology.js'

/** Statistics but for the time, and what `look` sees, at a moment when nothing changed. */
async function beside<T>(
  isolator: PortMappingIsolator,
  id: string,
  look: () => Promise<T>,
): Promise<{ usage: Omit<ResourceStatistics, 'timestamp'>; seen: T }> {
  const read = async (): Promise<Omit<ResourceStatistics, 'timestamp'>> => {
    const { timestamp: _timestamp, ...usage } = await isolator.usage(id)
    return usage
  }
  for (let attempt = 0; ; attempt++) {
    const usage = await read()
    const seen = await look()
    if (isDeepStrictEqual(usage, await read())) return { usage, seen }
    if (attempt === 50) throw new Error(`the statistics of ${id} do not come to rest`)
    await sleep(50)
  }
}

interface TcQdisc extends Record<
  'bytes' | 'packets' | 'drops' | 'overlimits' | 'requeues' | 'backlog' | 'qlen',
  number
> {
  kind: string
}

/** The HTB and fq_codel of a device as `tc` shows them. */
async function tcStatistics(namespace: NamespaceRef, dev: string, prefix: string): Promise<unknown[]> {
  const qdiscs = await tcJson<TcQdisc>(namespace.name, `-s qdisc show dev ${dev}`)
  return qdiscs
    .filter(({ kind }) => kind === 'htb' || kind === 'fq_codel')
    .map(({ kind, bytes, packets, drops, overlimits, requeues, backlog, qlen }) => ({
      id: prefix + (kind === 'htb' ? 'bw_limit' : 'bloat_reduction'),
      ...{ backlog, bytes, drops, overlimits, packets, qlen, ratebps: 0, ratepps: 0, requeues },
    }))
}

for (const bloatReduction of ['none', 'fq_codel'] as const) {
  const needs = (): ReturnType<typeof allOf> =>
    allOf(
      needsIsolation(),
      hasQdisc('htb'),
      bloatReduction === 'none' ? { skip: false } : hasQdisc('fq_codel'),
    )
  t.test(`limits with bloatReduction ${bloatReduction}: what tc tells`, needs(), async t => {
    const { host, remote, isolator, c1 } = await twoContainers(t, {
      bloatReduction,
      egressRateLimitPerContainer: '2000KB',
      ingressRateLimitPerContainer: '1000KB',
      ingressCeilLimit: '1500KB',
      ingressBurst: '64KB',
    })
    await using echo = await tcpEcho(c1, '0.0.0.0', c1.port)
    const exchanged = await tcpExchange(remote, HOST_IP, echo.port, Buffer.alloc(500_000), {
      timeout: 20_000,
    })
    t.equal(exchanged.outcome, 'connected')

    const { usage, seen } = await beside(isolator, 'web-1', async () => [
      ...(await tcStatistics(host, c1.info.link, 'ingress_')),
      ...(await tcStatistics(c1, 'eth0', '')),
    ])
    t.strictSame(usage.net_traffic_control_statistics, seen)
    t.equal(seen.length, bloatReduction === 'none' ? 2 : 4)
    for (const { id, bytes, packets } of usage.net_traffic_control_statistics!) {
      t.ok(bytes > 500_000 && packets > 0, `${id}: ${bytes} bytes`)
    }
    const overlimits = usage.net_traffic_control_statistics!.find(({ id }) => id === 'ingress_bw_limit')!
    t.ok(overlimits.overlimits > 0, 'packets had to wait')
    t.match(usage, {
      net_tx_rate_limit: 2000 * 1024,
      net_tx_burst_rate_limit: undefined,
      net_rx_rate_limit: 1000 * 1024,
      net_rx_burst_rate_limit: 1500 * 1024,
      net_rx_burst_size: 64 * 1024,
    })
    const all = await isolator.usageAll({ bigint: true })
    t.match(all.get('web-1'), {
      net_rx_rate_limit: 1_024_000n,
      net_traffic_control_statistics: usage.net_traffic_control_statistics!.map(({ id, bytes }) => ({
        id,
        bytes: BigInt(bytes),
      })),
    })
  })
}

t.test('a container that undoes its own limit', allOf(needsIsolation(), hasQdisc('htb')), async t => {
  const { isolator, c1 } = await twoContainers(t, {
    bloatReduction: 'none',
    egressRateLimitPerContainer: '1000KB',
  })
  t.match((await isolator.usage('web-1')).net_traffic_control_statistics, [{ id: 'bw_limit' }])
  await runIn(c1.path, 'tc', 'qdisc', 'del', 'dev', 'eth0', 'root')
  t.notOk('net_traffic_control_statistics' in (await isolator.usage('web-1')), 'nothing to tell of')
  await runIn(c1.path, 'ip', 'link', 'set', 'eth0', 'down')
  await runIn(c1.path, 'ip', 'link', 'set', 'eth0', 'name', 'other')
  t.match(await isolator.usage('web-1'), { net_tx_rate_limit: 1_024_000 }, 'without its eth0')
  t.equal((await isolator.usageAll()).size, 2)
})

const EVERYTHING = {
  networkEnableSocketStatisticsSummary: true,
  networkEnableSocketStatisticsDetails: true,
  networkEnableSnmpStatistics: true,
}

/** TCP sockets inside as `ss` lists them: state, then the rest. */
const ss = async ({ path }: NamespaceRef, ...options: string[]): Promise<string[]> =>
  (await runIn(path, 'ss', '-HtnO', ...options)).split('\n').filter(line => line !== '')

/** Round-trip times that `ss` tells, microseconds, in order. */
const rttsOf = (lines: string[]): number[] =>
  lines
    .flatMap(line => {
      const [, rtt] = / rtt:([\d.]+)\//.exec(line) ?? []
      return rtt === undefined ? [] : [Math.round(1000 * Number(rtt))]
    })
    .sort((a, b) => a - b)

for (const address of [REMOTE_IP, REMOTE_IP6]) {
  t.test(`sockets to ${address}: what ss tells`, needsIsolation(), async t => {
    const { remote, isolator, c1 } = await twoContainers6(t, EVERYTHING)
    const fresh = await isolator.usage('web-1')
    t.match(fresh, { net_tcp_active_connections: 0, net_tcp_time_wait_connections: 0 })
    t.notOk('net_tcp_rtt_microsecs_p50' in fresh, 'nobody has measured a round trip')

    await using echo = await tcpEcho(remote, address, 8000)
    const connections = await Promise.all(
      Array.from({ length: 5 }, () => connected(t, c1, address, echo.port)),
    )
    for (const socket of connections) await roundTrip(socket)
    t.equal((await tcpExchange(c1, address, echo.port, Buffer.alloc(10), PATIENTLY)).outcome, 'connected')

    const { usage, seen } = await beside(isolator, 'web-1', async () => ({
      active: (await ss(c1, '-a', 'exclude', 'time-wait')).length,
      waiting: (await ss(c1, '-a', 'state', 'time-wait')).length,
      rtts: rttsOf(await ss(c1, '-i')),
    }))
    t.equal(usage.net_tcp_active_connections, seen.active)
    t.ok(seen.active >= 5)
    t.equal(usage.net_tcp_time_wait_connections, seen.waiting)
    t.ok(seen.waiting >= 1, 'the one that was closed')
    t.ok(seen.rtts.length >= 5)
    const at = (percent: number): number => seen.rtts[Math.floor((seen.rtts.length * percent) / 100)]!
    t.match(usage, {
      net_tcp_rtt_microsecs_p50: at(50),
      net_tcp_rtt_microsecs_p90: at(90),
      net_tcp_rtt_microsecs_p95: at(95),
      net_tcp_rtt_microsecs_p99: at(99),
    })
  })
}

t.test('IPv4 connections of an IPv6 server count', needsIsolation(), async t => {
  const { remote, isolator, c1 } = await twoContainers(t, EVERYTHING)
  const program = `require('net').createServer(s => s.pipe(s)).listen(${c1.port}, '::', () => console.log('on'))`
  const server = spawn('nsenter', [`--net=${c1.path}`, process.execPath, '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  t.teardown(async () => {
    server.kill()
    await once(server, 'close')
  })
  await once(server.stdout, 'data')
  t.match(await isolator.usage('web-1'), { net_tcp_active_connections: 1 }, 'the listener')
  await roundTrip(await connected(t, remote, HOST_IP, c1.port))
  const usage = await isolator.usage('web-1')
  t.equal(usage.net_tcp_active_connections, 2)
  t.ok(usage.net_tcp_rtt_microsecs_p50! > 0)
})

/** A connection that ends with the test. */
async function connected(t: Test, from: NamespaceRef, address: string, port: number): Promise<net.Socket> {
  const socket = tcpSocketIn(from, anyLike(address))
  t.teardown(() => socket.destroy())
  socket.connect(port, address)
  await once(socket, 'connect')
  return socket
}

async function roundTrip(socket: net.Socket): Promise<void> {
  socket.write('hello')
  await once(socket, 'data')
}

/** /proc/net/snmp as a program inside reads it. */
async function snmpInside({ path }: NamespaceRef): Promise<Record<string, Record<string, number>>> {
  const lines = (await runIn(path, 'cat', '/proc/net/snmp')).trim().split('\n')
  const found: Record<string, Record<string, number>> = {}
  for (let i = 0; i < lines.length; i += 2) {
    const [protocol, ...names] = lines[i]!.split(/:? /)
    const [, ...values] = lines[i + 1]!.split(/:? /)
    found[protocol!] = Object.fromEntries(names.map((name, column) => [name, Number(values[column])]))
  }
  return found
}

t.test('SNMP counters: what /proc/net/snmp tells', needsIsolation(), async t => {
  const { remote, isolator, c1, c2 } = await twoContainers(t, EVERYTHING)
  await using tcp = await tcpEcho(remote, '0.0.0.0', 8000)
  await using udp = await udpEcho(remote, '0.0.0.0', 53)
  t.equal((await tcpExchange(c1, REMOTE_IP, tcp.port, Buffer.alloc(99), PATIENTLY)).outcome, 'connected')
  t.equal(await udpExchange(c1, REMOTE_IP, udp.port, PATIENTLY), 'answered')
  await runIn(c1.path, 'ping', '-c', '2', '-i', '0.2', REMOTE_IP)

  const { usage, seen } = await beside(isolator, 'web-1', () => snmpInside(c1))
  const told = usage.net_snmp_statistics!
  const pairs = [
    ['Ip', told.ip_stats],
    ['Icmp', told.icmp_stats],
    ['Tcp', told.tcp_stats],
    ['Udp', told.udp_stats],
  ] as const
  for (const [protocol, counters] of pairs) {
    for (const [name, value] of Object.entries(counters!)) t.equal(value, seen[protocol]![name], name)
  }
  t.match(told, {
    icmp_stats: { InEchoReps: 2, OutEchos: 2 },
    tcp_stats: { ActiveOpens: 1, MaxConn: -1 },
    udp_stats: { InDatagrams: 1, OutDatagrams: 1 },
  })
  t.strictSame(
    Object.keys(told),
    ['ip_stats', 'icmp_stats', 'tcp_stats', 'udp_stats'],
    'without the option ipv6 those of mesos.proto alone',
  )
  t.match(
    (await isolator.usage(c2.info.id)).net_snmp_statistics,
    { tcp_stats: { ActiveOpens: 0 } },
    'each container has its own',
  )
})

t.test('SNMP counters of both families: what /proc/net/snmp6 tells', needsIsolation(), async t => {
  const { remote, isolator, c1 } = await twoContainers6(t, EVERYTHING)
  await using tcp = await tcpEcho(remote, '::', 8000)
  await using udp = await udpEcho(remote, '::', 53)
  t.equal((await tcpExchange(c1, REMOTE_IP6, tcp.port, Buffer.alloc(99), PATIENTLY)).outcome, 'connected')
  t.equal(await udpExchange(c1, REMOTE_IP6, udp.port, PATIENTLY), 'answered')
  await runIn(c1.path, 'ping', '-c', '2', '-i', '0.2', REMOTE_IP6)

  const { usage, seen } = await beside(isolator, 'web-1', async () => {
    const lines = (await runIn(c1.path, 'cat', '/proc/net/snmp6')).trim().split('\n')
    return new Map(lines.map(line => line.split(/\s+/) as [string, string]))
  })
  const told = usage.net_snmp_statistics!
  let counters = 0
  for (const [protocol, found] of [
    ['Ip6', told.ip6_stats],
    ['Icmp6', told.icmp6_stats],
    ['Udp6', told.udp6_stats],
  ] as const) {
    for (const [name, value] of Object.entries(found!)) {
      t.equal(`${value}`, seen.get(protocol + name), protocol + name)
      counters++
    }
  }
  const named = [...seen.keys()].filter(name => !/^(UdpLite6|Icmp6(In|Out)Type\d)/.test(name))
  t.equal(counters, named.length, 'all of them')
  t.match(told, {
    icmp6_stats: { InEchoReplies: 2, OutEchos: 2 },
    tcp_stats: { ActiveOpens: 1 },
    udp_stats: { OutDatagrams: 0 },
    udp6_stats: { InDatagrams: 1, OutDatagrams: 1 },
  })
})

/** How many file descriptors this process has open, and how many of them are sockets. */
function openFiles(): { all: number; sockets: number } {
  const targets = readdirSync('/proc/self/fd').flatMap(fd => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)]
    } catch {
      return [] // that of the directory itself
    }
  })
  return { all: targets.length, sockets: targets.filter(target => target.startsWith('socket:')).length }
}

t.test('at most 16 sockets at a time, none afterwards', needsIsolation(), async t => {
  const COUNT = 24
  const { topology, isolator } = await preparedTopology(t, {
    ...EVERYTHING,
    containers: COUNT,
    ephemeralPortsPerContainer: 64,
  })
  for (const [i, { name }] of topology.containers.entries()) {
    await isolator.isolate(`web-${i}`, { netns: name, ports: [[firstPort(i), firstPort(i) + 7]] })
  }
  await sleep(200) // the pipes of the programs that made the namespaces
  const before = openFiles()
  let most = 0
  for (let round = 0; round < 3 || (most === 0 && round < 20); round++) {
    let done = false
    const readings = Promise.all([isolator.usageAll(), isolator.usageAll(), isolator.usage('web-3')])
    void readings.finally(() => {
      done = true
    })
    while (!done) {
      most = Math.max(most, openFiles().sockets - before.sockets)
      await new Promise(setImmediate)
    }
    const [first, second] = await readings
    t.strictSame([first.size, second.size], [COUNT, COUNT])
  }
  t.ok(most > 0 && most <= 16, `${most} sockets were seen`)
  for (let i = 0; i < 40 && !isDeepStrictEqual(openFiles(), before); i++) await sleep(50)
  t.strictSame(openFiles(), before)
})
