import { getEventListeners } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { NetlinkSocket } from '../../src/netlink/socket.js'
import { acknowledgement, bytes, extAck, message, reply } from '../helpers/netlink-bytes.js'
import { add, getWidget, newWidget, protocol, request } from '../helpers/sample-protocol.js'
import { ScriptedTransport, type ScriptedTransportOptions } from '../helpers/scripted-transport.js'

const EEXIST = -17
const ENOBUFS = -105
const EMSGSIZE = -90
const NLM_F_ACK = 4

function open(options: ScriptedTransportOptions = {}): {
  transport: ScriptedTransport
  socket: NetlinkSocket
} {
  const transport = new ScriptedTransport(options)
  return { transport, socket: new NetlinkSocket(transport, protocol) }
}

/** ifindex of a widget request: what a scripted kernel goes by. */
const indexOf = (wire: Uint8Array): number =>
  new Int32Array(Uint8Array.from(wire.subarray(20, 24)).buffer)[0] ?? 0
const asksForAck = (wire: Uint8Array): boolean =>
  ((wire[6] ?? 0) & NLM_F_ACK) !== 0 || ((wire[7] ?? 0) & NLM_F_ACK) !== 0

/** A kernel that refuses widgets with an odd index, and acknowledges where it is asked to. */
const refusesOdd = (wire: Uint8Array): Uint8Array[] => {
  if (indexOf(wire) % 2 === 1)
    return [acknowledgement(wire, EEXIST, extAck.message(`widget ${indexOf(wire)} exists`))]
  return asksForAck(wire) ? [acknowledgement(wire)] : []
}

t.test('a request that is carried out', async t => {
  const { socket, transport } = open({ answer: refusesOdd })
  t.same(await socket.request(add(2)), [])
  t.equal(transport.sent.length, 1)
})

t.test('a request that is refused', async t => {
  const { socket } = open({ answer: refusesOdd })
  await t.rejects(socket.request(add(3)), {
    name: 'NetlinkError',
    code: 'EEXIST',
    extack: 'widget 3 exists',
    message: 'RTM_NEWWIDGET failed: EEXIST, widget 3 exists\n  equivalent command: widget add 3',
  })
})

t.test('a request that is answered', async t => {
  const answer = (wire: Uint8Array): Uint8Array[] => [
    reply(wire, { type: newWidget.type }, Buffer.alloc(16)),
    acknowledgement(wire),
  ]
  const { socket } = open({ answer })
  const replies = await socket.request(request(getWidget))
  t.equal(replies.length, 1)
  t.match(replies[0]?.decode(newWidget), { index: 0, attributes: {} })
})

t.test('a batch says what became of each message', async t => {
  const { socket, transport } = open({ answer: refusesOdd })
  const results = await socket.batch([add(0), add(1), add(2), add(3), add(4)])
  t.equal(transport.sent.length, 1, 'one sendmsg')
  t.equal(transport.messages.filter(asksForAck).length, 1, 'one ACK')
  t.same(
    results.map(({ error }) => error?.extack),
    [undefined, 'widget 1 exists', undefined, 'widget 3 exists', undefined],
  )
  t.ok(results.every(({ sent }) => sent))
  t.same(await socket.batch([]), [])
})

t.test('a batch whose last message is refused', async t => {
  const { socket } = open({ answer: refusesOdd })
  const results = await socket.batch([add(0), add(1)])
  t.same(
    results.map(({ error }) => error?.code),
    [undefined, 'EEXIST'],
  )
})

t.test('answers of a batch go to the message they belong to', async t => {
  const answer = (wire: Uint8Array): Uint8Array[] => [
    ...Array.from({ length: indexOf(wire) }, () => reply(wire, { type: newWidget.type }, Buffer.alloc(16))),
    ...refusesOdd(wire),
  ]
  const { socket } = open({ answer })
  const results = await socket.batch([add(2), add(0), add(1)])
  t.same(
    results.map(({ replies }) => replies.length),
    [2, 0, 1],
  )
})

t.test("the kernel's remark on a message that it carried out", async t => {
  const answer = (wire: Uint8Array): Uint8Array[] => [acknowledgement(wire, 0, extAck.message('Deprecated'))]
  const { socket } = open({ answer })
  t.match(await socket.batch([add(2)]), [{ warning: 'Deprecated', error: undefined }])
})

t.test('a batch too large for one sendmsg', async t => {
  // 64 messages are the least that a part may have.
  const requests = Array.from({ length: 130 }, (_, i) => add(i === 70 ? 1 : 2 * i))
  const small = { answer: refusesOdd, receiveBuffer: 1000 }
  await t.test('goes on at an error by default', async t => {
    const { socket, transport } = open(small)
    const results = await socket.batch(requests)
    t.same(
      transport.sent.map(({ bytes: { length } }) => length / 32),
      [64, 64, 2],
    )
    t.same(
      results.flatMap(({ error }, i) => (error ? [i] : [])),
      [70],
    )
    t.ok(results.every(({ sent }) => sent))
  })
  await t.test('or stops', async t => {
    const { socket, transport } = open(small)
    const results = await socket.batch(requests, { onError: 'stop' })
    t.equal(transport.sent.length, 2)
    t.equal(results.length, 130)
    t.same(
      results.map(({ sent }) => sent),
      [...Array<boolean>(128).fill(true), false, false],
    )
    t.same(results.at(-1), { replies: [], sent: false })
  })
  await t.test('is split by bytes too, within what the kernel grants', async t => {
    const { socket, transport } = open({ answer: refusesOdd, sendBuffer: 32 * 100 + 32 })
    await socket.batch(requests.slice(0, 120).map((_, i) => add(2 * i)))
    t.same(
      transport.sent.map(({ bytes: { length } }) => length / 32),
      [100, 20],
    )
  })
})

t.test('nothing is sent of a batch with a message that cannot be encoded', async t => {
  const { socket, transport } = open({ answer: refusesOdd })
  await t.rejects(socket.batch([add(2), add(2 ** 40)]), {
    name: 'RangeError',
    message: /^RTM_NEWWIDGET: index: /,
  })
  t.equal(transport.sent.length, 0)
  t.same(await socket.request(add(2)), [], 'and the socket goes on')
})

t.test('several calls at once, answered in any order', async t => {
  const { socket, transport } = open()
  const calls = [socket.request(add(2)), socket.batch([add(4), add(6)]), socket.request(add(8))]
  await turn()
  const [first, second, third, fourth] = transport.messages as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  transport.deliver({ chunk: bytes(acknowledgement(fourth), acknowledgement(second, EEXIST)) })
  transport.deliver({ chunk: acknowledgement(first) })
  t.equal((await calls[0])?.length, 0)
  transport.deliver({ chunk: acknowledgement(third) })
  t.match(await calls[1], [{ error: { code: 'EEXIST' } }, {}])
  t.same(await calls[2], [])
})

t.test('answers to unknown sequence numbers, and NLMSG_NOOP, are passed over', async t => {
  const { socket, transport } = open()
  const call = socket.request(add(2))
  await turn()
  const [sent] = transport.messages as [Uint8Array]
  const stranger = message({ type: 2, sequence: 0xdead }, Buffer.alloc(20, 0xff))
  const noop = reply(sent, { type: 1 })
  transport.deliver({ chunk: bytes(stranger, message({ type: newWidget.type, sequence: 0 }), noop) })
  t.ok(transport.referenced, 'still waiting')
  transport.deliver({ chunk: acknowledgement(sent) })
  t.same(await call, [])
})

t.test('it keeps the process alive while calls are under way', async t => {
  const { socket, transport } = open()
  t.notOk(transport.referenced)
  const calls = [socket.request(add(2)), socket.request(add(4))]
  await turn()
  t.ok(transport.referenced)
  transport.deliver({ chunk: acknowledgement(transport.messages[0]!) })
  t.ok(transport.referenced)
  transport.deliver({ chunk: acknowledgement(transport.messages[1]!) })
  t.notOk(transport.referenced)
  await Promise.all(calls)
})

t.test('failures', async t => {
  await t.test('of sendto: of this call only', async t => {
    const { socket, transport } = open()
    const calls = [socket.request(add(2)), socket.request(add(4))]
    await turn()
    transport.deliver({ token: transport.sent[0]!.token, sendErrno: EMSGSIZE })
    await t.rejects(calls[0]!, { name: 'SystemError', code: 'EMSGSIZE', syscall: 'sendto' })
    transport.deliver({ chunk: acknowledgement(transport.messages[1]!) })
    t.same(await calls[1], [])
    transport.deliver({ token: 4711, sendErrno: EMSGSIZE })
  })
  await t.test('of send() itself', async t => {
    const { socket, transport } = open({ failures: { send: new Error('no memory') } })
    await t.rejects(socket.request(add(2)), { message: 'no memory' })
    t.notOk(transport.referenced, 'nothing is waited for')
  })
  await t.test('ENOBUFS: all calls, for nobody knows whose answer was lost', async t => {
    const { socket, transport } = open()
    const calls: Promise<unknown>[] = [socket.request(add(2)), socket.batch([add(4)])]
    await turn()
    transport.deliver({ receiveErrno: ENOBUFS })
    for (const call of calls)
      await t.rejects(call, { name: 'NetlinkOverrunError', code: 'ERR_NETLINK_OVERRUN' })
    const next = socket.request(add(6))
    await turn()
    transport.deliver({ chunk: bytes(...transport.messages.map(each => acknowledgement(each))) })
    t.same(await next, [], 'and the socket goes on')
  })
  await t.test('answers that arrived before an overrun count', async t => {
    const { socket, transport } = open()
    const calls = [socket.request(add(2)), socket.request(add(4))]
    await turn()
    transport.deliver({ chunk: acknowledgement(transport.messages[0]!), receiveErrno: ENOBUFS })
    t.same(await calls[0], [])
    await t.rejects(calls[1]!, { code: 'ERR_NETLINK_OVERRUN' })
  })
  await t.test('a datagram that was cut', async t => {
    const { socket, transport } = open()
    const call = socket.request(add(2))
    await turn()
    transport.deliver({ receiveErrno: EMSGSIZE })
    await t.rejects(call, { name: 'NetlinkTruncatedError', code: 'ERR_NETLINK_TRUNCATED' })
    t.notOk(socket.closed)
  })
  await t.test('any other failure of recvfrom ends the socket: no answer would come any more', async t => {
    const { socket, transport } = open()
    const call = socket.request(add(2))
    await turn()
    transport.deliver({ receiveErrno: -12 })
    await t.rejects(call, { name: 'SystemError', code: 'ENOMEM', syscall: 'recvfrom' })
    t.ok(transport.closed)
    t.ok(socket.closed)
    await t.rejects(socket.request(add(2)), { code: 'ERR_NETLINK_CLOSED' })
  })
  await t.test('garbage', async t => {
    const { socket, transport } = open()
    const call = socket.request(add(2))
    await turn()
    transport.deliver({ chunk: Buffer.alloc(32, 0xff) })
    await t.rejects(call, { name: 'DecodeError' })
    t.notOk(transport.referenced)
    const next = socket.request(add(2))
    await turn()
    transport.deliver({ chunk: acknowledgement(transport.messages[1]!) })
    t.same(await next, [])
  })
})

t.test('abort', async t => {
  const reason = new Error('enough')
  await t.test('before: nothing is sent', async t => {
    const { socket, transport } = open()
    await t.rejects(socket.request(add(2), { signal: AbortSignal.abort(reason) }), reason)
    t.equal(transport.sent.length, 0)
  })
  await t.test('during: the call ends at once, its answer is passed over', async t => {
    const { socket, transport } = open()
    const controller = new AbortController()
    const call = socket.request(add(2), { signal: controller.signal })
    await turn()
    controller.abort(reason)
    await t.rejects(call, reason)
    t.same(getEventListeners(controller.signal, 'abort'), [], 'no listener is left')
    transport.deliver({ chunk: acknowledgement(transport.messages[0]!, EEXIST) })
    t.notOk(transport.referenced)
  })
  await t.test('after', async t => {
    const { socket } = open({ answer: refusesOdd })
    const controller = new AbortController()
    t.same(await socket.request(add(2), { signal: controller.signal }), [])
    await t.rejects(socket.request(add(3), { signal: controller.signal }), { code: 'EEXIST' })
    t.same(getEventListeners(controller.signal, 'abort'), [])
    controller.abort()
  })
  await t.test('between the parts of a batch: no further part is sent', async t => {
    const controller = new AbortController()
    const answer = (wire: Uint8Array): Uint8Array[] => {
      if (asksForAck(wire)) controller.abort(reason)
      return refusesOdd(wire)
    }
    const { socket, transport } = open({ answer, receiveBuffer: 1000 })
    await t.rejects(
      socket.batch(
        Array.from({ length: 130 }, (_, i) => add(2 * i)),
        { signal: controller.signal },
      ),
      reason,
    )
    await turn()
    t.equal(transport.sent.length, 1)
  })
  await t.test('one signal for very many calls does not warn', async t => {
    const { socket } = open({ answer: refusesOdd })
    const warnings: Error[] = []
    const listen = (warning: Error): void => void warnings.push(warning)
    process.on('warning', listen)
    const { signal } = new AbortController()
    await Promise.all(Array.from({ length: 100 }, (_, i) => socket.request(add(2 * i), { signal })))
    await turn()
    process.off('warning', listen)
    t.same(warnings, [])
  })
})

t.test('close', async t => {
  await t.test('settles every call, and those to come', async t => {
    const { socket, transport } = open()
    const calls: Promise<unknown>[] = [
      socket.request(add(2)),
      socket.batch([add(4)]),
      socket.dump(request(getWidget)).next(),
    ]
    const { signal } = new AbortController()
    calls.push(socket.request(add(2), { signal }), socket.dump(request(getWidget), { signal }).next())
    await turn()
    socket.close()
    for (const call of calls)
      await t.rejects(call, { name: 'NetlinkClosedError', code: 'ERR_NETLINK_CLOSED' })
    t.ok(transport.closed)
    const late = [
      () => socket.request(add(2)),
      () => socket.batch([]),
      () => socket.dump(request(getWidget)).next(),
    ]
    for (const call of late) {
      await t.rejects<unknown>(call(), { code: 'ERR_NETLINK_CLOSED' })
    }
    socket.close()
  })
  await t.test('await using', async t => {
    const transport = new ScriptedTransport()
    {
      await using socket = new NetlinkSocket(transport, protocol)
      t.notOk(socket.closed)
    }
    t.ok(transport.closed)
  })
  await t.test('a socket that cannot be set up is closed', async t => {
    for (const method of ['setSendBuffer', 'start'] as const) {
      const transport = new ScriptedTransport({ failures: { [method]: new Error('no') } })
      t.throws(() => new NetlinkSocket(transport, protocol), { message: 'no' })
      t.ok(transport.closed)
    }
  })
})

t.test('sequence numbers are never 0 and go on from call to call', async t => {
  const { socket, transport } = open({ answer: refusesOdd })
  await socket.request(add(2))
  await socket.batch([add(2), add(4)])
  await socket.request(add(2))
  t.same(
    transport.messages.map(wire => new Uint32Array(Uint8Array.from(wire.subarray(8, 12)).buffer)[0]),
    [1, 2, 3, 4],
  )
})

t.test('devices are those of its namespace', async t => {
  const { socket } = open({ devices: { eth0: 7 } })
  t.equal(socket.devices.interfaceIndex('eth0'), 7)
  t.equal(socket.devices.interfaceName(7), 'eth0')
})
