import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { ConcurrencyLimit } from '../../../src/isolator/kernel/concurrency-limit.js'

t.test('no more than there is room for, in order, also when some fail', async t => {
  const limit = new ConcurrencyLimit(3)
  let running = 0
  let most = 0
  const started: number[] = []
  const task = async (i: number): Promise<number> => {
    started.push(i)
    most = Math.max(most, ++running)
    await sleep(i % 3)
    running--
    if (i % 5 === 0) throw new Error(`task ${i}`)
    return i
  }
  const numbers = Array.from({ length: 20 }, (_, i) => i)
  const results = await Promise.allSettled(numbers.map(i => limit.run(() => task(i))))
  t.equal(most, 3)
  t.strictSame(started, numbers)
  for (const [i, result] of results.entries()) t.equal(result.status, i % 5 === 0 ? 'rejected' : 'fulfilled')
  t.equal(await limit.run(async () => 'free again'), 'free again')
})
