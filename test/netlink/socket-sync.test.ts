import t from 'tap'
import { NetlinkSocketSync } from '../../src/netlink/socket-sync.js'
import { SystemError } from '../../src/native/system-error.js'
import { acknowledgement, bytes, done, extAck, message, reply } from '../helpers/netlink-bytes.js'
import { add, getWidget, newWidget, protocol, request } from '../helpers/sample-protocol.js'
import { ScriptedTransport, type ScriptedTransportOptions } from '../helpers/scripted-transport.js'

const EEXIST = -17
const NLM_F_DUMP_INTR = 0x10

function open(options: ScriptedTransportOptions = {}): {
  transport: ScriptedTransport
  socket: NetlinkSocketSync
} {
  const transport = new ScriptedTransport(options)
  return { transport, socket: new NetlinkSocketSync(transport, protocol) }
}

const dumpAll = request(getWidget)
const widget = (wire: Uint8Array, flags = 0): Uint8Array =>
  reply(wire, { type: newWidget.type, flags }, Buffer.alloc(16))
const refuse = (wire: Uint8Array): Uint8Array[] => [acknowledgement(wire, EEXIST, extAck.message('exists'))]
const accept = (wire: Uint8Array): Uint8Array[] => [acknowledgement(wire)]

t.test('requests', async t => {
  t.same(open({ answer: accept }).socket.request(add(1)), [])
  t.throws(() => open({ answer: refuse }).socket.request(add(1)), { code: 'EEXIST', extack: 'exists' })
  const answered = open({ answer: wire => [widget(wire), acknowledgement(wire)] })
  t.equal(answered.socket.request(dumpAll).length, 1)
})

t.test('answers that come later, or belong to nobody', async t => {
  const { socket, transport } = open({
    answer: wire => [message({ type: 2, sequence: 99 }, Buffer.alloc(20)), widget(wire)],
  })
  transport.received.push(reply(new Uint8Array(16), { type: 2 }, Buffer.alloc(20)))
  const later = message({ type: 2, sequence: 1 }, Buffer.alloc(20))
  transport.received.push(later)
  t.equal(socket.request(add(1)).length, 1)
  t.equal(transport.received.length, 0)
})

t.test('batches', async t => {
  const requests = Array.from({ length: 130 }, (_, i) => add(i))
  const small = { answer: refuse, receiveBuffer: 1000 }
  const all = open(small)
  const results = all.socket.batch(requests)
  t.equal(all.transport.sent.length, 3)
  t.ok(results.every(({ error, sent }) => sent && error?.code === 'EEXIST'))
  const stopping = open(small)
  const stopped = stopping.socket.batch(requests, { onError: 'stop' })
  t.equal(stopping.transport.sent.length, 1)
  t.same(
    stopped.map(({ sent }) => sent),
    [...Array<boolean>(64).fill(true), ...Array<boolean>(66).fill(false)],
  )
})

t.test('dumps', async t => {
  const { socket, transport } = open({ answer: wire => [widget(wire), widget(wire)] })
  transport.received.push(bytes(message({ type: 3, flags: 2, sequence: 1 }, '00000000')))
  t.equal(socket.dump(dumpAll).length, 2, 'to NLMSG_DONE')
  const failing = open({ answer: wire => [widget(wire), done(wire, { errno: -16 })] })
  t.throws(() => failing.socket.dump(dumpAll), { code: 'EBUSY' })
  t.throws(() => open({ answer: refuse }).socket.dump(dumpAll), { code: 'EEXIST' })
})

t.test(
  'an acknowledgement alone ends a request, not a dump, and only the one that it belongs to',
  async t => {
    const { socket, transport } = open({ answer: accept })
    const end = bytes(message({ type: 3, flags: 2 }, '00000000'))
    transport.received.push(message({ type: newWidget.type }, Buffer.alloc(16)), end)
    t.equal(socket.dump(dumpAll).length, 1, 'a dump goes on to NLMSG_DONE')
    const late = open({ answer: () => [message({ type: 2, sequence: 99 }, Buffer.alloc(20))] })
    late.transport.received.push(message({ type: 2 }, Buffer.alloc(20)))
    t.same(late.socket.request(add(1)), [])
    t.same(late.transport.received, [], 'that of another request is passed over')
    const refused = open({ answer: wire => [acknowledgement(wire, EEXIST)] })
    t.throws(() => refused.socket.request(add(1)), { code: 'EEXIST' }, 'one with an errno is a refusal')
  },
)

t.test('interrupted dumps', async t => {
  let tries = 0
  const twice = open({
    answer: wire => [widget(wire), done(wire, { flags: ++tries < 3 ? NLM_F_DUMP_INTR : 0 })],
  })
  t.equal(twice.socket.dump(dumpAll).length, 1)
  t.equal(tries, 3)
  const always = open({ answer: wire => [widget(wire, NLM_F_DUMP_INTR), done(wire)] })
  t.throws(() => always.socket.dump(dumpAll), { name: 'DumpInterruptedError', partial: [{}] })
  t.equal(always.transport.sent.length, 10)
})

t.test('failures are those of the asynchronous form', async t => {
  const run = (failures: ScriptedTransportOptions['failures']): unknown =>
    open(failures ? { failures } : {}).socket.request(add(1))
  const failed = (errno: number, syscall: string): SystemError => new SystemError(errno, syscall)
  const timeout = failed(-110, 'recvfrom')
  t.throws(() => run({ exchangeSync: failed(-105, 'recvfrom'), receiveSync: timeout }), {
    name: 'NetlinkOverrunError',
  })
  t.throws(() => run({ exchangeSync: failed(-90, 'recvfrom') }), { name: 'NetlinkTruncatedError' })
  t.throws(() => run({ exchangeSync: failed(-90, 'sendto') }), { code: 'EMSGSIZE', syscall: 'sendto' })
  t.throws(() => run({ exchangeSync: timeout }), { code: 'ETIMEDOUT', syscall: 'recvfrom' })
  t.throws(
    () => run({ receiveSync: failed(-105, 'recvfrom') }),
    { name: 'NetlinkOverrunError' },
    'in a later receive',
  )
  t.throws(() => run({ exchangeSync: new Error('another') }), { message: 'another' })
  t.throws(() => open({ answer: () => [Buffer.alloc(32, 0xff)] }).socket.request(add(1)), {
    name: 'DecodeError',
  })
})

t.test('after an overrun the queue is read to its end: until then no answer would come', async t => {
  let full = true
  const answer = (wire: Uint8Array): Uint8Array[] => {
    if (full) throw new SystemError(-105, 'recvfrom')
    return [acknowledgement(wire)]
  }
  const { socket, transport } = open({ answer, failures: { receiveSync: new SystemError(-110, 'recvfrom') } })
  transport.received.push(Buffer.alloc(16), Buffer.alloc(16))
  t.throws(() => socket.request(add(1)), { code: 'ERR_NETLINK_OVERRUN' })
  t.same(transport.received, [])
  full = false
  t.same(socket.request(add(1)), [])
})

t.test('close', async t => {
  const { socket, transport } = open({ answer: accept })
  socket.close()
  socket.close()
  t.ok(socket.closed)
  t.ok(transport.closed)
  for (const call of [
    () => socket.request(add(1)),
    () => socket.batch([add(1)]),
    () => socket.dump(dumpAll),
  ]) {
    t.throws(call, { code: 'ERR_NETLINK_CLOSED' })
  }
  t.equal(transport.sent.length, 0)
  const other = new ScriptedTransport()
  {
    using used = new NetlinkSocketSync(other, protocol)
    t.notOk(used.closed)
  }
  t.ok(other.closed)
  const broken = new ScriptedTransport({ failures: { setSendBuffer: new Error('no') } })
  t.throws(() => new NetlinkSocketSync(broken, protocol), { message: 'no' })
  t.ok(broken.closed, 'a socket that cannot be set up is closed')
})

t.test('devices', async t => {
  t.equal(open({ devices: { lo: 1 } }).socket.devices.interfaceIndex('lo'), 1)
})
