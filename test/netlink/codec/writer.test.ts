import t from 'tap'
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
