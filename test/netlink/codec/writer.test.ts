import t from 'tap'
import { littleEndian } from '../../../src/netlink/codec/byte-order.js'
import { align, Writer } from '../../../src/netlink/codec/index.js'

t.test('alignment', async t => {
  t.same([0, 1, 2, 3, 4, 5].map(align), [0, 4, 4, 4, 4, 8])
  t.equal(align(0xffff_ffff), 0x1_0000_0000, 'beyond 31 bits')
  t.equal(align(0x8000_0001), 0x8000_0004)
})

t.test('reserved bytes are zero, whatever was there', async t => {
  const writer = new Writer(8)
  writer.append(new Uint8Array(8).fill(0xff))
  writer.truncate(2)
  t.equal(writer.reserve(3), 2)
  writer.pad()
  t.same(writer.bytes(), [0xff, 0xff, 0, 0, 0, 0, 0, 0])
})

t.test('it grows, and keeps what is there', async t => {
  const writer = new Writer(1)
  const before = writer.view
  for (let i = 1; i <= 1000; i++) writer.append(Uint8Array.of(i & 255, 0xff))
  t.not(writer.view, before)
  t.equal(writer.length, 2000)
  t.equal(writer.view.getUint8(1998), 1000 & 255)
  writer.truncate(0)
  writer.reserve(4000)
  t.ok(writer.bytes().every(byte => byte === 0))
})

t.test('bytes are those written so far', async t => {
  const writer = new Writer(0)
  t.same(writer.bytes(), [])
  writer.append(Uint8Array.of(1, 2, 3))
  t.same(writer.bytes(1), [2, 3])
})

t.test('headers are in the byte order of the host, and survive that it grows', async t => {
  const writer = new Writer(17)
  const message = writer.reserve(16)
  const attribute = writer.beginAttribute()
  writer.append(Uint8Array.of(1, 2, 3, 4, 5))
  writer.endAttribute(attribute, 0x8007)
  t.equal(writer.length, 28, 'padded')
  writer.endMessage(message, 44, 0x605, 0xf0000001)
  const u16 = (at: number) => writer.view.getUint16(at, littleEndian)
  const u32 = (at: number) => writer.view.getUint32(at, littleEndian)
  t.same([u32(0), u16(4), u16(6), u32(8), u32(12)], [28, 44, 0x605, 0xf0000001, 0], 'struct nlmsghdr')
  t.same([u16(16), u16(18)], [9, 0x8007], 'struct nlattr')

  writer.reserve(1)
  const long = writer.beginAttribute()
  t.equal(long, 32, 'attributes begin at multiples of 4')
  writer.append(new Uint8Array(0xfffc))
  t.throws(() => writer.endAttribute(long, 1), { name: 'RangeError', message: /an attribute of 65536 bytes/ })
})
