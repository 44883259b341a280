import t from 'tap'
import { readAcknowledgement, type Acknowledgement } from '../../src/netlink/ext-ack.js'
import { messagesIn } from '../../src/netlink/message.js'
import {
  acknowledgement,
  bytes,
  done,
  extAck,
  message,
  u32,
  uncappedRefusal,
} from '../helpers/netlink-bytes.js'

const request = message({ type: 16, sequence: 5 }, 'aabbccddee')

function read(wire: Uint8Array): Acknowledgement {
  const [first] = messagesIn(wire)
  if (!first) throw new Error('no message')
  return readAcknowledgement(first)
}

const EINVAL = -22

t.test('a bare errno', async t => {
  t.same(read(acknowledgement(request)), { errno: 0, extAck: {} })
  t.same(read(acknowledgement(request, EINVAL)), { errno: EINVAL, extAck: {} })
  t.same(read(uncappedRefusal(request, EINVAL)), { errno: EINVAL, extAck: {} })
  t.same(read(done(request)), { errno: 0, extAck: {} })
  t.same(read(done(request, { errno: EINVAL })), { errno: EINVAL, extAck: {} })
})

t.test('attributes behind a capped and behind a whole quote', async t => {
  const attributes = [extAck.message('No such thing'), extAck.offset(36)]
  const expected = { errno: EINVAL, extAck: { message: 'No such thing', offset: 36 } }
  t.same(read(acknowledgement(request, EINVAL, ...attributes)), expected)
  t.same(read(uncappedRefusal(request, EINVAL, ...attributes)), expected)
  t.same(read(done(request, { errno: EINVAL }, ...attributes)), expected)
})

t.test('attributes of a success, which quotes the header only', async t => {
  const expected = { errno: 0, extAck: { message: 'Deprecated' } }
  t.same(read(acknowledgement(request, 0, extAck.message('Deprecated'))), expected)
  const NLM_F_ACK_TLVS = 0x200
  const uncapped = message(
    { type: 2, flags: NLM_F_ACK_TLVS },
    u32(0),
    request.subarray(0, 16),
    extAck.message('Deprecated'),
  )
  t.same(read(uncapped), expected)
  t.same(read(done(request, {}, extAck.message('Deprecated'))), expected)
})

t.test('what is too short, or claims too much, is no error', async t => {
  const NLM_F_ACK_TLVS = 0x200
  for (const length of [0, 3, 4, 7, 8, 19]) {
    const payload = bytes(u32(EINVAL), u32(0xffff_ffff), Buffer.alloc(12)).subarray(0, length)
    const errno = length >= 4 ? EINVAL : 0
    for (const type of [2, 3]) {
      for (const flags of [0, NLM_F_ACK_TLVS]) {
        const [first] = messagesIn(message({ type, flags }, payload))
        if (type === 3 && flags !== 0 && length > 4) continue
        t.same(first && readAcknowledgement(first), { errno, extAck: {} }, `${length} bytes`)
      }
    }
  }
  for (const quoted of [0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff]) {
    const wire = message({ type: 2, flags: NLM_F_ACK_TLVS }, u32(EINVAL), u32(quoted), Buffer.alloc(64, 0xff))
    t.same(read(wire), { errno: EINVAL, extAck: {} }, `a quote of ${quoted} bytes`)
  }
})
