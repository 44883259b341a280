import t from 'tap'
import { binary, struct, u16, u8, Writer, attributes } from '../../src/netlink/codec/index.js'
import { messagesIn, putMessage, type Request } from '../../src/netlink/message.js'
import { messageBody, messagesByType } from '../../src/netlink/message-type.js'
import { add, newWidget, widgetBody, widgetHeader } from '../helpers/sample-protocol.js'
import { attribute, bytes, message, u16 as hostU16, u32 as hostU32 } from '../helpers/netlink-bytes.js'
import { decoded, encoded } from '../helpers/coding.js'

t.test('nlmsghdr', async t => {
  const writer = new Writer()
  writer.append(bytes('ffffffff'))
  const at = putMessage(writer, { ...add(7), flags: 0x605 }, 0x01020304)
  t.equal(at, 4)
  const header = bytes(
    hostU32(16 + widgetHeader.size),
    hostU16(16),
    hostU16(0x605),
    hostU32(0x01020304),
    hostU32(0),
  )
  t.same(writer.bytes(4).subarray(0, 16), header)
  writer.addMessageFlags(at, 0x8)
  t.same(writer.bytes(4).subarray(6, 8), hostU16(0x60d))
})

t.test('header and attributes', async t => {
  const value = { family: 1, index: -2, label: 'ab', info: 3, attributes: { kind: 'x', loud: true as const } }
  const wire = bytes(
    '01 000000',
    hostU32(-2),
    Buffer.from('ab\0\0\0\0'),
    hostU16(3),
    attribute(1, '7800'),
    attribute(7),
  )
  t.same(encoded(widgetBody, value), wire)
  t.same(decoded(widgetBody, wire), value)
  t.same(encoded(widgetBody, {}), new Uint8Array(widgetHeader.size), 'all of it can be left out')
})

t.test('a header whose size is no multiple of 4 is padded, as struct rtgenmsg', async t => {
  const body = messageBody(struct({ family: u8 }), attributes({ a: ['A', 1, u16] }))
  const wire = bytes('02 000000', attribute(1, hostU16(5)))
  t.same(encoded(body, { family: 2, attributes: { a: 5 } }), wire)
  t.same(decoded(body, wire), { family: 2, attributes: { a: 5 } })
  for (const short of ['', '02', '02 00']) {
    t.same(
      decoded(body, bytes(short)),
      { family: short === '' ? 0 : 2, attributes: {} },
      `${short.length / 2} bytes`,
    )
  }
})

t.test('messages in a datagram', async t => {
  const datagram = bytes(
    message({ type: 16, flags: 2, sequence: 5 }, 'aabbcc'),
    message({ type: 3, sequence: 6 }),
    message({ type: 17, sequence: 7 }, 'dd'),
  )
  const found = [...messagesIn(datagram)]
  t.match(found, [
    { type: 16, flags: 2, sequence: 5, portId: 0 },
    { type: 3, sequence: 6 },
    { type: 17, sequence: 7 },
  ])
  t.same(
    found.map(({ payload }) =>
      bytes(new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength)).toString('hex'),
    ),
    ['aabbcc', '', 'dd'],
  )
  t.equal([...messagesIn(datagram.subarray(0, datagram.length - 3))].length, 3, 'a missing final pad')
  t.equal([...messagesIn(bytes(datagram, '1000'))].length, 3, 'less than a header at the end')
  t.same([...messagesIn(bytes(''))], [])
})

t.test('lengths that cannot be', async t => {
  const first = message({ type: 16 })
  for (const length of [0, 1, 15]) {
    t.throws(() => [...messagesIn(bytes(first, hostU32(length), Buffer.alloc(12)))], {
      code: 'ERR_NETLINK_DECODE',
      message: `a message of ${length} bytes is shorter than its header`,
    })
  }
  for (const length of [17, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff]) {
    t.throws(() => [...messagesIn(bytes(first, hostU32(length), Buffer.alloc(12)))], {
      message: `a message of ${length} bytes does not fit the 16 that were received`,
    })
  }
})

t.test('decoding stays inside the message, and its errors begin with its name', async t => {
  const cut = bytes(Buffer.alloc(widgetHeader.size), hostU16(12), hostU16(5), hostU32(0))
  const [first] = messagesIn(bytes(message({ type: 16 }, cut), message({ type: 16 }, 'ffffffffffffffff')))
  t.throws(() => first?.decode(newWidget), {
    path: 'RTM_NEWWIDGET.WIDGET_COUNTER',
    message: 'RTM_NEWWIDGET.WIDGET_COUNTER: an attribute of 12 bytes does not fit the 8 that are left',
  })
})

t.test('a message that cannot be encoded leaves nothing behind', async t => {
  const writer = new Writer(16)
  putMessage(writer, add(1), 1)
  const before = Uint8Array.from(writer.bytes())
  t.throws(() => putMessage(writer, add(2, { kind: 'x', counter: -1n }), 2), {
    name: 'RangeError',
    message: /^RTM_NEWWIDGET: WIDGET_COUNTER: -1 is not a u64/,
  })
  t.same(writer.bytes(), before)
  const after = new Writer()
  putMessage(writer, add(3), 3)
  putMessage(after, add(3), 3)
  t.same(writer.bytes(before.length), after.bytes(), 'and no old bytes in the next')
})

t.test('message types by number', async t => {
  const type = { name: 'X', type: 5, body: binary }
  t.equal(messagesByType(type, newWidget).get(5), type)
  const writer = new Writer()
  putMessage(writer, { type, flags: 0, body: bytes('aa') } as unknown as Request<never>, 1)
  t.equal(writer.length, 20)
  t.same(writer.bytes().subarray(0, 4), hostU32(20), 'the length counts the final pad')
})
