import { fork } from 'node:child_process'
import { once } from 'node:events'
import { closeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { binding } from '../../src/native/binding.js'
import { expectHoldings, holdings, settledHoldings } from './holdings.js'
import { setLink } from './link-messages.js'
import { makeNamespace, needsNamespaces, scratchNamespace } from './scratch-namespace.js'
import { StartedSocket } from './started-socket.js'

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}.ts`, import.meta.url))
const LO = 1

interface Holder {
  /** Resolves when the other process has got the lock, or is about to. */
  hold: () => Promise<void>
  /** How long it held the lock, in milliseconds. */
  released: () => Promise<number>
}

async function holder(): Promise<Holder> {
  const child = fork(fixture('hold-rtnl'))
  await once(child, 'message')
  let released: Promise<number>
  return {
    async hold() {
      child.send('hold')
      await once(child, 'message')
      released = once(child, 'message').then(([held]) => held as number)
      await sleep(30)
    },
    released: () => released,
  }
}

/**
 * Calls `attempt` until it says that it did not have to wait for the lock: on a busy machine the lock may be
 * free again before the attempt has begun.
 */
async function unhindered(t: Test, attempt: (holder: Holder) => Promise<boolean>): Promise<void> {
  for (let i = 1; i <= 5; i++) {
    const before = await settledHoldings()
    const done = await attempt(await holder())
    await expectHoldings(t, before)
    if (done) return
  }
  t.fail('waited for the lock five times')
}

t.test('another process holds the RTNL lock', needsNamespaces(), async t => {
  binding()
  const netns = await scratchNamespace(t)

  await t.test('requests wait, and nothing else does', t =>
    unhindered(t, async ({ hold, released }) => {
      const before = holdings().threads
      // More than libuv's pool has threads.
      const sockets = Array.from({ length: 12 }, () => new StartedSocket(netns))
      const abandoned = new StartedSocket(netns)
      const delay = monitorEventLoopDelay({ resolution: 1 })

      await hold()
      delay.enable()
      const begun = performance.now()
      const answers = sockets.map((socket, i) => socket.exchange(setLink(1, LO), 1 + i))
      abandoned.native.send(setLink(1, LO), 1)
      await sleep(20)
      abandoned.native.close()
      await readFile('/proc/self/stat')
      const allWait = holdings().threads === before + 13

      await Promise.all(answers)
      const answered = performance.now() - begun
      delay.disable()
      sockets.forEach(({ native }) => native.close())
      const held = await released()
      const slowest = delay.max / 1e6
      t.comment(
        `held ${held.toFixed()} ms, answered after ${answered.toFixed()}, loop delay ${slowest.toFixed()}`,
      )
      return allWait && slowest < held / 2
    }),
  )

  await t.test('making a namespace waits, and the event loop does not', t =>
    unhindered(t, async ({ hold, released }) => {
      const before = holdings().threads
      await hold()
      const made = makeNamespace()
      await sleep(5)
      const waits = holdings().threads === before + 1
      closeSync(await made)
      await released()
      return waits
    }),
  )

  await t.test('a worker is terminated with its requests waiting', t =>
    unhindered(t, async ({ hold, released }) => {
      const before = holdings().threads
      const worker = new Worker(fixture('use-in-worker'), { workerData: 'send when told' })
      await once(worker, 'message')
      await hold()
      worker.postMessage('send')
      await once(worker, 'message')
      await sleep(5)
      await worker.terminate()
      const theyWaitOn = holdings().threads === before + 10
      await released()
      return theyWaitOn
    }),
  )
})
