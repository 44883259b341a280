import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { binding } from '../../src/native/binding.js'
import { expectHoldings, holdings } from './holdings.js'

async function sleeper(t: Test): Promise<ChildProcess & { pid: number }> {
  const child = spawn('sleep', ['600'])
  t.teardown(() => child.kill('SIGKILL'))
  await once(child, 'spawn')
  return child as ChildProcess & { pid: number }
}

t.test('tells when a process has ended', async t => {
  const before = holdings()
  const [first, second, third] = [await sleeper(t), await sleeper(t), await sleeper(t)]
  let told = 0
  let arrived: () => void = () => undefined
  const ends = new (binding().ProcessEnds)(() => {
    told++
    arrived()
  })
  const next = (): Promise<void> => new Promise(resolve => (arrived = resolve))
  // It does not keep the loop alive by itself.
  const alive = setInterval(() => undefined, 1000)
  t.teardown(() => {
    clearInterval(alive)
  })

  const pidfds = [first, second, third].map(({ pid }) => ends.add(pid))
  await sleep(50)
  t.equal(told, 0, 'all are alive')
  const one = next()
  first.kill('SIGKILL')
  await one
  await sleep(50)
  t.equal(told, 1, 'once, until it is told to go on')
  pidfds[0]?.close()
  pidfds[1]?.close()
  ends.resume()
  second.kill('SIGKILL')
  await once(second, 'exit')
  await sleep(50)
  t.equal(told, 1, 'nobody waits for one that was closed')
  const two = next()
  third.kill('SIGKILL')
  await two
  pidfds[2]?.close()

  t.throws(() => ends.add(2 ** 30), { code: 'ESRCH', syscall: 'pidfd_open' })
  ends.close()
  ends.resume()
  await expectHoldings(t, before)
})
