import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { NetlinkSocket } from '../../src/netlink/socket.js'
import { acknowledgement, bytes, done, extAck, reply } from '../helpers/netlink-bytes.js'
import { getWidget, newWidget, protocol, request } from '../helpers/sample-protocol.js'
import { ScriptedTransport, type ScriptedTransportOptions } from '../helpers/scripted-transport.js'

const EBUSY = -16
const NLM_F_MULTI = 2
const NLM_F_DUMP_INTR = 0x10
const NLM_F_DUMP = 0x300

function open(options: ScriptedTransportOptions = {}): {
  transport: ScriptedTransport
  socket: NetlinkSocket
} {
  const transport = new ScriptedTransport(options)
  return { transport, socket: new NetlinkSocket(transport, protocol) }
}

const dumpAll = request(getWidget)
const widgets = (wire: Uint8Array, count: number, flags = 0): Uint8Array[] =>
  Array.from({ length: count }, () =>
    reply(wire, { type: newWidget.type, flags: NLM_F_MULTI | flags }, Buffer.alloc(16)),
  )

async function count(messages: AsyncIterator<unknown>): Promise<number> {
  let counted = 0
  while (!(await messages.next()).done) counted++
  return counted
}

t.test('messages until NLMSG_DONE', async t => {
  const { socket, transport } = open({ answer: wire => [...widgets(wire, 3), done(wire)] })
  const indexes: unknown[] = []
  for await (const message of socket.dump(dumpAll)) indexes.push(message.decode(newWidget).index)
  t.same(indexes, [0, 0, 0])
  const flags = new Uint16Array(Uint8Array.from(transport.messages[0]!.subarray(6, 8)).buffer)[0] ?? 0
  t.equal(flags & NLM_F_DUMP, NLM_F_DUMP)
  t.notOk(transport.referenced)
})

t.test('an empty table', async t => {
  const { socket } = open({ answer: wire => [done(wire)] })
  t.equal(await count(socket.dump(dumpAll)), 0)
})

t.test('in many pieces, with an ACK among them', async t => {
  const { socket, transport } = open()
  const counted = count(socket.dump(dumpAll))
  await turn()
  const [sent] = transport.messages as [Uint8Array]
  transport.deliver({ chunk: bytes(acknowledgement(sent), ...widgets(sent, 2)) })
  transport.deliver({ chunk: bytes(...widgets(sent, 2)) })
  t.ok(transport.referenced)
  transport.deliver({ chunk: done(sent) })
  t.equal(await counted, 4)
})

t.test('a large one does not hold the event loop', async t => {
  const { socket } = open({ answer: wire => [...widgets(wire, 1000), done(wire)] })
  let turns = 0
  let counting = true
  const tick = (): void => {
    turns++
    if (counting) setImmediate(tick)
  }
  setImmediate(tick)
  t.equal(await count(socket.dump(dumpAll)), 1000)
  counting = false
  t.ok(turns >= 7, `${turns} turns of the loop`)
})

t.test('refused at once', async t => {
  const { socket } = open({ answer: wire => [acknowledgement(wire, EBUSY, extAck.message('Try later'))] })
  await t.rejects(count(socket.dump(dumpAll)), {
    name: 'NetlinkError',
    code: 'EBUSY',
    request: 'RTM_GETWIDGET',
    extack: 'Try later',
  })
})

t.test('an errno in NLMSG_DONE', async t => {
  const { socket } = open({
    answer: wire => [...widgets(wire, 1), done(wire, { errno: EBUSY }, extAck.message('Too bad'))],
  })
  await t.rejects(count(socket.dump(dumpAll)), { name: 'NetlinkError', code: 'EBUSY', extack: 'Too bad' })
})

t.test('interrupted', async t => {
  await t.test('it is read to the end, then repeated', async t => {
    const { socket, transport } = open()
    const counted = count(socket.dump(dumpAll))
    await turn()
    const [first] = transport.messages as [Uint8Array]
    transport.deliver({ chunk: bytes(...widgets(first, 1, NLM_F_DUMP_INTR), ...widgets(first, 2)) })
    await turn()
    t.equal(transport.sent.length, 1, 'not before its end')
    transport.deliver({ chunk: done(first) })
    await turn()
    t.equal(transport.sent.length, 2)
    const second = transport.messages[1]!
    transport.deliver({ chunk: bytes(...widgets(second, 1), done(second)) })
    t.equal(await counted, 1, 'what the interrupted try gave is dropped')
  })
  await t.test('the flag on NLMSG_DONE alone', async t => {
    let tries = 0
    const answer = (wire: Uint8Array): Uint8Array[] => [
      ...widgets(wire, 2),
      done(wire, { flags: ++tries < 3 ? NLM_F_DUMP_INTR : 0 }),
    ]
    const { socket, transport } = open({ answer })
    t.equal(await count(socket.dump(dumpAll)), 2)
    t.equal(transport.sent.length, 3)
  })
  await t.test('each time', async t => {
    const { socket, transport } = open({ answer: wire => [...widgets(wire, 2, NLM_F_DUMP_INTR), done(wire)] })
    const error = (await t.rejects(count(socket.dump(dumpAll)), {
      name: 'DumpInterruptedError',
      code: 'ERR_NETLINK_DUMP_INTERRUPTED',
      message: 'RTM_GETWIDGET: the tables changed during each of 10 dumps (NLM_F_DUMP_INTR); see partial',
    })) as unknown as { partial: unknown[] }
    t.equal(error.partial.length, 2)
    t.equal(transport.sent.length, 10)
  })
})

t.test('one at a time', async t => {
  const { socket, transport } = open()
  const counted = [count(socket.dump(dumpAll)), count(socket.dump(dumpAll))]
  await turn()
  t.equal(transport.sent.length, 1)
  transport.deliver({ chunk: done(transport.messages[0]!, { errno: EBUSY }) })
  await t.rejects(counted[0]!, { code: 'EBUSY' })
  await turn()
  t.equal(transport.sent.length, 2, 'also after one that failed')
  transport.deliver({ chunk: done(transport.messages[1]!) })
  t.equal(await counted[1], 0)
})

t.test('a dump that is never read asks for nothing', async t => {
  const { socket, transport } = open()
  socket.dump(dumpAll)
  await turn()
  t.equal(transport.sent.length, 0)
})

t.test('abort', async t => {
  const reason = new Error('enough')
  await t.test('before', async t => {
    const { socket, transport } = open()
    await t.rejects(count(socket.dump(dumpAll, { signal: AbortSignal.abort(reason) })), reason)
    await turn()
    t.equal(transport.sent.length, 0)
  })
  await t.test('in flight: the next dump waits until the kernel is through with it', async t => {
    const { socket, transport } = open()
    const controller = new AbortController()
    const aborted = count(socket.dump(dumpAll, { signal: controller.signal }))
    await turn()
    controller.abort(reason)
    await t.rejects(aborted, reason, 'it ends at once')
    const next = count(socket.dump(dumpAll))
    await turn()
    t.equal(transport.sent.length, 1)
    const [first] = transport.messages as [Uint8Array]
    transport.deliver({ chunk: bytes(...widgets(first, 2, NLM_F_DUMP_INTR)) })
    await turn()
    t.equal(transport.sent.length, 1)
    transport.deliver({ chunk: done(first) })
    await turn()
    t.equal(transport.sent.length, 2, 'it is not repeated, though interrupted')
    const second = transport.messages[1]!
    transport.deliver({ chunk: bytes(...widgets(second, 3), done(second)) })
    t.equal(await next, 3)
  })
  await t.test('while it waits for another: it is never sent', async t => {
    const { socket, transport } = open()
    const controller = new AbortController()
    const first = count(socket.dump(dumpAll))
    const second = count(socket.dump(dumpAll, { signal: controller.signal }))
    await turn()
    controller.abort(reason)
    await t.rejects(second, reason)
    transport.deliver({ chunk: done(transport.messages[0]!) })
    t.equal(await first, 0)
    await turn()
    t.equal(transport.sent.length, 1)
  })
  await t.test('after, and while the messages are read', async t => {
    const { socket } = open({ answer: wire => [...widgets(wire, 3), done(wire)] })
    const controller = new AbortController()
    const messages = socket.dump(dumpAll, { signal: controller.signal })
    t.notOk((await messages.next()).done)
    controller.abort(reason)
    t.equal(await count(messages), 2, 'all of it was there already')
  })
})

t.test('leaving the loop early leaves the socket usable', async t => {
  const { socket } = open({ answer: wire => [...widgets(wire, 300), done(wire)] })
  for await (const message of socket.dump(dumpAll)) {
    t.equal(message.type, newWidget.type)
    break
  }
  t.equal(await count(socket.dump(dumpAll)), 300)
})

t.test('a table with more entries than wanted is not kept, and the socket goes on', async t => {
  const { socket, transport } = open()
  const dumping = socket.dump(dumpAll, { maxMessages: 3 }).next()
  await turn()
  const first = transport.messages.at(-1)!
  transport.deliver({ chunk: bytes(...widgets(first, 4)) })
  transport.deliver({ chunk: bytes(...widgets(first, 2), done(first)) })
  await t.rejects(dumping, { code: 'ERR_NETLINK_DUMP_TOO_LARGE', message: /more than 3 messages/ })
  const counted = count(socket.dump(dumpAll, { maxMessages: 3 }))
  await turn()
  const second = transport.messages.at(-1)!
  transport.deliver({ chunk: bytes(...widgets(second, 3), done(second)) })
  t.equal(await counted, 3, 'control: as many as may be')
})

t.test('a signal ends the reading of what has arrived', async t => {
  const { socket } = open({ answer: wire => [...widgets(wire, 1000), done(wire)] })
  const stop = new AbortController()
  const dumping = socket.dump(dumpAll, { signal: stop.signal })
  await dumping.next()
  stop.abort(new Error('enough'))
  await t.rejects(count(dumping), { message: 'enough' })
})
