import t from 'tap'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { RtnetlinkSocket } from '../../src/rtnetlink-socket.js'
import { allOf, hasQdisc, type Skip } from '../helpers/privilege.js'
import { tcpConnect, tcpEcho } from '../helpers/tcp-traffic.js'
import { ipBatch, ipJson, run, tcJson } from '../helpers/iproute2.js'
import { HOST_IP, REMOTE_IP } from '../helpers/topology.js'
import { HOST_IP6, REMOTE_IP6, twoContainers6 } from './inet6-topology.js'
import { needsIsolation, OPTIONS, PATIENTLY, preparedTopology } from './isolated-topology.js'
import { changesNothing } from './kernel-state.js'

const needsHtb = () => allOf(needsIsolation(), hasQdisc('htb'))

interface TcQdisc {
  kind: string
  handle: string
  parent?: string
  root?: boolean
  options: Record<string, unknown>
}

/** HTB classes of a device as `rate/ceil` in bytes per second. */
async function classesOf(netns: string, dev: string): Promise<string[]> {
  await using rt = await RtnetlinkSocket.open({ netns })
  const classes = await rt.classes.list({ dev })
  return classes.flatMap(found =>
    found.kind === 'htb' ? [`${found.classid} ${found.rate}/${found.ceil}`] : [],
  )
}

/** Qdiscs of a device but for the ingress hook, from the root down. */
const qdiscsOf = async (namespace: string, dev: string): Promise<string[]> =>
  (await tcJson<TcQdisc>(namespace, `qdisc show dev ${dev}`))
    .filter(({ kind }) => kind !== 'ingress')
    .map(({ kind, handle, parent }) => `${kind} ${handle} ${parent ?? 'root'}`)

const sentBy = async (namespace: string, dev: string): Promise<number> =>
  (await tcJson<{ root?: boolean; packets: number }>(namespace, `-s qdisc show dev ${dev}`)).find(
    ({ root }) => root,
  )!.packets

const aliasOf = async (namespace: string, dev: string): Promise<unknown> =>
  (await ipJson(namespace, `link show dev ${dev}`))[0]?.['ifalias']

t.test('limits as they stand in the kernel', needsHtb(), async t => {
  const { topology, host, remote, isolator } = await preparedTopology(t, {
    bloatReduction: 'none',
    egressRateLimitPerContainer: '37500KB',
    ingressRatePerCpu: 1_000_000,
    ingressCeilLimit: 5_000_000,
    ingressBurst: 100_000,
  })
  const [c1, c2] = topology.containers as [typeof host, typeof host]
  await changesNothing(t, [host], async () => {
    const info = await isolator.isolate('web-1', { netns: c1.name, ports: '31000', cpus: 2 })
    t.match(info, {
      egress: { rate: 38_400_000 },
      ingress: { rate: 2_000_000, ceil: 5_000_000, burst: 100_000 },
    })
    t.strictSame(await classesOf(c1.name, 'eth0'), ['1:1 38400000/38400000'])
    t.strictSame(await qdiscsOf(c1.name, 'eth0'), ['htb 1: root'])
    t.match(
      (await tcJson<TcQdisc>(c1.name, 'qdisc show dev eth0'))[0]?.options,
      { default: '0x1' },
      'all of it',
    )
    t.strictSame(await classesOf(host.name, 'pm1'), ['1:1 2000000/5000000'])
    t.equal(await aliasOf(host.name, 'pm1'), `web-1 ${info.ephemeralPorts.join('-')} tx=38400000`)

    t.match(await isolator.update('web-1', { cpus: 4 }), {
      egress: { rate: 38_400_000 },
      ingress: { rate: 4_000_000 },
    })
    t.strictSame(await classesOf(host.name, 'pm1'), ['1:1 4000000/5000000'])
    await isolator.update('web-1', { egressRateLimit: '1MB', ingressRateLimit: 6_000_000 })
    t.strictSame(await classesOf(host.name, 'pm1'), ['1:1 6000000/6000000'])
    t.strictSame(await classesOf(c1.name, 'eth0'), ['1:1 1048576/1048576'])
    t.equal(await aliasOf(host.name, 'pm1'), `web-1 ${info.ephemeralPorts.join('-')} tx=1048576`)
    t.strictSame(await isolator.update('web-1', {}), isolator.get('web-1'), 'nothing to change')
    const burst = { rate: 1_048_576, ceil: 2_097_152, burst: 65_536 }
    t.match(
      await isolator.update('web-1', { egressRateLimit: '1MB', egressCeilLimit: '2MB', egressBurst: '64KB' }),
      { egress: burst },
    )
    t.strictSame(await classesOf(c1.name, 'eth0'), ['1:1 1048576/2097152'])
    t.strictSame(await isolator.verify('web-1'), [])
    await isolator.update('web-1', { egressRateLimit: '1MB' })
    t.strictSame(await classesOf(c1.name, 'eth0'), ['1:1 1048576/1048576'])

    await using server = await tcpEcho(c1, '0.0.0.0', 31_000)
    t.equal(await tcpConnect(remote, HOST_IP, server.port, PATIENTLY), 'connected', 'traffic flows')
    await isolator.cleanup('web-1')
  })
  await t.rejects(isolator.isolate('web-2', { netns: c2.name, egressRateLimit: '2GB' }), {
    code: 'ERR_INVALID_OPTION',
    message: /^egressRateLimit is '2GB': expected at most the speed of the link/,
  })
  await t.rejects(isolator.isolate('web-2', { netns: c2.name, cpus: -1 }), { code: 'ERR_INVALID_OPTION' })
  await t.rejects(isolator.isolate('web-2', { netns: c2.name, ingressCeilLimit: '2MB' }), {
    code: 'ERR_INVALID_OPTION',
    message: /^ingressCeilLimit is '2MB': expected ingressRateLimit beside it/,
  })
  await t.rejects(isolator.update('web-2', { egressRateLimit: 1, egressBurst: 1600 }), {
    code: /ERR_(INVALID_OPTION|CONTAINER_UNKNOWN)/,
  })
  t.strictSame(isolator.list(), [])
})

t.test('ingress limits come to existing containers only if asked for', needsHtb(), async t => {
  for (const ingressIsolateExistingContainers of [false, true]) {
    const { topology, host, isolator } = await preparedTopology(t)
    const { link } = await isolator.isolate('web-1', { netns: topology.containers[0]!.name })
    await using restarted = await PortMappingIsolator.create({
      ...OPTIONS,
      netns: host.name,
      bloatReduction: 'none',
      ingressRatePerCpu: 1_000_000,
      ingressIsolateExistingContainers,
    })
    await restarted.recover(['web-1'], { unknown: 'remove' })
    await restarted.update('web-1', { cpus: 3 })
    const limited = ingressIsolateExistingContainers ? ['1:1 3000000/3000000'] : []
    t.strictSame(await classesOf(host.name, link), limited)
  }
})

t.test('a limit that the container cannot take away', needsHtb(), async t => {
  const { topology, host, remote, isolator } = await preparedTopology(t, {
    bloatReduction: 'none',
    egressEnforcement: 'host',
    egressRateLimitPerContainer: 100_000,
  })
  const [c1, c2] = topology.containers as [typeof host, typeof host]
  await changesNothing(t, [host], async () => {
    await isolator.isolate('web-1', { netns: c1.name, ports: '31000-31007' })
    await isolator.isolate('web-2', { netns: c2.name, ports: '31008', egressRateLimit: '1MB' })
    t.strictSame(await classesOf(host.name, 'pms1'), ['1:1 125000/125000'])
    t.strictSame(await classesOf(host.name, 'pms2'), ['1:1 1048576/1048576'])
    t.strictSame(await isolator.verify(), [], 'as planned')
    await ipBatch(c1.name, [
      'link set eth0 down',
      'link set eth0 up',
      // As isolate() makes it: another one would be replaced by recover(), and with it whatever else is missing.
      'route add default proto 112 via 10.9.0.1 onlink dev eth0',
    ])
    await run('tc', ['-n', c1.name, 'qdisc', 'del', 'dev', 'eth0', 'root'])
    t.strictSame(await classesOf(c1.name, 'eth0'), [], 'the container has taken its own limit away')
    for (const [where, namespace, address, port] of [
      ['the wire', remote, REMOTE_IP, 7],
      ['another container', c2, HOST_IP, 31_008],
      ['the host', host, HOST_IP, 7],
    ] as const) {
      await using server = await tcpEcho(namespace, '0.0.0.0', port)
      const before = await sentBy(host.name, 'pms1')
      t.equal(await tcpConnect(c1, address, server.port, PATIENTLY), 'connected', where)
      t.ok((await sentBy(host.name, 'pms1')) > before, `what goes to ${where} goes through the limit`)
    }
    await isolator.update('web-1', { ports: '31000-31003', egressRateLimit: 200_000 })
    t.strictSame(await classesOf(host.name, 'pms1'), ['1:1 200000/200000'])
    await run('tc', ['-n', host.name, 'qdisc', 'del', 'dev', 'pms1', 'root'])
    await using restarted = await PortMappingIsolator.create({
      ...OPTIONS,
      netns: host.name,
      bloatReduction: 'none',
    })
    await restarted.recover(['web-1'], { unknown: 'remove' })
    t.match(restarted.get('web-1'), { egress: { rate: 200_000 } })
    t.ok((await restarted.verify('web-1')).length > 0, 'a limit that has gone from the host is missed')
    await restarted.repair('web-1')
    t.strictSame(await classesOf(host.name, 'pms1'), ['1:1 200000/200000'], 'and put back')
    t.equal(
      (await ipJson(host.name, 'link show')).some(({ ifname }) => ifname === 'pms2'),
      false,
      'gone with web-2',
    )
    await restarted.cleanup('web-1')
  })
})

t.test('a limit that the container cannot take away holds for IPv6', needsHtb(), async t => {
  const { host, remote, c1, c2 } = await twoContainers6(t, {
    bloatReduction: 'none',
    egressEnforcement: 'host',
    egressRateLimitPerContainer: 100_000,
  })
  await run('tc', ['-n', c1.name, 'qdisc', 'del', 'dev', 'eth0', 'root'])
  for (const [where, namespace, address, port] of [
    ['the wire', remote, REMOTE_IP6, 7],
    ['another container', c2, HOST_IP6, c2.port],
    ['the host', host, HOST_IP6, 7],
    ['the host by ::1', host, '::1', 7],
  ] as const) {
    await using server = await tcpEcho(namespace, '::', port)
    const before = await sentBy(host.name, 'pms1')
    t.equal(await tcpConnect(c1, address, server.port, PATIENTLY), 'connected', where)
    t.ok((await sentBy(host.name, 'pms1')) > before, `what goes to ${where} goes through the limit`)
  }
})

t.test('bloat reduction', allOf(needsHtb(), hasQdisc('fq_codel')), async t => {
  const { topology, host, isolator } = await preparedTopology(t, {
    egressRateLimitPerContainer: '1MB',
    ingressRateLimitPerContainer: '1MB',
  })
  const [c1] = topology.containers as [typeof host]
  const { link } = await isolator.isolate('web-1', { netns: c1.name })
  t.strictSame(await qdiscsOf(c1.name, 'eth0'), ['htb 1: root', 'fq_codel 2: 1:1'])
  t.strictSame(await qdiscsOf(host.name, link), ['htb 1: root', 'fq_codel 2: 1:1'])
  const { net_traffic_control_statistics: told } = await isolator.usage('web-1')
  t.strictSame(
    told?.map(({ id }) => id),
    ['ingress_bw_limit', 'ingress_bloat_reduction', 'bw_limit', 'bloat_reduction'],
  )
  await isolator.update('web-1', { ingressRateLimit: '2MB' })
  t.strictSame(await classesOf(host.name, link), ['1:1 2097152/2097152'])
  t.strictSame(await qdiscsOf(host.name, link), ['htb 1: root', 'fq_codel 2: 1:1'])
})

/** For what becomes of limits in a kernel that lacks their queue. */
const lacksFqCodel = (): Skip => ({ skip: hasQdisc('fq_codel').skip === false && 'this kernel has fq_codel' })

t.test('a kernel without fq_codel', allOf(needsIsolation(), lacksFqCodel()), async t => {
  await t.rejects(preparedTopology(t, { egressRateLimitPerContainer: '1MB' }), {
    code: 'ERR_KERNEL_UNSUPPORTED',
    message: /no fq_codel \(CONFIG_NET_SCH_FQ_CODEL\).*modprobe sch_fq_codel.*bloatReduction: 'none'/,
  })
  await t.rejects(preparedTopology(t, { egressUniqueFlowPerContainer: true }), {
    code: 'ERR_KERNEL_UNSUPPORTED',
  })
})

t.test(
  'a limit that only a call asks for, without fq_codel',
  allOf(needsIsolation(), lacksFqCodel()),
  async t => {
    const { topology, isolator } = await preparedTopology(t, { containers: 1 })
    const { name: netns } = topology.containers[0]!
    const refusal = { code: 'ERR_KERNEL_UNSUPPORTED', message: /no fq_codel/ }
    await t.rejects(isolator.isolate('web-1', { netns, egressRateLimit: '1MB' }), refusal)
    await isolator.isolate('web-1', { netns })
    await t.rejects(isolator.update('web-1', { egressRateLimit: '1MB' }), refusal)
    t.equal(isolator.get('web-1')?.egress, undefined)
    t.strictSame(await isolator.verify(), [])
  },
)

t.test('rates above the speed of the link', needsIsolation(), async t => {
  await t.rejects(preparedTopology(t, { egressRateLimitPerContainer: '2GB' }), {
    code: 'ERR_INVALID_OPTION',
    message:
      /^egressRateLimitPerContainer is '2GB': expected at most the speed of the link, 1250000000B per second/,
  })
})
