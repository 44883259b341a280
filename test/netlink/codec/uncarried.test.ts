import t from 'tap'
import {
  attributes,
  binary,
  numbered,
  reported,
  struct,
  u16,
  u32,
  uncarried,
} from '../../../src/netlink/codec/index.js'
import { messagesIn } from '../../../src/netlink/message.js'
import { messageBody } from '../../../src/netlink/message-type.js'
import { attribute, bytes, message, u32 as hostU32 } from '../../helpers/netlink-bytes.js'

const inner = attributes({ size: ['INNER_SIZE', 1, u32], limits: ['INNER_LIMITS', 2, uncarried(u16)] })
const body = messageBody(
  struct({ index: u32 }),
  attributes({
    inner: ['A_INNER', 1, inner],
    many: ['A_MANY', 2, numbered('part', inner)],
    counters: ['A_COUNTERS', 3, reported(inner)],
    program: ['A_PROGRAM', 4, uncarried(binary)],
    limits: ['A_LIMITS', 5, struct({ rate: u32, burst: u32 })],
    moments: ['A_MOMENTS', 6, reported(struct({ created: u32 }))],
  }),
)
const type = { name: 'RTM_NEWTHING', type: 16, body }

/** What is not carried of a message with these attributes. */
function uncarriedOf(...content: Uint8Array[]): string[] {
  const [first] = messagesIn(message({ type: 16 }, hostU32(7), ...content))
  return first?.decodeObject(type).uncarried ?? ['no message']
}

t.test('what is declared and carried is not named', async t => {
  t.strictSame(uncarriedOf(attribute(1, attribute(1, hostU32(5)))), [])
})

t.test('what is marked, and what is not declared, by its path', async t => {
  t.strictSame(uncarriedOf(attribute(4, '01')), ['A_PROGRAM'])
  t.strictSame(uncarriedOf(attribute(9, '01')), ['attribute 9'])
  t.strictSame(uncarriedOf(attribute(1, attribute(1, hostU32(5)), attribute(2, '0100'))), [
    'A_INNER.INNER_LIMITS',
  ])
  t.strictSame(
    uncarriedOf(attribute(2, attribute(1, attribute(3, '01')), attribute(2, attribute(3, '02')))),
    ['A_MANY.part[0].attribute 3', 'A_MANY.part[1].attribute 3'],
  )
  t.strictSame(uncarriedOf(attribute(4, '01'), attribute(9, '01'), attribute(4, '02')), [
    'A_PROGRAM',
    'attribute 9',
  ])
})

t.test('a marked attribute without content is named, a pad is not', async t => {
  t.strictSame(uncarriedOf(attribute(4)), ['A_PROGRAM'])
  t.strictSame(uncarriedOf(attribute(9)), [])
})

t.test('what newer kernels add to what only reports is passed over', async t => {
  t.strictSame(uncarriedOf(attribute(3, attribute(9, '01'), attribute(2, '0100'))), [])
})

t.test('what is marked is kept in the body, and an error ends the noting', async t => {
  const [first] = messagesIn(message({ type: 16 }, hostU32(7), attribute(4, '01')))
  t.match(first?.decode(type), { index: 7, attributes: { program: bytes('01') } })
  const [broken] = messagesIn(message({ type: 16 }, hostU32(7), attribute(9, '01'), '03000100'))
  t.throws(() => broken?.decodeObject(type), { name: 'DecodeError' })
  t.strictSame(uncarriedOf(attribute(1)), [])
})

t.test('a struct that a newer kernel has made longer, unless it only reports', async t => {
  const [rate, burst, peak] = [hostU32(1), hostU32(2), hostU32(3)]
  t.strictSame(uncarriedOf(attribute(5, rate)), [], 'an older kernel')
  t.strictSame(uncarriedOf(attribute(5, rate, burst)), [])
  t.strictSame(uncarriedOf(attribute(5, rate, burst, peak)), ['A_LIMITS'])
  t.strictSame(uncarriedOf(attribute(6, rate, burst)), [])
})
