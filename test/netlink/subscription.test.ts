import { getEventListeners } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { NetlinkSubscription, type Notification } from '../../src/netlink/subscription.js'
import { bytes, message } from '../helpers/netlink-bytes.js'
import { newWidget, protocol } from '../helpers/sample-protocol.js'
import { ScriptedTransport, type ScriptedTransportOptions } from '../helpers/scripted-transport.js'

const ENOBUFS = -105
const HIGH_WATER = 4096

function subscribe(
  signal?: AbortSignal,
  options: ScriptedTransportOptions = {},
): { transport: ScriptedTransport; subscription: NetlinkSubscription } {
  const transport = new ScriptedTransport(options)
  return { transport, subscription: new NetlinkSubscription(transport, protocol, [1, 5], signal) }
}

const notifications = (count: number): Buffer =>
  bytes(...Array.from({ length: count }, (_, i) => message({ type: newWidget.type, sequence: i })))

type Told = number | 'overrun' | 'truncated'

/** What was notified, in short: a sequence number, or how some were lost. */
const told = (value: Notification): Told =>
  'overrun' in value ? 'overrun' : 'truncated' in value ? 'truncated' : value.message.sequence

async function rest(subscription: NetlinkSubscription): Promise<Told[]> {
  const all: Told[] = []
  for await (const value of subscription) all.push(told(value))
  return all
}

t.test('it joins its groups and keeps the process alive until it is closed', async t => {
  const { subscription, transport } = subscribe()
  t.same([...transport.groups], [1, 5])
  t.ok(transport.referenced)
  subscription.close()
  t.notOk(transport.referenced)
  t.ok(transport.closed)
})

t.test('notifications before and after they are asked for, in order', async t => {
  const { subscription, transport } = subscribe()
  transport.deliver({ chunk: notifications(2) })
  const asked = [subscription.next(), subscription.next(), subscription.next(), subscription.next()]
  transport.deliver({ chunk: notifications(3) })
  const results = await Promise.all(asked)
  t.same(
    results.map(({ value }) => told(value as Notification)),
    [0, 1, 0, 1],
  )
  subscription.close()
  t.same(await rest(subscription), [2])
})

t.test('an overrun is an item, in its place', async t => {
  const { subscription, transport } = subscribe()
  transport.deliver({ chunk: notifications(2), receiveErrno: ENOBUFS })
  transport.deliver({ chunk: notifications(1) })
  subscription.close()
  t.same(await rest(subscription), [0, 1, 'overrun', 0])
})

t.test('a datagram that did not fit is an item, in its place', async t => {
  const { subscription, transport } = subscribe()
  transport.deliver({ chunk: notifications(1), receiveErrno: -90 })
  transport.deliver({ chunk: notifications(1) })
  t.notOk(transport.closed)
  subscription.close()
  t.same(await rest(subscription), [0, 'truncated', 0])
})

t.test('back pressure', async t => {
  const { subscription, transport } = subscribe()
  transport.deliver({ chunk: notifications(HIGH_WATER - 1) })
  t.notOk(transport.paused)
  transport.deliver({ chunk: notifications(2) })
  t.ok(transport.paused)
  for (let i = 0; i < HIGH_WATER / 2; i++) await subscription.next()
  t.ok(transport.paused, 'until half of it is read')
  await subscription.next()
  t.notOk(transport.paused)
  transport.deliver({ chunk: notifications(HIGH_WATER / 2) })
  t.ok(transport.paused, 'again')
  subscription.close()
  t.equal((await rest(subscription)).length, HIGH_WATER, 'what was queued can still be read')
})

t.test('the end', async t => {
  await t.test('close ends who waits', async t => {
    const { subscription } = subscribe()
    const waiting = [subscription.next(), subscription.next()]
    subscription.close()
    for (const each of waiting) t.same(await each, { done: true, value: undefined })
    t.same(await subscription.next(), { done: true, value: undefined })
    subscription.close()
  })
  await t.test('leaving the loop closes, and drops what is queued', async t => {
    const { subscription, transport } = subscribe()
    transport.deliver({ chunk: notifications(3) })
    for await (const value of subscription) {
      t.equal(told(value), 0)
      break
    }
    t.ok(transport.closed)
    t.same(await rest(subscription), [])
  })
  await t.test('a signal closes', async t => {
    const controller = new AbortController()
    const { subscription, transport } = subscribe(controller.signal)
    const all = rest(subscription)
    transport.deliver({ chunk: notifications(1) })
    await turn()
    controller.abort()
    t.same(await all, [0])
    t.ok(transport.closed)
  })
  await t.test('a signal that was aborted before', async t => {
    const { subscription, transport } = subscribe(AbortSignal.abort())
    t.ok(transport.closed)
    t.same(await rest(subscription), [])
  })
  await t.test('any number has one listener on a signal, and closing leaves none', async t => {
    const { signal } = new AbortController()
    const subscriptions = Array.from({ length: 20 }, () => subscribe(signal).subscription)
    t.equal(getEventListeners(signal, 'abort').length, 1, 'Node warns of a leak from the eleventh on')
    for (const subscription of subscriptions) subscription.close()
    t.equal(getEventListeners(signal, 'abort').length, 0)
  })
  await t.test('await using', async t => {
    const transport = new ScriptedTransport()
    {
      await using subscription = new NetlinkSubscription(transport, protocol, [1])
      t.ok(subscription)
    }
    t.ok(transport.closed)
  })
})

t.test('failures', async t => {
  const cases = {
    'any but an overrun': [
      { receiveErrno: -12 },
      { name: 'SystemError', code: 'ENOMEM', syscall: 'recvfrom' },
    ],
    garbage: [{ chunk: Buffer.alloc(20, 0xff) }, { name: 'DecodeError' }],
  } as const
  for (const [name, [event, expected]] of Object.entries(cases)) {
    await t.test(`${name}: told once, behind what had arrived`, async t => {
      const { subscription, transport } = subscribe()
      transport.deliver({ chunk: notifications(1) })
      transport.deliver(event)
      t.ok(transport.closed)
      t.notOk((await subscription.next()).done)
      await t.rejects(subscription.next(), expected)
      t.same(await subscription.next(), { done: true, value: undefined })
    })
    await t.test(`${name}: while it is waited for`, async t => {
      const { subscription, transport } = subscribe()
      const waiting = [subscription.next(), subscription.next()]
      transport.deliver(event)
      await t.rejects(waiting[0]!, expected)
      t.same(await waiting[1], { done: true, value: undefined })
      t.same(await subscription.next(), { done: true, value: undefined })
    })
  }
  await t.test('messages before the garbage count', async t => {
    const { subscription, transport } = subscribe()
    transport.deliver({ chunk: bytes(notifications(2), Buffer.alloc(20, 0xff)) })
    t.equal(told((await subscription.next()).value as Notification), 0)
    t.equal(told((await subscription.next()).value as Notification), 1)
    await t.rejects(subscription.next(), { name: 'DecodeError' })
  })
  await t.test('a subscription that cannot be set up is closed', async t => {
    for (const method of ['join', 'start'] as const) {
      const transport = new ScriptedTransport({ failures: { [method]: new Error('no') } })
      const { signal } = new AbortController()
      t.throws(() => new NetlinkSubscription(transport, protocol, [1], signal), { message: 'no' })
      t.ok(transport.closed)
      t.equal(getEventListeners(signal, 'abort').length, 0)
    }
  })
})
