import { getEventListeners } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { abortable } from '../../src/netlink/abortable.js'

const reason = new Error('enough')
const never = new Promise<never>(() => undefined)
const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

t.test('without a signal it is the promise', async t => {
  const promise = Promise.resolve(1)
  t.equal(abortable(promise, undefined), promise)
})

t.test('it settles as the promise does', async t => {
  const { signal } = new AbortController()
  t.equal(await abortable(Promise.resolve(1), signal), 1)
  await t.rejects(abortable(Promise.reject(reason), signal), reason)
  t.equal(listeners(signal), 0)
})

t.test('or rejects when the signal comes first', async t => {
  const controller = new AbortController()
  const { signal } = controller
  const calls = [abortable(never, signal), abortable(never, signal)]
  t.equal(listeners(signal), 1, 'one listener for all')
  controller.abort(reason)
  t.equal(listeners(signal), 0)
  for (const call of calls) await t.rejects(call, reason)
  await t.rejects(abortable(Promise.resolve(1), signal), reason, 'a signal that was aborted before')
  t.equal(listeners(signal), 0)
})

t.test('a promise that fails later is taken care of', async t => {
  const controller = new AbortController()
  const { promise, fail } = failing()
  const call = abortable(promise, controller.signal)
  controller.abort(reason)
  fail(new Error('late'))
  await t.rejects(call, reason)
  await turn()
})

t.test('one that settles leaves the others waiting', async t => {
  const controller = new AbortController()
  const waiting = abortable(never, controller.signal)
  await abortable(Promise.resolve(), controller.signal)
  t.equal(listeners(controller.signal), 1)
  controller.abort(reason)
  await t.rejects(waiting, reason)
})

function failing(): { promise: Promise<never>; fail: (error: Error) => void } {
  let fail: (error: Error) => void = () => undefined
  const promise = new Promise<never>((_, reject) => (fail = reject))
  return { promise, fail }
}
