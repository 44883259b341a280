import { getEventListeners } from 'node:events'
import t from 'tap'
import { sleep } from '../../../src/isolator/kernel/sleep.js'

const reason = new Error('enough')
const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

t.test('it resolves after its time, and leaves no listener', async t => {
  const { signal } = new AbortController()
  const begun = performance.now()
  await sleep(20, { signal })
  t.ok(performance.now() - begun >= 19)
  t.equal(listeners(signal), 0)
})

t.test('any number can wait for one signal', async t => {
  const controller = new AbortController()
  const { signal } = controller
  const sleeping = Array.from({ length: 20 }, () => sleep(60_000, { ref: false, signal }))
  t.equal(listeners(signal), 1, 'Node warns of a leak from the eleventh listener on')
  controller.abort(reason)
  for (const one of sleeping) await t.rejects(one, reason)
  t.equal(listeners(signal), 0)
  await t.rejects(sleep(60_000, { signal }), reason, 'a signal that was aborted before')
})
