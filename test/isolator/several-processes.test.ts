import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { createTopology } from '../helpers/topology.js'
import { needsIsolation, OPTIONS } from './isolated-topology.js'
import { Program, type Answer } from './program.js'

t.setTimeout(600_000)

/** Full rounds, as a release is shown with: RTNETLINK_PROCESSES_ROUNDS=10 and RTNETLINK_RANDOM_ROUNDS=500. */
const ROUNDS = Number(process.env['RTNETLINK_PROCESSES_ROUNDS'] ?? 1)
const RANDOM_ROUNDS = Number(process.env['RTNETLINK_RANDOM_ROUNDS'] ?? 40)
const PROCESSES = 20

const random = (below: number): number => Math.floor(Math.random() * below)

t.test(
  `${PROCESSES} processes that start together make as many containers, one of them killed on the way`,
  needsIsolation(),
  async t => {
    const topology = await createTopology({ containers: PROCESSES, prefix: 'p' })
    t.teardown(() => topology.close())
    const { host, containers } = topology
    const options = { ...OPTIONS, ephemeralPortsPerContainer: 256, netns: host.name }
    t.teardown(() => PortMappingIsolator.remove({ netns: host.name }))
    for (let round = 0; round < ROUNDS; round++) {
      const programs = await Promise.all(containers.map(() => Program.start(t)))
      const began = performance.now()
      // By how far it has come, not by the clock alone: on a slow machine no call would have ended.
      const killed = random(PROCESSES)
      const killedIn = random(3)
      let ended = Promise.resolve()
      const work = programs.map(async (program, i) => {
        const calls: [string, ...unknown[]][] = [
          ['create', options],
          ['recover', []],
          ['isolate', `c${i}`, { netns: containers[i]!.name, ports: `${31_000 + i}` }],
        ]
        const answers: (Answer | undefined)[] = []
        for (const [n, call] of calls.entries()) {
          if (i === killed && n === killedIn) ended = sleep(random(500)).then(() => program.kill())
          answers.push(await program.call(...call))
        }
        return answers
      })
      const answers = await Promise.all(work)
      await ended
      const took = performance.now() - began
      for (const [i, answered] of answers.entries()) {
        const errors = answered.map(answer => answer?.error)
        if (i !== killed) t.strictSame(errors, [undefined, undefined, undefined], `process ${i}`)
      }
      const done = answers[killed]?.filter(Boolean).length
      t.comment(`round ${round}: ${took.toFixed()} ms; process ${killed} was killed after ${done} of 3 calls`)

      // What was left in the middle is brought to its end by whoever comes next.
      const next = await PortMappingIsolator.create(options)
      const { unknown } = await next.recover([])
      const others = containers.flatMap((_, i) => (i === killed ? [] : [`c${i}`]))
      const made = unknown.filter(id => id !== `c${killed}`)
      t.strictSame(made.sort(), others.sort(), 'all others have their containers')
      t.strictSame(await next.verify(), [], 'and they are sound')
      for (const [i, program] of programs.entries()) {
        if (i === killed) continue
        const verified = await program.call('verify', `c${i}`)
        t.strictSame(verified?.result, [], `process ${i} finds its own sound`)
      }
      await next.destroy()
      for (const [i, program] of programs.entries()) if (i !== killed) await program.kill()
    }
  },
)

/** What a host is to have: by id the namespace and the first of its two ports. */
type World = ReadonlyMap<string, { netns: string; port: number }>

/** A call, what it comes to, and what the host has after it. */
interface Call {
  /** Who calls. */
  who: number
  name: 'isolate' | 'update' | 'cleanup' | 'verify'
  args: unknown[]
}

const IDS = ['a', 'b', 'c', 'd', 'e', 'f']
const portsOf = (port: number): [number, number][] => [[port, port + 1]]

/** What one call does, were it alone: the error's code or the result, the world after it, and whose containers are whose. */
function inModel(world: World, own: readonly ReadonlySet<string>[], { who, name, args }: Call) {
  const [id, given] = args as [string, { netns: string; ports: [number, number][] } | undefined]
  const mine = own[who]!.has(id) && world.has(id)
  const stays = (outcome: string) => ({ outcome, world, own })
  const port = given?.ports[0]![0] ?? 0
  const isTaken = [...world].some(([other, { port: theirs }]) => other !== id && theirs === port)
  if (name === 'verify') return stays('[]')
  if (name === 'isolate') {
    const usesNamespace = [...world.values()].some(({ netns }) => netns === given!.netns)
    if (world.has(id)) return stays('ERR_CONTAINER_EXISTS')
    if (isTaken) return stays('ERR_PORTS_OVERLAP')
    if (usesNamespace) return stays('ERR_CONTAINER_EXISTS')
    const after = new Map(world).set(id, { netns: given!.netns, port })
    return {
      outcome: 'done',
      world: after as World,
      own: own.map((ids, i) => (i === who ? new Set([...ids, id]) : ids)),
    }
  }
  if (name === 'update') {
    if (!mine) return stays('ERR_CONTAINER_UNKNOWN')
    if (isTaken) return stays('ERR_PORTS_OVERLAP')
    return { outcome: 'done', world: new Map(world).set(id, { ...world.get(id)!, port }) as World, own }
  }
  if (!mine) return stays('false')
  const after = new Map(world)
  after.delete(id)
  return {
    outcome: 'true',
    world: after as World,
    own: own.map(ids => new Set([...ids].filter(x => x !== id))),
  }
}

const outcomeOf = ({ name }: Call, { error, result }: Answer): string =>
  error ? error.code : name === 'cleanup' || name === 'verify' ? JSON.stringify(result) : 'done'

function* orders<T>(items: readonly T[]): Generator<T[]> {
  if (items.length === 0) yield []
  for (const [i, item] of items.entries())
    for (const rest of orders(items.filter((_, j) => j !== i))) yield [item, ...rest]
}

const textOf = (world: World): string =>
  JSON.stringify([...world].map(([id, { port }]) => [id, port] as const).sort())

t.test(
  'random calls of four processes come to what they would one after the other',
  needsIsolation(),
  async t => {
    const topology = await createTopology({ containers: 5, prefix: 'r' })
    t.teardown(() => topology.close())
    const { host, containers } = topology
    const options = { ...OPTIONS, netns: host.name }
    t.teardown(() => PortMappingIsolator.remove({ netns: host.name }))
    const programs = await Promise.all([0, 1, 2, 3].map(() => Program.start(t)))
    for (const program of programs) await program.call('create', options)

    const anyCall = (who: number): Call => {
      const id = IDS[random(IDS.length)]!
      const ports = portsOf(31_000 + 2 * random(5))
      const netns = containers[random(containers.length)]!.name
      const chance = random(10)
      if (chance < 4) return { who, name: 'isolate', args: [id, { netns, ports }] }
      if (chance < 6) return { who, name: 'update', args: [id, { ports }] }
      if (chance < 9) return { who, name: 'cleanup', args: [id] }
      return { who, name: 'verify', args: [] }
    }

    let world: World = new Map()
    let own: readonly ReadonlySet<string>[] = programs.map(() => new Set<string>())
    let wrong = 0
    for (let round = 0; round < RANDOM_ROUNDS && wrong === 0; round++) {
      const calls = programs.map((_, who) => anyCall(who))
      const answers = await Promise.all(
        calls.map(({ who, name, args }) => programs[who]!.call(name, ...args)),
      )
      const outcomes = new Map(calls.map((call, i) => [call, outcomeOf(call, answers[i]!)]))
      const { containers: seen } = await PortMappingIsolator.inspect({ netns: host.name })
      const there = JSON.stringify(seen.map(({ id, ports }) => [id, ports[0]![0]]).sort())
      const explained = [...orders(calls)].flatMap(order => {
        let state = { outcome: '', world, own }
        for (const call of order) {
          state = inModel(state.world, state.own, call)
          if (state.outcome !== outcomes.get(call)) return []
        }
        return textOf(state.world) === there ? [state] : []
      })
      if (explained[0]) {
        ;({ world, own } = explained[0])
        continue
      }
      wrong++
      t.fail('no order of the calls explains what they came to', {
        ...{ round, before: textOf(world), after: there },
        calls: calls.map(
          call => `${call.who} ${call.name} ${JSON.stringify(call.args)}: ${outcomes.get(call)}`,
        ),
        errors: answers.map(answer => answer?.error?.message),
      })
    }
    t.equal(wrong, 0, `${RANDOM_ROUNDS} rounds`)
    const whole = await PortMappingIsolator.create(options)
    await whole.recover('all')
    t.strictSame(await whole.verify(), [], 'all sound in the end')
    await whole.destroy()
  },
)
