import t from 'tap'
import {
  attributes,
  binary,
  ipAddress,
  nested,
  text,
  u16,
  u8,
  Writer,
  type Codec,
} from '../../../src/netlink/codec/index.js'
import { gearAttributes, partAttributes, widgetAttributes } from '../../helpers/sample-protocol.js'
import { decoded, encoded } from '../../helpers/coding.js'
import { attribute, bytes, u16 as hostU16, u32 as hostU32 } from '../../helpers/netlink-bytes.js'

const NLA_F_NESTED = 0x8000
const NLA_F_NET_BYTEORDER = 0x4000

const set = attributes({
  small: ['A_SMALL', 1, u8],
  name: ['A_NAME', 2, text],
  inner: ['A_INNER', 3, nested(partAttributes)],
  plain: ['A_PLAIN', 4, partAttributes],
  address: ['A_ADDRESS', 5, ipAddress],
})

t.test('length, type, content and pad', async t => {
  const wire = bytes(hostU16(5), hostU16(1), '07 000000', hostU16(8), hostU16(2), Buffer.from('eth\0'))
  t.same(encoded(set, { small: 7, name: 'eth' }), wire)
  t.same(decoded(set, wire), { small: 7, name: 'eth' })
})

t.test('the order of the keys, and of arrival', async t => {
  const wire = bytes(attribute(2, Buffer.from('b\0')), attribute(1, '01'))
  t.same(encoded(set, { name: 'b', small: 1 }), wire)
  t.same(Object.keys(decoded(set, wire)), ['name', 'small'])
  t.same(encoded(set, decoded(set, wire)), wire)
})

t.test('absent and undefined members are not put', async t => {
  t.same(encoded(set, { small: undefined }), bytes(''))
  t.same(decoded(set, bytes('')), {})
})

t.test('nested sets are marked where declared so', async t => {
  const part = attribute(2, hostU32(9))
  t.same(encoded(set, { inner: { weight: 9 } }), attribute(3 | NLA_F_NESTED, part))
  t.same(encoded(set, { plain: { weight: 9 } }), attribute(4, part))
  t.same(encoded(set, { plain: {} }), bytes(hostU16(4), hostU16(4)), 'an empty nest')
})

t.test('NLA_F_NESTED and NLA_F_NET_BYTEORDER are masked', async t => {
  const part = attribute(2 | NLA_F_NET_BYTEORDER, hostU32(9))
  for (const flags of [0, NLA_F_NESTED, NLA_F_NET_BYTEORDER, NLA_F_NESTED | NLA_F_NET_BYTEORDER]) {
    for (const [type, key] of [
      [3, 'inner'],
      [4, 'plain'],
    ] as const) {
      t.same(decoded(set, attribute(type | flags, part)), { [key]: { weight: 9 } })
    }
  }
})

t.test('unknown attributes are kept and put back, flags included', async t => {
  const wire = bytes(
    attribute(1, '01'),
    attribute(77, 'cafe'),
    attribute(78 | NLA_F_NESTED, attribute(1, '02')),
    attribute(79 | NLA_F_NET_BYTEORDER),
    attribute(2, Buffer.from('b\0')),
  )
  const value = decoded(set, wire)
  t.same(value, {
    small: 1,
    unknown: [
      { type: 77, bytes: bytes('cafe') },
      { type: 78, bytes: attribute(1, '02'), flags: NLA_F_NESTED },
      { type: 79, bytes: bytes(''), flags: NLA_F_NET_BYTEORDER },
    ],
    name: 'b',
  })
  t.same(encoded(set, value), wire)
  t.equal(value.unknown?.[0]?.bytes.buffer.byteLength, 2, 'not a view of the buffer')
})

t.test('of an attribute that comes twice, the last counts', async t => {
  t.same(decoded(set, bytes(attribute(1, '01'), attribute(2, '6200'), attribute(1, '02'))), {
    small: 2,
    name: 'b',
  })
})

t.test('a missing final pad, and fewer bytes than a header at the end', async t => {
  t.same(decoded(set, bytes(hostU16(5), hostU16(1), '07')), { small: 7 })
  t.same(decoded(set, bytes(hostU16(5), hostU16(1), '07 0000')), { small: 7 })
  t.same(decoded(set, bytes(attribute(1, '07'), 'ffffff')), { small: 7 })
})

t.test('a length shorter than the header does not loop', async t => {
  for (const length of [0, 1, 3]) {
    t.throws(() => decoded(set, bytes(attribute(1, '07'), hostU16(length), hostU16(2))), {
      code: 'ERR_NETLINK_DECODE',
      path: 'A_NAME',
      message: `A_NAME: an attribute of ${length} bytes is shorter than its header`,
    })
  }
})

t.test('a length beyond the end names the path', async t => {
  const cut = bytes(hostU16(9), hostU16(2), hostU32(1))
  t.throws(() => decoded(set, cut), {
    path: 'A_NAME',
    message: /of 9 bytes does not fit the 8 that are left$/,
  })
  t.throws(() => decoded(set, attribute(4, cut)), { code: 'ERR_NETLINK_DECODE', path: 'A_PLAIN.PART_WEIGHT' })
  t.throws(() => decoded(set, attribute(4, bytes(hostU16(9), hostU16(99), '00'))), {
    message: /^A_PLAIN\.attribute 99: /,
  })
  const options = bytes(attribute(1, Buffer.from('gear\0')), attribute(2, attribute(2, attribute(1, cut))))
  t.throws(() => decoded(widgetAttributes, options), {
    code: 'ERR_NETLINK_DECODE',
    path: 'WIDGET_OPTIONS.GEAR_PARTS.part[0].PART_WEIGHT',
  })
})

t.test('a content that cannot be is an error of its attribute', async t => {
  const error = t.throws(() => decoded(set, attribute(5, '0102'))) as Error
  t.match(error, { name: 'DecodeError', message: 'A_ADDRESS: an IP address has 4 or 16 bytes, not 2' })
  t.match(error.stack, /A_ADDRESS/, 'the stack, which is what gets printed, names it too')
})

t.test('what a codec throws that is no DecodeError is left as it is', async t => {
  const broken: Codec<never> = {
    put: () => undefined,
    get() {
      throw new Error('a bug')
    },
  }
  t.throws(() => decoded(attributes({ broken: ['BROKEN', 1, broken] }), attribute(1)), new Error('a bug'))
})

t.test('encoding errors say where', async t => {
  t.throws(() => encoded(set, { inner: { weight: -1 } }), {
    name: 'RangeError',
    message: 'A_INNER: PART_WEIGHT: -1 is not a u32: expected a whole number from 0 to 4294967295',
  })
  t.throws(() => encoded(gearAttributes, { parts: [{}, { kind: 'a\0' }] }), {
    name: 'TypeError',
    message: "GEAR_PARTS: part[1]: PART_KIND: 'a\\0' contains a NUL",
  })
  t.throws(() => encoded(set, { nmae: 'x' } as never), {
    message: "no attribute 'nmae' among small, name, inner, plain, address",
  })
  t.throws(() => encoded(set, { toString: 'x' } as never), { message: /^no attribute 'toString'/ })
})

t.test('64 KiB is the longest', async t => {
  const big = attributes({ data: ['DATA', 1, binary], next: ['NEXT', 2, u16] })
  const data = new Uint8Array(0xffff - 4).fill(1)
  t.same(decoded(big, encoded(big, { data, next: 5 })), { data, next: 5 })
  t.throws(() => encoded(big, { data: new Uint8Array(0xffff - 3) }), {
    name: 'RangeError',
    message: "DATA: an attribute of 65536 bytes is longer than netlink's 65535",
  })
})

t.test('one attribute of a set', async t => {
  const writer = new Writer()
  set.putOne(writer, 'small', 3, {})
  t.same(writer.bytes(), attribute(1, '03'))
  t.equal(set.members.nameOf(2), 'A_NAME')
  t.equal(set.members.nameOf(99), undefined)
})
