import { readdirSync } from 'node:fs'
import t, { type Test } from 'tap'
import { IsolatorError } from '../../src/isolator/isolator-error.js'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { comesTo, settled } from '../helpers/leaks.js'
import { allOf, hasQdisc } from '../helpers/privilege.js'
import { SocketFaults, type Fault, type Sent } from '../helpers/socket-faults.js'
import { createTopology, HOST_MAC } from '../helpers/topology.js'
import { needsIsolation, OPTIONS, preparedTopology } from './isolated-topology.js'
import { settleLoopback } from './kernel-state.js'
import { WatchedState } from './watched-state.js'

/** Each message, and each sendmsg, is one that can fail; some of them are tried. RTNETLINK_FAULTS=all tries all. */
const ALL = process.env.RTNETLINK_FAULTS === 'all'
const TRIES = 8

const FAULTS = ['refused', 'lost', 'unsent'] satisfies Fault[]

/** Which messages are refused, or which sendmsg goes wrong. */
type Points = (fault: Fault, sent: readonly Sent[]) => number[]

/** Of each sendmsg of several messages the second, so that there is something to take back, and a few others. */
const anywhere: Points = (fault, sent) => {
  if (fault !== 'refused') return spread(Array.from(sent.keys()))
  if (ALL) return sent.flatMap(({ first, messages }) => Array.from({ length: messages }, (_, i) => first + i))
  const several = sent.filter(({ messages }) => messages > 1)
  const single = sent.filter(({ messages }) => messages === 1)
  return [...several.map(({ first }) => first + 1), ...spread(single.map(({ first }) => first))]
}

/** Room in one sendmsg, where batches of dozens of messages are to be sent in parts. */
const PART_BYTES = 4096

/** Each part but the first of batches that are sent in parts: a sendmsg that is nearly full is followed by another. */
const laterParts: Points = (fault, sent) =>
  sent.flatMap(({ first }, i) =>
    (sent[i - 1]?.bytes ?? 0) < PART_BYTES - 512 ? [] : [fault === 'refused' ? first : i],
  )

const spread = (points: readonly number[]): number[] => {
  const step = ALL ? 1 : Math.ceil(points.length / TRIES)
  return points.filter((_, i) => i % step === 0)
}

/** Has a call fail at one point after another, and looks whether everything is as it was. */
async function failsAt(
  points: Points,
  t: Test,
  faults: SocketFaults,
  watched: readonly WatchedState[],
  call: () => Promise<unknown>,
  takeBack: () => Promise<unknown>,
): Promise<void> {
  const state = async () => [
    ...(await Promise.all(watched.map(one => one.lines()))),
    readdirSync('/run/netns').filter(name => /^pm\d+$/.test(name)),
  ]
  await call()
  await takeBack()
  const before = await settled(state)
  const whole = await faults.during(undefined, call)
  t.equal(whole.error, undefined)
  t.notSame(await state(), before, 'control: the call changes something')
  await takeBack()
  await comesTo(t, state, before, 'control: which can be taken back')
  for (const fault of FAULTS) {
    const tried = points(fault, whole.sent)
    let failed = 0
    for (const at of tried) {
      const { error } = await faults.during({ fault, at }, call)
      if (error) failed++
      else await takeBack()
      if (error instanceof IsolatorError) t.not(error.code, 'ERR_NOT_UNDONE', `${error.message}`)
      await comesTo(t, state, before, `${fault} ${at}: ${error ? (error as Error).message : 'went on'}`)
    }
    t.ok(failed > 0, `${fault}: ${failed} of ${tried.length} calls failed`)
  }
}

/** For limits. */
const needsHtb = () => allOf(needsIsolation(), hasQdisc('htb'))

/** Before any socket is opened: they are counted from their start. */
function socketFaults(t: Test, partBytes?: number): SocketFaults {
  const faults = new SocketFaults(partBytes)
  t.teardown(() => faults.restore())
  return faults
}

t.test('isolate() that fails anywhere', needsIsolation(), async t => {
  const faults = socketFaults(t)
  const { topology, host, isolator } = await preparedTopology(t, { containers: 1 })
  const [container] = topology.containers
  await using outside = await WatchedState.open(host)
  await using inside = await WatchedState.open(container!)
  await failsAt(
    anywhere,
    t,
    faults,
    [outside, inside],
    () => isolator.isolate('web-1', { netns: container!.name, ports: '31000-31007' }),
    () => isolator.cleanup('web-1'),
  )
  t.strictSame(isolator.list(), [])
})

t.test('update() that fails anywhere', needsHtb(), async t => {
  const faults = socketFaults(t)
  const { topology, host, isolator } = await preparedTopology(t, { containers: 1, bloatReduction: 'none' })
  const [container] = topology.containers
  const given = { ports: '31000-31007', egressRateLimit: '1MB' }
  await isolator.isolate('web-1', { netns: container!.name, ...given })
  await using outside = await WatchedState.open(host)
  await using inside = await WatchedState.open(container!)
  await failsAt(
    anywhere,
    t,
    faults,
    [outside, inside],
    () => isolator.update('web-1', { ports: '31004-31005,31100-31107', egressRateLimit: '2MB' }),
    () => isolator.update('web-1', given),
  )
  t.strictSame(await isolator.repair('web-1').then(() => isolator.verify()), [])
})

t.test('a later part of a batch that fails', needsIsolation(), async t => {
  const faults = socketFaults(t, PART_BYTES)
  const { topology, host, isolator } = await preparedTopology(t)
  const watched = await Promise.all([host, ...topology.containers].map(one => WatchedState.open(one)))
  t.teardown(() => Promise.all(watched.map(one => one[Symbol.asyncDispose]())))
  const [first, second] = topology.containers.map(({ name }) => name)
  /** Single ports, of which each has nodes of its own. */
  const single = (from: number): [number, number][] =>
    Array.from({ length: 30 }, (_, i) => [from + 2 * i, from + 2 * i])
  const isolate = (ports: [number, number][]) => isolator.isolate('web-1', { netns: first!, ports })
  const many = [
    { id: 'web-1', netns: first!, ports: single(31_000) },
    { id: 'web-2', netns: second!, ports: single(31_500) },
  ]
  const check = (name: string, call: () => Promise<unknown>, takeBack: () => Promise<unknown>) =>
    t.test(name, t => failsAt(laterParts, t, faults, watched, call, takeBack))

  await check(
    'isolate()',
    () => isolate(single(31_000)),
    () => isolator.cleanup('web-1'),
  )
  await check(
    'isolateMany()',
    () => isolator.isolateMany(many),
    () => isolator.cleanupMany(['web-1', 'web-2']),
  )
  await isolate(single(31_000))
  await check(
    'update()',
    () => isolator.update('web-1', { ports: single(31_100) }),
    () => isolator.update('web-1', { ports: single(31_000) }),
  )
})

t.test('create() that fails anywhere', needsIsolation(), async t => {
  const faults = socketFaults(t)
  const topology = await createTopology({ containers: 0, prefix: 'i' })
  t.teardown(() => topology.close())
  const { host } = topology
  await settleLoopback(host, HOST_MAC)
  await using outside = await WatchedState.open(host)
  let made: PortMappingIsolator | undefined
  await failsAt(
    anywhere,
    t,
    faults,
    [outside],
    async () =>
      (made = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name, reserveHostPorts: true })),
    async () => made?.destroy(),
  )
})
