import t, { type Test } from 'tap'
import type { IsolatorError } from '../../src/isolator/isolator-error.js'
import { RtnetlinkSocket } from '../../src/rtnetlink-socket.js'
import { SockDiagSocket } from '../../src/sock-diag/index.js'
import { ip, run, runIn, tc, tcBatch } from '../helpers/iproute2.js'
import { attackInside } from '../helpers/root-inside.js'
import { needsIsolation, twoContainers } from './isolated-topology.js'

/** Raise it to see whether something happens rarely. */
const ROUNDS = Number(process.env['HOSTILE_ROUNDS'] ?? 1)

/** How much there is inside a container: root makes that in seconds, or with HOSTILE_SIZE=full in a minute. */
const FULL = process.env['HOSTILE_SIZE'] === 'full'
const PAIRS = 1500
const FILTERS = FULL ? 200_000 : 20_000
const CONNECTIONS = FULL ? 30_000 : 20_000
/** As test/tools/inside/main.c makes them. */
const CONNECTIONS_PER_LISTENER = 400

/** A call that serves others as well may wait a second for one container; the rest is for a machine that is busy. */
const LIMIT_MS = 10_000

const STATISTICS = {
  networkEnableSocketStatisticsSummary: true,
  networkEnableSocketStatisticsDetails: true,
  networkEnableSnmpStatistics: true,
}

type World = Awaited<ReturnType<typeof twoContainers>>

/** Two containers of which the first is hostile, and what was reported of its inside. */
async function hostile(t: Test): Promise<World & { reported: IsolatorError[] }> {
  const world = await twoContainers(t, { ...STATISTICS, containers: 3 })
  await ip(world.c1.name, 'link set lo up')
  const reported: IsolatorError[] = []
  world.isolator.on('insideError', error => reported.push(error))
  return { ...world, reported }
}

async function inTime<T>(t: Test, what: string, work: Promise<T>): Promise<T> {
  const before = performance.now()
  const result = await work
  const took = performance.now() - before
  t.ok(took < LIMIT_MS, `${what}: ${Math.round(took)} ms`)
  return result
}

/** A container whose interface somebody deletes is noticed and cleaned up, which the following of the host's links does. */
async function follows(t: Test, { isolator, host, topology }: World): Promise<void> {
  const { link } = await isolator.isolate('web-3', { netns: topology.containers[2]!.name, ports: '31900' })
  const gone = isolator.watch('web-3')
  const deleted = ip(host.name, `link del ${link}`)
  t.match(await inTime(t, 'watch()', gone), { id: 'web-3', reason: 'link' })
  await deleted
}

async function eachRound(t: Test, world: World): Promise<void> {
  const { isolator } = world
  for (let round = 0; round < ROUNDS; round++) {
    t.strictSame(await inTime(t, 'verify()', isolator.verify()), [])
    t.strictSame(await inTime(t, 'repair()', isolator.repair()), { repaired: [], left: [] })
    const usage = await inTime(t, 'usageAll()', isolator.usageAll())
    t.strictSame([...usage.keys()], ['web-1', 'web-2'])
    t.ok(usage.get('web-2')?.net_snmp_statistics, 'the other container is read')
    await inTime(
      t,
      'update()',
      isolator.update('web-1', { ports: round % 2 ? '31000-31007' : '31000-31003' }),
    )
    await follows(t, world)
  }
}

/** On a machine that is busy with other things, links may come and go too slowly for a single dump to fail. */
async function dumpOften(inside: RtnetlinkSocket): Promise<void> {
  for (let i = 0; i < 50; i++) await inside.links.list()
}

t.test('links that come and go inside', needsIsolation(), async t => {
  const world = await hostile(t)
  await using _attack = await attackInside(world.c1, 'links', PAIRS)
  await using inside = await RtnetlinkSocket.open({ netns: world.c1.path })
  await t.rejects(dumpOften(inside), { code: 'ERR_NETLINK_DUMP_INTERRUPTED' }, 'control: a dump fails')
  await eachRound(t, world)
  t.equal(await inTime(t, 'cleanup()', world.isolator.cleanup('web-1')), true)
})

t.test('many filters inside', needsIsolation(), async t => {
  const world = await hostile(t)
  await using _attack = await attackInside(world.c1, 'filters', FILTERS)
  await using inside = await RtnetlinkSocket.open({ netns: world.c1.path })
  await t.rejects(
    inside.filters.list({ dev: 'lo', parent: 'ingress' }, { maxMessages: FILTERS / 2 }),
    { code: 'ERR_NETLINK_DUMP_TOO_LARGE' },
    'control: a dump is large',
  )
  await eachRound(t, world)
  t.equal(await inTime(t, 'cleanup()', world.isolator.cleanup('web-1')), true)
})

t.test('many sockets inside', needsIsolation(), async t => {
  const world = await hostile(t)
  const { c1, isolator, reported } = world
  await using _attack = await attackInside(c1, 'sockets', CONNECTIONS)
  await using sockets = await SockDiagSocket.open({ netns: c1.path })
  await t.rejects(
    sockets.list({ states: ['established'] }, { maxMessages: 2 * CONNECTIONS - 1 }),
    { code: 'ERR_NETLINK_DUMP_TOO_LARGE' },
    'control: the sockets are there',
  )
  await eachRound(t, world)
  const usage = await isolator.usage('web-1')
  const listeners = Math.ceil(CONNECTIONS / CONNECTIONS_PER_LISTENER)
  t.notOk('net_tcp_rtt_microsecs_p50' in usage, 'what could not be read is not there')
  t.equal(usage.net_tcp_active_connections, 2 * CONNECTIONS + listeners, 'what could is')
  t.match(reported.at(-1), { code: 'ERR_INSIDE_CONTAINER', details: { id: 'web-1' } })
  t.match(reported.at(-1)?.message, /^the inside of 'web-1': /)
})

t.test('60 threads that ask for the filters of lo', needsIsolation(), async t => {
  const { c1, isolator, reported } = await hostile(t)
  for (let round = 0; round < ROUNDS; round++) {
    {
      await using _attack = await attackInside(c1, 'queries', 60)
      t.equal(await inTime(t, 'cleanup()', isolator.cleanup('web-1')), true)
      t.equal(isolator.get('web-1'), undefined)
    }
    await isolator.isolate('web-1', { netns: c1.name, ports: '31000-31007' })
    t.strictSame(await isolator.verify('web-1'), [], 'it can be isolated again, whatever stayed')
  }
  for (const { code } of reported) t.equal(code, 'ERR_INSIDE_CONTAINER')
  t.comment(`lo could not be cleared in ${reported.length} of ${ROUNDS} rounds`)
})

t.test(
  'a hook that cleanup() had to leave is taken over, one of somebody else is not',
  needsIsolation(),
  async t => {
    const { c1, isolator } = await twoContainers(t)
    // What stays when the qdisc of lo was busy.
    await using inside = await RtnetlinkSocket.open({ netns: c1.path })
    const [left] = await inside.filters.list({ dev: 'lo', parent: 'ingress' })
    await isolator.cleanup('web-1')
    await inside.qdiscs.add({ dev: 'lo', kind: 'ingress' })
    const { actions: _actions, ...filter } = left as typeof left & { actions?: unknown }
    await inside.filters.add(filter)
    await isolator.isolate('web-1', { netns: c1.name, ports: '31500' })
    t.strictSame(await isolator.verify('web-1'), [])
    await t.rejects(
      isolator.isolate('web-3', { netns: c1.name, ports: '31501' }),
      { code: 'ERR_CONTAINER_EXISTS' },
      'a failure leaves it alone',
    )
    t.strictSame(await isolator.verify('web-1'), [])
    await isolator.cleanup('web-1')
    t.notMatch(await tc(c1.name, 'qdisc show dev lo'), 'ingress', 'it is gone with the container')

    await inside.qdiscs.add({ dev: 'lo', kind: 'ingress' })
    await inside.filters.add(filter)
    await tcBatch(c1.name, ["filter add dev lo ingress prio 7 protocol all bpf da bytecode '1,6 0 0 0'"])
    await t.rejects(isolator.isolate('web-1', { netns: c1.name, ports: '31500' }), {
      code: 'ERR_FOREIGN_STATE',
      message: /^the inside of 'web-1': lo has an ingress qdisc/,
    })
    t.match(await tc(c1.name, 'filter show dev lo ingress'), /pref 7 /)
  },
)

/** What root inside can change, and what of update() it has refused. */
const CHANGES: Record<string, (name: string, path: string) => Promise<unknown>> = {
  'lo has an ingress qdisc with a shared block': async name => {
    await tc(name, 'qdisc del dev lo ingress')
    await tc(name, 'qdisc add dev lo ingress_block 7 ingress')
  },
  'lo has an egress only': async name => {
    await tc(name, 'qdisc del dev lo ingress')
    await tc(name, 'qdisc replace dev lo root handle 1: pfifo')
  },
  'another kind of filter has the place of ours': async name => {
    await tc(name, 'filter del dev lo ingress prio 1020 protocol ip handle 1 bpf')
    await tc(name, 'filter add dev lo ingress prio 1020 protocol ip u32 match u32 0 0')
  },
  'the ephemeral ports cannot be set': async (_, path) => {
    await runIn(path, 'sysctl', '-qw', 'net.ipv4.ip_local_port_range=60000 60999')
    await runIn(path, 'sysctl', '-qw', 'net.ipv4.ip_unprivileged_port_start=50000')
  },
}

for (const [what, change] of Object.entries(CHANGES)) {
  t.test(`${what}: nothing is refused for it`, needsIsolation(), async t => {
    const { c1, isolator } = await twoContainers(t)
    await change(c1.name, c1.path)
    t.strictSame((await isolator.update('web-1', { ports: '31000' })).ports, [[31_000, 31_000]])
    t.not((await isolator.verify('web-1')).length, 0, 'verify() tells')
    await isolator.repair()
    await isolator.usageAll()
    t.equal(await isolator.cleanup('web-1'), true)
    t.strictSame(await isolator.verify(), [])
  })
}

/**
 * Mounts a namespace on its own name once more, many times. All have to go before the name can, and a removal gives up after 64.
 * The first becomes private: else each further one would be mounted on all before it.
 */
const mountOften = (path: string, times: number): Promise<string> =>
  run('sh', [
    '-ec',
    'mount --make-private "$1"; for i in $(seq "$2"); do mount --bind "$1" "$1"; done',
    'sh',
    path,
    String(times),
  ])

t.test('a container that the host cannot remove keeps no other', needsIsolation(), async t => {
  const { c1, c2, isolator } = await twoContainers(t)
  await mountOften(`/run/netns/${c1.info.link}`, 100)
  const errors: Error[] = []
  isolator.on('error', error => errors.push(error))
  const gone = isolator.watch('web-1')
  await t.rejects(isolator.cleanupMany(['web-1', 'web-2']), {
    code: 'ERR_NOT_REMOVED',
    message: /^1 of 2 containers \('web-1'\) could not be removed: EBUSY/,
    details: { ids: ['web-1'] },
  })
  t.strictSame(
    isolator.list().map(({ id }) => id),
    ['web-1'],
    'the other is gone and forgotten',
  )
  t.ok(await isolator.isolate('web-2', { netns: c2.name, ports: '31008' }))
  t.match(await gone, { id: 'web-1', reason: 'cleanup' }, 'it is tried again')
  t.equal(isolator.get('web-1'), undefined)
  t.strictSame(errors, [])
})
