import t from 'tap'
import { MadeRequest, messagesIn } from '../../src/netlink/message.js'
import { packRequests, RequestBuffer, type SendLimits } from '../../src/netlink/request-buffer.js'
import { add } from '../helpers/sample-protocol.js'

const NLM_F_REQUEST = 1
const NLM_F_ACK = 4
const SMALL = 32
const many = (count: number): ReturnType<typeof add>[] => Array.from({ length: count }, (_, i) => add(i))
/** A request of this many bytes more than the smallest. */
const large = (more: number): ReturnType<typeof add> => add(0, { data: new Uint8Array(more - 4) })
const limits = (bytes: number, messages = 1000): SendLimits => ({ bytes, messages })

t.test('sequence numbers are consecutive, and the last message asks for an ACK', async t => {
  const buffer = new RequestBuffer(10)
  for (const each of many(3)) buffer.add({ ...each, flags: 0x600 })
  t.match(
    [...messagesIn(buffer.finish())].map(({ sequence, flags }) => ({ sequence, flags })),
    [
      { sequence: 10, flags: 0x600 | NLM_F_REQUEST },
      { sequence: 11, flags: 0x600 | NLM_F_REQUEST },
      { sequence: 12, flags: 0x600 | NLM_F_REQUEST | NLM_F_ACK },
    ],
  )
  t.equal(buffer.length, 3 * SMALL)
  t.equal([...messagesIn(buffer.message(1))][0]?.sequence, 11)
})

t.test('parts by bytes', async t => {
  const parts = packRequests(many(10), limits(3 * SMALL), 1)
  t.same(
    parts.map(({ count }) => count),
    [3, 3, 3, 1],
  )
  t.same(
    parts.map(({ firstSequence }) => firstSequence),
    [1, 4, 7, 10],
  )
  for (const part of parts) {
    const messages = [...messagesIn(part.finish())]
    t.equal(messages.filter(({ flags }) => flags & NLM_F_ACK).length, 1, 'each with its own ACK')
  }
  t.same(
    packRequests(many(10), limits(3 * SMALL + SMALL - 1), 1).map(({ count }) => count),
    [3, 3, 3, 1],
  )
})

t.test('parts by messages', async t => {
  t.same(
    packRequests(many(10), limits(1e6, 4), 1).map(({ count }) => count),
    [4, 4, 2],
  )
  t.same(
    packRequests(many(8), limits(1e6, 4), 1).map(({ count }) => count),
    [4, 4],
  )
  t.same(
    packRequests(many(2), limits(1e6, 1), 1).map(({ count }) => count),
    [1, 1],
  )
})

t.test('a large message among small ones', async t => {
  const requests = [add(1), large(68), add(2), add(3)]
  t.same(
    packRequests(requests, limits(100), 1).map(({ length }) => length),
    [SMALL, 100, 2 * SMALL],
  )
})

t.test('no requests, no parts', async t => {
  t.same(packRequests([], limits(100), 1), [])
})

t.test('a message over the limit is refused, wherever it stands', async t => {
  for (const requests of [
    [large(72)],
    [add(1), large(72)],
    [add(1), large(72), add(2)],
    [large(72), add(1)],
  ]) {
    t.throws(() => packRequests(requests, limits(100), 1), {
      name: 'RangeError',
      message: 'RTM_NEWWIDGET of 104 bytes is over the limit of 100',
    })
  }
})

t.test('a request that a caller made is checked, among those that verbs made too', async t => {
  const { type, flags, body } = add(1)
  const made = new MadeRequest(type, flags, body)
  t.equal(packRequests([made, add(2)], limits(1000), 1)[0]?.count, 2)
  const misspelt = { ...add(2), flag: 0x600 } as unknown as ReturnType<typeof add>
  t.throws(() => packRequests([made, misspelt], limits(1000), 1), {
    name: 'TypeError',
    message: "NetlinkSocket.batch: unknown 'flag': expected",
  })
})
