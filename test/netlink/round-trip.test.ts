import fc from 'fast-check'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { messagesIn, type Request } from '../../src/netlink/message.js'
import { RequestBuffer } from '../../src/netlink/request-buffer.js'
import { newWidget, widgetBody } from '../helpers/sample-protocol.js'
import { decoded, encoded } from '../helpers/coding.js'

const whole = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max })
const record = <T>(members: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(members, { noNullPrototype: true })
const u8 = whole(0, 0xff)
const u16 = whole(0, 0xffff)
const u32 = whole(0, 0xffff_ffff)
const s16 = whole(-0x8000, 0x7fff)
const s32 = whole(-0x8000_0000, 0x7fff_ffff)
const bytes = fc.uint8Array({ maxLength: 40 })
/** Well-formed text without NUL, in any script. */
const text = fc.string({ unit: 'grapheme', maxLength: 20 }).filter(value => !value.includes('\0'))
const some = <T>(members: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> =>
  fc.record(members, { requiredKeys: [], noNullPrototype: true }) as fc.Arbitrary<Partial<T>>

/** As URLs have them, which is as RFC 5952 does, mapped IPv4 addresses apart. */
const ipV6 = fc
  .ipV6()
  .map(address => new URL(`http://[${address}]`).hostname.slice(1, -1))
  .filter(address => !address.startsWith('::ffff:'))

const unknown = fc.array(
  fc.record(
    { type: whole(100, 0x3fff), bytes, flags: fc.constantFrom(0x8000, 0x4000, 0xc000) },
    { requiredKeys: ['type', 'bytes'], noNullPrototype: true },
  ),
  { minLength: 1, maxLength: 3 },
)

const part = some({ kind: text, weight: u32, tag: text, unknown })

const selector = record({
  flags: u8,
  nkeys: u8,
  mask: u32,
  offset: s16,
  off: u16,
  keys: fc.array(record({ mask: u32, value: u32, at: s32 }), { maxLength: 4 }),
})

const gear = some({ teeth: u32, parts: fc.array(part, { maxLength: 3 }), selector, unknown })

const kindAndOptions = fc.oneof(
  record({ kind: fc.constant('gear'), options: gear }),
  record({ kind: fc.constant('lever'), options: fc.array(u16, { maxLength: 5 }) }),
  record({ kind: fc.constantFrom('wheel', '', 'toString', '__proto__'), options: bytes }),
)

const others = some({
  address: fc.oneof(fc.ipV4(), ipV6),
  lladdr: fc
    .array(u8, { maxLength: 20 })
    .map(all => all.map(byte => byte.toString(16).padStart(2, '0')).join(':')),
  counter: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  parts: fc.array(part, { maxLength: 3 }),
  loud: fc.constant(true as const),
  data: bytes,
  unknown,
})

/** Attributes in an order of their own, kind before options. */
const attributes = fc
  .tuple(fc.option(kindAndOptions, { nil: {} }), others, fc.boolean())
  .map(([kind, rest, first]) => (first ? { ...kind, ...rest } : { ...rest, ...kind }))

const widget = record({
  family: u8,
  index: s32,
  label: fc.stringMatching(/^[a-z]{0,5}$/),
  info: u16,
  attributes,
})

t.test('what is encoded is decoded again', async () => {
  fc.assert(
    fc.property(widget, value => {
      const wire = encoded(widgetBody, value as never)
      const read = decoded(widgetBody, wire)
      const same = isDeepStrictEqual(read, value)
      const order = Object.keys(read.attributes).join() === Object.keys(value.attributes).join()
      return same && order && Buffer.from(encoded(widgetBody, read)).equals(wire)
    }),
    { numRuns: 2000 },
  )
})

t.test('and so are many in one buffer', async () => {
  fc.assert(
    fc.property(fc.array(widget, { maxLength: 10 }), u32, (values, sequence) => {
      const buffer = new RequestBuffer(sequence, 16)
      for (const body of values) buffer.add({ type: newWidget, flags: 0, body } as unknown as Request<never>)
      const read = [...messagesIn(Uint8Array.from(buffer.finish()))]
      return (
        read.length === values.length &&
        read.every((message, i) => message.sequence === (sequence + i) % 2 ** 32) &&
        read.every((message, i) => isDeepStrictEqual(message.decode(newWidget), values[i]))
      )
    }),
    { numRuns: 300 },
  )
})
