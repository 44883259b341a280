import { fork, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { HeldName } from '../../src/native/held-name.js'

let count = 0
/** A name that no other test has. */
const place = () => ({ name: `rtnetlink/test/${process.pid}/${count++}`, netns: -1 })

const PATIENTLY = 60_000

async function holdNow(where: ReturnType<typeof place>): Promise<HeldName> {
  const held = await HeldName.wait(where, PATIENTLY)
  if (!held) throw new Error('somebody else holds the name')
  return held
}

t.test('a name has one holder at a time', async t => {
  const where = place()
  const held = await holdNow(where)
  t.equal(HeldName.try(where), undefined)
  t.equal(await HeldName.wait(where, 20), undefined, 'in time')
  held.close()
  held.close()
  const next = HeldName.try(where)
  t.ok(next)
  next?.close()
})

t.test('those who wait hold it in the order in which they came', async t => {
  const where = place()
  const held = await holdNow(where)
  const order: number[] = []
  const waiting = Array.from({ length: 40 }, async (_, i) => {
    const mine = await holdNow(where)
    order.push(i)
    await new Promise(setImmediate)
    mine.close()
  })
  // Whoever tries now, and each time that it changes hands, comes behind those who wait.
  let quicker = 0
  const late = setInterval(() => {
    const held = order.length < 39 ? HeldName.try(where) : undefined
    if (held) quicker++
    held?.close()
  }, 1)
  held.close()
  await Promise.all(waiting)
  clearInterval(late)
  t.strictSame(order, [...order.keys()])
  t.equal(quicker, 0)
})

t.test('a holder is found however often it was asked for, and by whomever', async t => {
  const where = place()
  const held = await holdNow(where)
  const somaxconn = Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8'))
  for (let asked = 0; asked < somaxconn + 5; asked++) {
    const holder = HeldName.holder(where)
    if (!holder || (asked < somaxconn && holder.pid !== process.pid)) t.fail(`asked ${asked} times`)
  }
  t.strictSame(HeldName.holder(where), { pid: undefined }, 'a full line')
  const waits = holdNow(where)
  held.close()
  ;(await waits).close()
})

t.test('one who has given up waiting is passed over', async t => {
  const where = place()
  const held = await holdNow(where)
  const impatient = HeldName.wait(where, 30)
  const patient = holdNow(where)
  t.equal(await impatient, undefined)
  held.close()
  ;(await patient).close()
})

t.test('who is in line does not give up as long as one hands the name to the next', async t => {
  const where = place()
  const { child, said } = takesTurns(t, where.name, 2, fileOf(t), '700')
  // It has the name, and asks for it again as soon as it has let go: behind those who wait by then.
  await untilHeldBy(where, child.pid)
  const waits = holdNow(where)
  const patient = HeldName.wait(where, 1000)
  const mine = await waits
  await new Promise(resolve => setTimeout(resolve, 700))
  mine.close()
  const last = await patient
  t.ok(last, 'two that take 0.7 s each are no reason, with a second for each')
  last?.close()
  await said('done')
})

async function untilHeldBy(where: ReturnType<typeof place>, pid: number | undefined): Promise<void> {
  while (HeldName.holder(where)?.pid !== pid) await new Promise(resolve => setTimeout(resolve, 5))
}

t.test('the pid of its holder is known', async t => {
  const where = place()
  t.equal(HeldName.holder(where), undefined)
  const held = await holdNow(where)
  t.equal(HeldName.holder(where)?.pid, process.pid)
  const { child, said } = takesTurns(t, where.name, 1)
  const waits = holdNow(where)
  held.close()
  const mine = await waits
  t.equal(HeldName.holder(where)?.pid, process.pid, 'of whom it was handed to')
  mine.close()
  await said('done')
  await once(child, 'exit')
  t.equal(HeldName.holder(where), undefined)
})

const needsRoot = { skip: process.geteuid?.() !== 0 && 'only root can become another user' }

t.test('nothing is handed to another user, nor taken from one', needsRoot, async t => {
  const where = place()
  const held = await holdNow(where)
  const waiter = anotherUser(t, 'waits', where.name)
  t.equal(await waiter.line(), 'waits')
  const waits = holdNow(where)
  held.close()
  ;(await waits).close()
  t.equal(await waiter.line(), 'got 0 0', 'although it came first')

  const holder = anotherUser(t, 'holds', where.name)
  t.equal(await holder.line(), 'holds')
  const refused = HeldName.wait(where, 500)
  t.equal(await holder.line(), 'gave')
  t.equal(await refused, undefined)
  t.equal(HeldName.holder(where)?.pid, holder.pid)
})

function anotherUser(t: Test, role: 'waits' | 'holds', name: string) {
  const script = fileURLToPath(new URL('fixtures/another-user.py', import.meta.url))
  const child = spawn('python3', [script, role, name], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return { pid: child.pid, line: async (): Promise<unknown> => (await lines.next()).value }
}

const fixture = fileURLToPath(new URL('fixtures/takes-turns.ts', import.meta.url))

/** A process that holds a name in turn with others. */
function takesTurns(t: Test, name: string, turns: number, file = fileOf(t), ...ms: string[]) {
  const child: ChildProcess = fork(fixture, [name, `${turns}`, file, ...ms], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text))
  const said = async (word: string): Promise<void> => {
    while (!output.includes(word)) await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data')
  }
  return { child, said, output: () => output }
}

function fileOf(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'rtnetlink-held-name-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  return join(folder, 'held')
}

t.test('processes are alone, each in its turn, whoever is killed', async t => {
  const where = place()
  const file = fileOf(t)
  const stays = [takesTurns(t, where.name, 300, file), takesTurns(t, where.name, 300, file)]
  const killed = Array.from({ length: 3 }, () => takesTurns(t, where.name, 1_000_000, file))
  for (const { child, said } of killed) {
    await said('first turn')
    // At any moment: while it holds the name, waits for it, or is just about to get it.
    await new Promise(resolve => setTimeout(resolve, Math.random() * 20))
    child.kill('SIGKILL')
  }
  for (const { child, said } of stays) {
    await said('done')
    if (child.exitCode === null) await once(child, 'exit')
  }
  for (const { output } of [...stays, ...killed]) t.notMatch(output(), 'not alone')
  ;(await holdNow(where)).close()
})
