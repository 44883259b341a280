import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { PortMappingIsolator } from '../../../src/isolator/port-mapping-isolator.js'
import { NetworkNamespace } from '../../../src/netns/network-namespace.js'
import { netnsIdMessages } from '../../../src/rtnetlink/netns-id-messages.js'
import { RtnetlinkSocket } from '../../../src/rtnetlink-socket.js'
import { ip, run, runIn } from '../../helpers/iproute2.js'
import { allOf, hasQdisc } from '../../helpers/privilege.js'
import { watchRequests } from '../../helpers/kernel-requests.js'
import { tcpConnect, tcpEcho } from '../../helpers/tcp-traffic.js'
import { HOST_IP, REMOTE_IP, type NamespaceRef } from '../../helpers/topology.js'
import { needsIsolation, OPTIONS, PATIENTLY, preparedTopology } from '../isolated-topology.js'
import { comparableState, filtersOf, isAlike } from '../kernel-state.js'
import { Program } from '../program.js'

t.setTimeout(300_000)

/** A namespace that lives as long as its process. */
interface Sandbox extends NamespaceRef {
  readonly pid: number
  /** Resolves when the process has ended. The kernel ends the namespace a moment later. */
  end(): Promise<void>
}

/** A process in a network namespace of its own, which nothing else holds. It ends with the test. */
async function sandbox(t: Test): Promise<Sandbox> {
  const child = spawn('unshare', ['--net', 'sh', '-c', 'echo there; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const end = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  t.teardown(end)
  await once(child.stdout, 'data')
  const pid = child.pid as number
  return { name: `${pid}`, path: `/proc/${pid}/ns/net`, pid, end }
}

/** Waits until the kernel has taken a link away. */
async function linkIsGone({ name }: NamespaceRef, link: string): Promise<void> {
  for (let i = 0; (await ip(name, 'link show')).includes(` ${link}@`); i++) {
    if (i === 400) throw new Error(`${link} is still there`)
    await sleep(50)
  }
}

const nameOf = (link: string): string => `/run/netns/${link}`

/** Whether a server in one namespace is reached from another by the shared address. */
async function isReached(from: NamespaceRef, server: NamespaceRef, port: number): Promise<boolean> {
  await using echo = await tcpEcho(server, '0.0.0.0', port)
  return (await tcpConnect(from, HOST_IP, echo.port, PATIENTLY)) === 'connected'
}

/** Limits without what not every kernel has. */
const LIMITED = { bloatReduction: 'none' } as const

t.test('a container that no name holds works as any other', needsIsolation(), async t => {
  const { host, remote, isolator } = await preparedTopology(t, LIMITED)
  const before = await filtersOf(host)
  const inside = await sandbox(t)
  const info = await isolator.isolate('web-1', { netns: inside.path, ports: '31000-31007', hold: false })
  t.match(info, { held: false, interfaceName: 'eth0' })
  t.match(isolator.get('web-1'), { held: false })
  t.notOk(existsSync(nameOf(info.link)), 'it has no name')
  t.ok(await isReached(remote, inside, 31_003), 'remote to container')
  {
    await using echo = await tcpEcho(remote, '0.0.0.0', 80)
    t.equal(await tcpConnect(inside, REMOTE_IP, echo.port, PATIENTLY), 'connected', 'container to remote')
  }
  t.strictSame(await isolator.verify(), [])
  await isolator.update('web-1', { ports: '31100-31103', egressRateLimit: '10MB' })
  t.ok(await isReached(remote, inside, 31_100), 'its new port')
  t.strictSame(await isolator.verify('web-1'), [])
  t.ok((await isolator.usage('web-1')).net_traffic_control_statistics, 'what is read inside')

  await runIn(inside.path, 'sysctl', '-qw', 'net.ipv4.ip_local_port_range=20480 20490')
  t.match(await isolator.repair('web-1'), { repaired: [{ kind: 'different' }], left: [] })
  t.strictSame(await isolator.verify(), [])

  const { containers, faults } = await PortMappingIsolator.inspect({ netns: host.name })
  t.match(containers, [{ id: 'web-1', held: false, alive: true, pids: [inside.pid] }])
  t.strictSame(faults, [])

  t.equal(await isolator.cleanup('web-1'), true)
  t.strictSame(await filtersOf(host), before)
  t.notMatch(
    await runIn(inside.path, 'tc', 'qdisc', 'show', 'dev', 'lo'),
    /ingress/,
    'nothing is left inside',
  )
})

for (const way of ['one by one', 'together'] as const) {
  t.test(`a namespace that lives on is cleared: ${way}`, needsIsolation(), async t => {
    const { host, isolator } = await preparedTopology(t)
    const before = await comparableState([host])
    const insides = [await sandbox(t), await sandbox(t)]
    await isolator.isolateMany(
      insides.map(({ path, pid }, i) => ({ id: `web-${i}`, netns: path, pid, ports: [], hold: false })),
    )
    if (way === 'together') await isolator.cleanupMany(['web-0', 'web-1'])
    else
      t.match(await PortMappingIsolator.remove({ netns: host.name, ids: ['web-0', 'web-1'] }), { left: [] })
    for (const { path } of insides)
      t.notMatch(await runIn(path, 'tc', 'qdisc', 'show', 'dev', 'lo'), /ingress/)
    await isAlike(t, [host], before)
  })
}

t.test('when the last process ends, the container goes: by the next call', needsIsolation(), async t => {
  const { host, remote, isolator } = await preparedTopology(t, { ...LIMITED, egressEnforcement: 'host' })
  const before = await comparableState([host, remote])
  const inside = await sandbox(t)
  const wanted = { ports: '31000-31007', hold: false, egressRateLimit: '10MB' }
  const { link, ephemeralPorts } = await isolator.isolate('web-1', { netns: inside.path, ...wanted })
  await inside.end()
  await linkIsGone(host, link)
  t.match(isolator.list(), [{ id: 'web-1' }], 'nobody follows the links')

  const next = await sandbox(t)
  const info = await isolator.isolate('web-2', { netns: next.path, ...wanted })
  t.match(isolator.list(), [{ id: 'web-2' }])
  t.match(info, { link, ephemeralPorts }, 'its places are free again')
  t.strictSame(await isolator.verify(), [])
  t.ok(await isReached(remote, next, 31_000))
  await isolator.cleanup('web-2')
  await isAlike(t, [host, remote], before)
})

t.test('the flow of a container goes as well', allOf(needsIsolation(), hasQdisc('fq_codel')), async t => {
  const { host, isolator } = await preparedTopology(t, { egressUniqueFlowPerContainer: true })
  const flows = (): Promise<string> =>
    run('tc', ['-n', host.name, 'filter', 'show', 'dev', 'eth0', 'parent', '504d:'])
  const before = await flows()
  const inside = await sandbox(t)
  const { link } = await isolator.isolate('web-1', { netns: inside.path, ports: '31000', hold: false })
  t.not(await flows(), before)
  await inside.end()
  await linkIsGone(host, link)
  t.equal(await isolator.cleanup('unknown'), false)
  t.equal(await flows(), before)
})

for (const [given, reason] of [
  ['path', 'link'],
  ['pid', 'exit'],
] as const) {
  t.test(`when it ends, it goes by itself: netns is a ${given}`, needsIsolation(), async t => {
    const { host, isolator } = await preparedTopology(t)
    const before = await filtersOf(host)
    const inside = await sandbox(t)
    await isolator.isolate('web-1', { netns: inside[given], ports: '31000-31007', hold: false })
    const gone = isolator.watch('web-1')
    await inside.end()
    t.strictSame(await gone, { id: 'web-1', reason })
    t.strictSame(isolator.list(), [])
    t.strictSame(await filtersOf(host), before)
  })
}

t.test('after the end of the program', needsIsolation(), async t => {
  const { host, remote, isolator } = await preparedTopology(t, LIMITED)
  const before = await filtersOf(host)
  const [lives, ends] = [await sandbox(t), await sandbox(t)]
  const program = await Program.start(t)
  const options = { ...OPTIONS, ...LIMITED, netns: host.name }
  await program.call('create', options)
  const first = { netns: lives.path, ports: '31000-31007', hold: false, egressRateLimit: '10MB' }
  t.match(await program.call('isolate', 'web-1', first), { error: undefined, list: [{ held: false }] })
  t.match(await program.call('isolate', 'web-2', { netns: ends.path, ports: '31100', hold: false }), {
    error: undefined,
  })
  await program.kill()
  const restarted = await PortMappingIsolator.create(options)
  t.teardown(() => restarted.close())
  t.match(await restarted.recover('all'), { recovered: ['web-1', 'web-2'] })
  t.match(restarted.list(), [{ held: false }, { held: false }])
  const [link, second] = restarted.list().map(({ link }) => link) as [string, string]
  t.strictSame(await restarted.verify(), [])
  t.match(await restarted.repair(), { repaired: [], left: [] })
  t.notOk(existsSync(nameOf(link)), 'nobody gives it a name')
  t.ok(await isReached(remote, lives, 31_007))
  await restarted.update('web-1', { ports: '31001' })
  t.ok((await restarted.usage('web-1')).net_traffic_control_statistics)
  await t.rejects(restarted.isolate('web-3', { netns: lives.pid }), {
    code: 'ERR_CONTAINER_EXISTS',
    details: { id: 'web-1' },
  })

  await ends.end()
  await linkIsGone(host, second)
  await t.test('another isolator sees that it is gone', async t => {
    const next = await sandbox(t)
    await isolator.isolate('web-4', { netns: next.path, ports: '31200', hold: false })
    t.strictSame(await isolator.verify(), [])
    await isolator.cleanup('web-4')
    t.notMatch(await filtersOf(host), [/\*/], 'no filter leads nowhere')
  })
  t.match(await restarted.recover('all').catch((error: Error) => error), { code: 'ERR_CONTAINER_EXISTS' })
  t.equal(await restarted.cleanup('web-1'), true)
  t.strictSame(restarted.list(), [])
  t.strictSame(await filtersOf(host), before)
})

t.test('the end of a container that nobody has seen', needsIsolation(), async t => {
  const { host, remote, isolator } = await preparedTopology(t)
  const before = await filtersOf(host)
  // So that the next container gets another slot than the one that has ended.
  const held = await sandbox(t)
  await isolator.isolate('web-0', { netns: held.path, ports: '31200' })
  const inside = await sandbox(t)
  const program = await Program.start(t)
  await program.call('create', { ...OPTIONS, netns: host.name })
  const made = await program.call('isolate', 'web-1', {
    ...{ netns: inside.path, ports: '31000-31007', hold: false },
  })
  await program.kill()
  await inside.end()
  await linkIsGone(host, made?.list[0]?.link ?? '')
  t.not((await filtersOf(host)).filter(text => text.includes('device *')).length, 0)
  await isolator.cleanup('web-0')
  t.strictSame(await filtersOf(host), before)
  t.ok(await isReached(remote, host, 31_000), "the port is the host's again")
})

t.test('remove() of a container that has ended takes away what is left of it', needsIsolation(), async t => {
  const { host, isolator } = await preparedTopology(t, LIMITED)
  const before = await comparableState([host])
  const inside = await sandbox(t)
  const { link } = await isolator.isolate('web-1', {
    ...{ netns: inside.path, ports: '31000-31007', hold: false, egressRateLimit: '10MB' },
  })
  await isolator.close()
  await inside.end()
  await linkIsGone(host, link)
  t.match((await filtersOf(host)).join('\n'), /device \*/, 'control: nodes lead nowhere')
  const removal = await PortMappingIsolator.remove({ netns: host.name, ids: ['web-1'] })
  t.match(removal, { containers: [], missing: ['web-1'], left: [] })
  t.equal(removal.removed.length, 1)
  await isAlike(t, [host], before)
  t.match(await PortMappingIsolator.remove({ netns: host.name, ids: ['web-1'] }), { removed: [] }, 'once')
})

t.test("somebody else's link with the name of a shaper stays", needsIsolation(), async t => {
  const { host, isolator } = await preparedTopology(t, LIMITED)
  await ip(host.name, 'link add pms1 type veth peer name others1')
  const isThere = async (): Promise<boolean> => (await ip(host.name, 'link show')).includes(' pms1@')
  const other = await PortMappingIsolator.create({ ...OPTIONS, ...LIMITED, netns: host.name })
  t.teardown(() => other.close())
  const [inside, next] = [await sandbox(t), await sandbox(t)]
  const { link } = await other.isolate('web-1', { netns: inside.path, hold: false })
  t.equal(link, 'pm1')
  await isolator.isolate('web-2', { netns: next.path, hold: false })
  await inside.end()
  await linkIsGone(host, link)
  await isolator.cleanup('web-2')
  t.ok(await isThere(), 'when an isolator removes what an ended container of another has left')
  await PortMappingIsolator.remove({ netns: host.name, ids: ['web-1'] })
  t.ok(await isThere(), 'when it is removed by its id')
  await ip(host.name, 'link del pms1')
})

t.test('without a way inside', needsIsolation(), async t => {
  const { host, remote, isolator } = await preparedTopology(t, LIMITED)
  const before = await filtersOf(host)
  const netns = await NetworkNamespace.create()
  t.teardown(() => netns.close())
  const inside = { name: '', path: `/proc/${process.pid}/fd/${netns.fd}` }
  const { link } = await isolator.isolate('web-1', {
    netns,
    ports: '31000',
    hold: false,
    egressRateLimit: '10MB',
  })
  t.strictSame(await isolator.verify(), [], 'the place that was given leads to it')
  await isolator.close()

  const restarted = await PortMappingIsolator.create({ ...OPTIONS, ...LIMITED, netns: host.name })
  t.teardown(() => restarted.destroy())
  t.match(await restarted.recover('all'), { recovered: ['web-1'] })
  t.match(await restarted.verify(), [{ id: 'web-1', kind: 'unreadable', found: /no process is in it/ }])
  t.match(await restarted.repair(), { repaired: [], left: [{ kind: 'unreadable' }] })
  await t.rejects(restarted.update('web-1', { ports: '31001' }), { code: 'ERR_INSIDE_CONTAINER' })
  t.ok(await isReached(remote, inside, 31_000), 'a failed call changes nothing')
  t.type((await restarted.usage('web-1')).net_rx_bytes, 'number')

  const child = spawn('nsenter', [`--net=${inside.path}`, 'sh', '-c', 'echo there; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  t.strictSame(await restarted.verify(), [], 'a process is the way')
  await restarted.update('web-1', { ports: '31001' })
  t.ok(await isReached(remote, inside, 31_001))
  await restarted.cleanup('web-1')
  t.strictSame(await filtersOf(host), before)
  t.notOk(existsSync(nameOf(link)))
})

t.test('a name that somebody else has given it', needsIsolation(), async t => {
  const { topology, host, isolator } = await preparedTopology(t)
  const [c1] = topology.containers as [NamespaceRef]
  await isolator.isolate('web-1', { netns: c1.name, ports: '31000', hold: false })
  await isolator.close()
  const restarted = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
  t.teardown(() => restarted.destroy())
  await restarted.recover(['web-1'])
  t.strictSame(await restarted.verify(), [], 'is the way inside')
  t.match(restarted.explain('web-1')[0], new RegExp(` netns ${c1.path}$`))
  t.ok(existsSync(c1.path), 'and stays')
})

t.test('one that fails is taken back, those that are closed already too', needsIsolation(), async t => {
  const { topology, host, remote, isolator } = await preparedTopology(t, {
    containers: 20,
    ephemeralPortsPerContainer: 256,
  })
  const { containers } = topology
  const last = containers[19] as NamespaceRef
  await ip(last.name, 'link add eth0 type veth peer name eth9')
  const before = await comparableState([host, remote])
  const [{ path }] = containers as [NamespaceRef]
  const ports = await runIn(path, 'sysctl', 'net.ipv4.ip_local_port_range')
  await t.rejects(
    isolator.isolateMany(containers.map(({ name }) => ({ id: name, netns: name, hold: false }))),
    { code: 'ERR_FOREIGN_STATE' },
  )
  await isAlike(t, [host, remote], before)
  // Sixteen are open at a time: the first is closed by then.
  t.match(await runIn(path, 'ip', 'link', 'show', 'lo'), /state DOWN/)
  t.notMatch(await runIn(path, 'tc', 'qdisc', 'show', 'dev', 'lo'), /ingress/)
  t.equal(await runIn(path, 'sysctl', 'net.ipv4.ip_local_port_range'), ports)
})

t.test('explain() makes the same', needsIsolation(), async t => {
  const { topology, host, isolator } = await preparedTopology(t)
  const [c1] = topology.containers as [NamespaceRef]
  const options = { netns: c1.path, ports: '31000-31006', hold: false } as const
  await isolator.isolate('web-1', options)
  const state = await comparableState([host, c1])
  const lines = isolator.explain('web-1')
  await isolator.cleanup('web-1')
  await run('bash', ['-e'], lines.join('\n'))
  await isAlike(t, [host, c1], state)
})

t.test('namespaces that nothing leads to are looked for once for all', needsIsolation(), async t => {
  const containers = 3
  const { isolator } = await preparedTopology(t, { ...LIMITED, networkEnableSnmpStatistics: true })
  for (let i = 0; i < containers; i++) {
    // With a socket in it, the namespace has neither a process nor a name nor a path.
    const netns = await NetworkNamespace.create()
    const inside = await RtnetlinkSocket.open({ netns })
    t.teardown(() => {
      inside.close()
    })
    await isolator.isolate(`web-${i}`, { netns, hold: false })
    netns.close()
  }
  const during = watchRequests(t)
  // Many such questions in one batch: those of the search.
  const looksOf = async (call: () => Promise<unknown>): Promise<number> =>
    (await during(call)).sent.filter(
      all => all.length > 1 && all.every(({ type }) => type === netnsIdMessages.get.type),
    ).length
  const ofOne = await looksOf(() => isolator.verify('web-0'))
  t.ok(ofOne > 0, `control: ${ofOne} questions for all processes`)
  t.ok((await looksOf(() => isolator.verify())) < containers * ofOne, 'verify()')
  t.ok((await looksOf(() => isolator.usageAll())) < containers * ofOne, 'usageAll()')
})
