import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { binding } from '../../src/native/binding.js'
import { expectHoldings, holdings } from './holdings.js'

const script = fileURLToPath(new URL('fixtures/use-in-worker.ts', import.meta.url))
const start = (task: string): Worker => new Worker(script, { workerData: task })

/** Where a worker may be when it is terminated: opening, each in a way of its own, or waiting for an answer. */
const MOMENTS = ['open', 'open inside', 'hold names', 'watch processes', 'request'] as const

// These first: here the addon is loaded and unloaded with the worker.
t.test('a worker that is alone with the addon is terminated', async t => {
  const before = holdings()
  const worker = start('leave open')
  await once(worker, 'message')
  await worker.terminate()
  await expectHoldings(t, before)
})

t.test('several workers and the main thread use it at once', async t => {
  binding()
  const before = holdings()
  const workers = [start('use'), start('use'), start('use')]
  const answers = await Promise.all(workers.map(worker => once(worker, 'message')))
  t.match(answers, Array(3).fill([{ name: 'lo', isSystemError: true }]))
  await Promise.all(workers.map(worker => worker.terminate()))
  await expectHoldings(t, before)
})

for (const [how, task] of [
  ['terminated', 'leave open'],
  ['ended by process.exit()', 'leave open and end'],
] as const) {
  t.test(`a worker is ${how} with sockets open and requests under way`, async t => {
    const before = holdings()
    for (let i = 0; i < 3; i++) {
      const worker = start(task)
      const exited = once(worker, 'exit')
      if (task === 'leave open') {
        await once(worker, 'message')
        await worker.terminate()
      }
      await exited
    }
    await expectHoldings(t, before)
  })
}

t.test('workers are terminated at any moment of opening and asking', async t => {
  binding()
  const before = holdings()
  const terminate = async (task: string, round: number): Promise<void> => {
    const worker = start(task)
    await once(worker, 'message')
    // In the middle of a loop that never ends.
    const until = performance.now() + round / 3
    while (performance.now() < until);
    await worker.terminate()
  }
  for (let round = 0; round < 2; round++) await Promise.all(MOMENTS.map(task => terminate(task, round)))
  await expectHoldings(t, before)
})
