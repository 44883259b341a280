import { readdirSync } from 'node:fs'
import t, { type Test } from 'tap'
import { IsolatorError } from '../../src/isolator/isolator-error.js'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { SocketFaults, type Fault } from '../helpers/socket-faults.js'
import { createTopology, HOST_MAC } from '../helpers/topology.js'
import { needsIsolation, OPTIONS, preparedTopology } from './isolated-topology.js'
import { settleLoopback } from './kernel-state.js'
import { WatchedState } from './watched-state.js'

/** Tries that are made of each kind of fault; RTNETLINK_FAULTS=all makes one of each message. */
const TRIES = process.env.RTNETLINK_FAULTS === 'all' ? Infinity : 14
t.setTimeout(TRIES === Infinity ? 400_000 : 120_000)

/** Has each call fail at one message after another, and looks whether everything is as it was. */
async function failsEverywhere(
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
  const before = await state()
  const whole = await faults.during(undefined, call)
  t.equal(whole.error, undefined)
  t.notSame(await state(), before, 'control: the call changes something')
  await takeBack()
  t.strictSame(await state(), before, 'control: which can be taken back')
  for (const fault of ['refused', 'lost', 'unsent'] satisfies Fault[]) {
    const points = fault === 'refused' ? whole.messages : whole.sends
    const step = Math.max(1, points / TRIES)
    let failed = 0
    for (let point = 0; Math.floor(point) < points; point += step) {
      const at = Math.floor(point)
      const { error } = await faults.during({ fault, at }, call)
      if (error) failed++
      else await takeBack()
      if (error instanceof IsolatorError) t.not(error.code, 'ERR_NOT_UNDONE', `${error.message}`)
      t.strictSame(
        await state(),
        before,
        `${fault} ${at} of ${points}: ${error ? (error as Error).message : 'went on'}`,
      )
    }
    t.ok(failed > 0, `${fault}: ${failed} calls failed, of ${points} points`)
  }
}

/** Before any socket is opened: they are counted from their start. */
function socketFaults(t: Test): SocketFaults {
  const faults = new SocketFaults()
  t.teardown(() => faults.restore())
  return faults
}

t.test('isolate() that fails anywhere', needsIsolation(), async t => {
  const faults = socketFaults(t)
  const { topology, host, isolator } = await preparedTopology(t, { containers: 1 })
  const [container] = topology.containers
  await using outside = await WatchedState.open(host)
  await using inside = await WatchedState.open(container!)
  await failsEverywhere(
    t,
    faults,
    [outside, inside],
    () => isolator.isolate('web-1', { netns: container!.name, ports: '31000-31007' }),
    () => isolator.cleanup('web-1'),
  )
  t.strictSame(isolator.list(), [])
})

t.test('update() that fails anywhere', needsIsolation(), async t => {
  const faults = socketFaults(t)
  const { topology, host, isolator } = await preparedTopology(t, { containers: 1 })
  const [container] = topology.containers
  const ports = '31000-31007'
  await isolator.isolate('web-1', { netns: container!.name, ports })
  await using outside = await WatchedState.open(host)
  await failsEverywhere(
    t,
    faults,
    [outside],
    () => isolator.update('web-1', { ports: '31004-31005,31100-31107' }),
    () => isolator.update('web-1', { ports }),
  )
  t.strictSame(await isolator.repair('web-1').then(() => isolator.verify()), [])
})

t.test('create() that fails anywhere', needsIsolation(), async t => {
  const faults = socketFaults(t)
  const topology = await createTopology({ containers: 0, prefix: 'i' })
  t.teardown(() => topology.close())
  const { host } = topology
  await settleLoopback(host, HOST_MAC)
  await using outside = await WatchedState.open(host)
  let made: PortMappingIsolator | undefined
  await failsEverywhere(
    t,
    faults,
    [outside],
    async () =>
      (made = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name, reserveHostPorts: true })),
    async () => made?.destroy(),
  )
})
