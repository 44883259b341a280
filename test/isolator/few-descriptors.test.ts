import { execFileSync, fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import t, { type Test } from 'tap'
import type { ContainerInfo } from '../../src/isolator/container/info.js'
import { settled } from '../helpers/leaks.js'
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

/** Asserts that all is as it was; descriptors that a thread has are closed a moment later. */
async function staysAs<T>(t: Test, before: T, look: () => Promise<T>): Promise<void> {
  const deadline = performance.now() + 2000
  let now = await look()
  while (!isDeepStrictEqual(now, before) && performance.now() < deadline) now = await look()
  t.strictSame(now, before, 'everything is as it was')
}

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
      t.ok([error.code, error.cause].includes('EMFILE'), `${spare} to spare: ${error.message}`)
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
      t.match(error, { code: 'EMFILE' }, `${spare} to spare: ${error.message}`)
    } else {
      succeeded++
      t.equal(kinds(outcome.result), kinds(result), `${spare} to spare`)
    }
  }
  t.ok(failed > 2, `${failed} calls failed`)
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
  for (const call of [['usage', 'web-1'], ['usageAll'], ['verify'], ['repair']] as const)
    await t.test(`${call[0]}()`, t => answersOrFails(t, isolator, call))
})
