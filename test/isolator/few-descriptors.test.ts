import { execFileSync, fork, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import type { ContainerInfo } from '../../src/isolator/container/info.js'
import { comesTo, settled } from '../helpers/leaks.js'
import { allOf, hasQdisc } from '../helpers/privilege.js'
import { createTopology, HOST_MAC } from '../helpers/topology.js'
import { needsIsolation, OPTIONS } from './isolated-topology.js'
import { settleLoopback } from './kernel-state.js'
import { WatchedState } from './watched-state.js'

/** What became of a call. */
interface Outcome {
  error?: { code?: string; message: string; cause?: string }
  list: ContainerInfo[]
  result?: unknown
  /** Events of errors meanwhile. */
  reported: string[]
}

type Call = readonly [name: string, ...args: unknown[]]

/** For limits. */
const needsHtb = () => allOf(needsIsolation(), hasQdisc('htb'))

const FIXTURE = fileURLToPath(new URL('fixtures/on-request.js', import.meta.url))
const ENOUGH = 1024

/** Undefined where the descriptor has been closed since the folder was read. */
function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** A process that has an isolator. Its descriptors are limited from here: without any it could not limit itself. */
class LimitedProcess implements AsyncDisposable {
  private constructor(private readonly child: ChildProcess) {}

  static async start(): Promise<LimitedProcess> {
    const child = fork(FIXTURE, { execArgv: [] })
    await once(child, 'message')
    return new LimitedProcess(child)
  }

  /** What each descriptor is open for. */
  descriptors(): string[] {
    return this.#numbers()
      .flatMap(fd => linkOf(`/proc/${this.child.pid}/fd/${fd}`) ?? [])
      .sort()
  }

  /** Calls with so many descriptors to spare. */
  async sparing(spare: number, call: Call): Promise<Outcome> {
    const taken = new Set(this.#numbers())
    let limit = 0
    for (let free = 0; free < spare || taken.has(limit); limit++) if (!taken.has(limit)) free++
    this.#limit(limit)
    try {
      return await this.call(call)
    } finally {
      this.#limit(ENOUGH)
    }
  }

  async call(call: Call): Promise<Outcome> {
    this.child.send(call)
    const [outcome] = (await once(this.child, 'message', { signal: AbortSignal.timeout(10_000) })) as [
      Outcome,
    ]
    return outcome
  }

  /** Destroys the isolator. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.call(['destroy'])
    const ended = once(this.child, 'exit')
    this.child.disconnect()
    await ended
  }

  #numbers(): number[] {
    return readdirSync(`/proc/${this.child.pid}/fd`).map(Number)
  }

  #limit(soft: number): void {
    execFileSync('prlimit', ['--pid', String(this.child.pid), `--nofile=${soft}:`])
  }
}

/** Asserts that an error says which limit was reached. */
function namesLimit(t: Test, { code, cause, message }: NonNullable<Outcome['error']>, spare: number): void {
  t.ok([code, cause].includes('ERR_NO_DESCRIPTORS'), `${spare} to spare: ${code}`)
  t.match(message, /RLIMIT_NOFILE/)
}

/** Asserts that all is as it was. */
const staysAs = <T>(t: Test, before: T, look: () => Promise<T>): Promise<void> =>
  comesTo(t, look, before, 'everything is as it was')

/** Calls with no descriptor to spare, then with one, and so on until the call succeeds, and once more. */
async function failsUntilThereAreEnough(
  t: Test,
  isolator: LimitedProcess,
  watched: readonly WatchedState[],
  call: Call,
  takeBack: Call,
): Promise<void> {
  const state = async () => ({
    kernel: await Promise.all(watched.map(one => one.lines())),
    names: readdirSync('/run/netns').filter(name => /^pm\d+$/.test(name)),
    descriptors: await settled(() => isolator.descriptors()),
  })
  const succeeds = async (call: Call, why: string): Promise<ContainerInfo[]> => {
    const { error, list, reported } = await isolator.call(call)
    t.strictSame({ error, reported }, { error: undefined, reported: [] }, why)
    return list
  }
  // What is opened at a first use is open from now on.
  await succeeds(call, 'a first time')
  const list = await succeeds(takeBack, 'and it is taken back')
  const before = await state()
  let failed = 0
  for (let spare = 0, succeeded = 0; succeeded < 2; spare++) {
    const { error, ...outcome } = await isolator.sparing(spare, call)
    t.strictSame(outcome.reported, [])
    if (error) {
      failed++
      namesLimit(t, error, spare)
      t.strictSame(outcome.list, list, 'the same containers are listed')
      await staysAs(t, before, state)
      await succeeds(call, 'with descriptors it succeeds')
    } else if (succeeded++ === 0) {
      t.notSame(await state(), before, 'control: the call changes something')
    }
    await succeeds(takeBack, 'which is taken back')
  }
  await staysAs(t, before, state)
  t.ok(failed > 2, `${failed} calls failed`)
}

/** Likewise calls that change nothing: either the answer is the same as ever, or there is none. */
async function answersOrFails(t: Test, isolator: LimitedProcess, call: Call): Promise<void> {
  const { result } = await isolator.call(call)
  const descriptors = await settled(() => isolator.descriptors())
  const kinds = (answer: unknown) => JSON.stringify(answer).replace(/\d+/g, '0')
  let failed = 0
  for (let spare = 0, succeeded = 0; succeeded < 2; spare++) {
    const { error, reported, ...outcome } = await isolator.sparing(spare, call)
    t.strictSame(reported, [])
    await staysAs(t, descriptors, () => settled(() => isolator.descriptors()))
    if (error) {
      failed++
      namesLimit(t, error, spare)
    } else {
      succeeded++
      t.equal(kinds(outcome.result), kinds(result), `${spare} to spare`)
    }
  }
  t.ok(failed > 2, `${failed} calls failed`)
}

/** A program that is started again, and finds the containers or not. */
async function recoversOrFails(
  t: Test,
  isolator: LimitedProcess,
  watched: readonly WatchedState[],
  create: Call,
): Promise<void> {
  const state = () => Promise.all(watched.map(one => one.lines()))
  const again = async (): Promise<void> => {
    await isolator.call(['close'])
    await isolator.call(create)
  }
  const { list } = await isolator.call(['verify'])
  const before = await settled(state)
  let failed = 0
  for (let spare = 0, succeeded = 0; succeeded < 2; spare++) {
    await again()
    const { error, ...outcome } = await isolator.sparing(spare, ['recover', 'all'])
    t.strictSame(outcome.reported, [])
    await staysAs(t, before, state)
    if (error) {
      failed++
      namesLimit(t, error, spare)
      t.strictSame(outcome.list, [])
      const { list: found } = await isolator.call(['recover', 'all'])
      t.strictSame(found, list, 'with descriptors it succeeds')
    } else {
      succeeded++
      t.strictSame(outcome.list, list, `${spare} to spare: all are found`)
    }
  }
  t.ok(failed > 2, `${failed} calls failed`)
}

/** Likewise a removal: what it leaves it says, and a further call removes it. */
async function removesOrSaysWhatIsLeft(
  t: Test,
  isolator: LimitedProcess,
  host: WatchedState,
  makeAgain: readonly Call[],
): Promise<void> {
  const { netns } = makeAgain[0]![1] as { netns: string }
  await isolator.call(['destroy'])
  const without = await host.lines()
  let failed = 0
  for (let spare = 0, succeeded = 0; succeeded < 2; spare++) {
    for (const call of makeAgain) await isolator.call(call)
    await isolator.call(['close'])
    // A moment after it is set up the kernel notices that a veth has a carrier.
    const before = await settled(() => host.lines())
    const { error, result } = await isolator.sparing(spare, ['remove', { netns }])
    const left = (result as { left: string[] } | undefined)?.left ?? []
    if (error) {
      namesLimit(t, error, spare)
      await staysAs(t, before, () => host.lines())
    }
    for (const line of left) t.match(line, /RLIMIT_NOFILE/, `${spare} to spare`)
    if (error || left.length > 0) {
      failed++
      const { result } = await isolator.call(['remove', { netns }])
      t.match(result, { left: [] }, 'a further call removes it')
    } else succeeded++
    await staysAs(t, without, () => host.lines())
  }
  t.ok(failed > 2, `${failed} calls failed`)
}

/** A process in a namespace, which keeps it as long as no name does. */
async function processIn(name: string): Promise<ChildProcess> {
  const child = spawn('nsenter', [`--net=/run/netns/${name}`, 'sleep', 'infinity'], { stdio: 'ignore' })
  await once(child, 'spawn')
  return child
}

async function ended(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.kill()
  await exit
}

t.test('calls without descriptors to spare', needsHtb(), async t => {
  const topology = await createTopology({ containers: 2, prefix: 'i' })
  t.teardown(() => topology.close())
  const { host, containers } = topology
  await settleLoopback(host, HOST_MAC)
  const watched = await Promise.all([host, ...containers].map(one => WatchedState.open(one)))
  t.teardown(() => Promise.all(watched.map(one => one[Symbol.asyncDispose]())))
  await using isolator = await LimitedProcess.start()
  const check = (name: string, call: Call, takeBack: Call) =>
    t.test(name, t => failsUntilThereAreEnough(t, isolator, watched, call, takeBack))

  const create: Call = [
    'create',
    { ...OPTIONS, netns: host.name, reserveHostPorts: true, bloatReduction: 'none' },
  ]
  await check('create()', create, ['destroy'])
  await isolator.call(create)
  const spaces = containers.map(({ name }) => name)
  const limits = { egressRateLimit: '1MB', ingressRateLimit: '1MB' }
  const given = { ports: '31000-31007', ...limits }
  const isolate: Call = ['isolate', 'web-1', { netns: spaces[0], ...given }]
  await check('isolate()', isolate, ['cleanup', 'web-1'])
  const many = spaces.map((netns, i) => ({ id: `many-${i}`, netns, ports: [[31_200 + i, 31_200 + i]] }))
  await check('isolateMany()', ['isolateMany', many], ['cleanupMany', many.map(({ id }) => id)])
  await isolator.call(isolate)
  const changed = { ports: '31004-31005,31100-31107', egressRateLimit: '2MB', ingressRateLimit: '3MB' }
  await check('update()', ['update', 'web-1', changed], ['update', 'web-1', given])
  await check('cleanup()', ['cleanup', 'web-1'], isolate)
  await isolator.call(['cleanup', 'web-1'])
  const ids = many.map(({ id }) => id)
  for (const hold of [true, false])
    await t.test(`cleanupMany(), hold: ${hold}`, async t => {
      const inside = hold ? [] : await Promise.all(spaces.map(processIn))
      const isolateMany: Call = ['isolateMany', many.map(one => ({ ...one, hold }))]
      await isolator.call(isolateMany)
      await failsUntilThereAreEnough(t, isolator, watched, ['cleanupMany', ids], isolateMany)
      await isolator.call(['cleanupMany', ids])
      for (const child of inside) await ended(child)
    })
  await isolator.call(isolate)
  for (const call of [['usage', 'web-1'], ['usageAll'], ['verify'], ['repair']] as const)
    await t.test(`${call[0]}()`, t => answersOrFails(t, isolator, call))
  await t.test('recover()', t => recoversOrFails(t, isolator, watched, create))
  await t.test('remove()', t => removesOrSaysWhatIsLeft(t, isolator, watched[0]!, [create, isolate]))
})
