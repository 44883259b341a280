import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import {
  array,
  be16,
  be32,
  chars,
  list,
  reserved,
  s16,
  struct,
  structWithTail,
  u16,
  u32,
  u64,
  u8,
} from '../../../src/netlink/codec/index.js'
import { selector } from '../../helpers/sample-protocol.js'
import { decoded, encoded } from '../../helpers/coding.js'
import { bytes, u16 as hostU16, u32 as hostU32 } from '../../helpers/netlink-bytes.js'

const inner = struct({ a: u8, b: u16 })
const mixed = struct({
  byte: u8,
  long: u64,
  half: u16,
  inner,
  row: array(u32, 3),
  name: chars(5),
  spare: reserved(2),
  last: u8,
})

t.test("layout is C's", async t => {
  const source = `
    #include <stddef.h>
    #include <stdint.h>
    #include <stdio.h>
    struct inner { uint8_t a; uint16_t b; };
    struct mixed { uint8_t byte; uint64_t lng; uint16_t half; struct inner inner; uint32_t row[3]; char name[5];
                   uint8_t spare[2]; uint8_t last; };
    #define AT(member) (int)offsetof(struct mixed, member)
    int main() {
      printf("{\\"byte\\":%d,\\"long\\":%d,\\"half\\":%d,\\"inner\\":%d,\\"row\\":%d,\\"name\\":%d,\\"spare\\":%d,\\"last\\":%d,"
             "\\"size\\":%d,\\"alignment\\":%d,\\"innerSize\\":%d}",
             AT(byte), AT(lng), AT(half), AT(inner), AT(row), AT(name), AT(spare), AT(last),
             (int)sizeof(struct mixed), (int)_Alignof(struct mixed), (int)sizeof(struct inner));
    }`
  const directory = t.testdir({ 'layout.c': source })
  const program = join(directory, 'layout')
  const compiled = spawnSync('cc', ['-o', program, join(directory, 'layout.c')], { encoding: 'utf8' })
  t.equal(compiled.status, 0, `compiles ${compiled.stderr}`)
  const { size, alignment, innerSize, ...offsets } = JSON.parse(
    spawnSync(program, { encoding: 'utf8' }).stdout,
  ) as Record<string, number>
  t.same(mixed.offsets, offsets)
  t.equal(mixed.size, size)
  t.equal(mixed.alignment, alignment)
  t.equal(inner.size, innerSize)
})

t.test('bytes', async t => {
  const value = { byte: 1, long: 2n, half: 3, inner: { a: 4, b: 5 }, row: [6, 7, 8], name: 'nine', last: 10 }
  const wire = encoded(mixed, value)
  t.equal(wire.length, mixed.size)
  t.same(decoded(mixed, wire), value)
  const { byte = 0, half = 0, row = 0, spare = 0 } = mixed.offsets
  t.equal(wire[byte], 1)
  t.same(wire.subarray(half, half + 2), hostU16(3))
  t.same(wire.subarray(row, row + 12), bytes(hostU32(6), hostU32(7), hostU32(8)))
  t.same(wire.subarray(spare, spare + 2), bytes('0000'), 'reserved bytes are zero')
  t.notOk('spare' in decoded(mixed, wire.fill(0xff)), 'and what lies in them is not in the value')
})

t.test('members that are left out, padding and reserved bytes are zero', async t => {
  t.same(encoded(mixed, {}), new Uint8Array(mixed.size))
  t.same(encoded(mixed, { row: [1] }).filter(byte => byte !== 0).length, 1, 'a short array')
})

t.test('a short struct is zero-filled', async t => {
  t.same(decoded(struct({ a: be16, b: be32, c: u8 }), bytes('0102 0000 0304')), {
    a: 0x0102,
    b: 0x0304_0000,
    c: 0,
  })
  t.same(decoded(inner, bytes('')), { a: 0, b: 0 })
})

t.test('surplus bytes are kept and put back', async t => {
  const wire = bytes('07 00', hostU16(9), 'cafe 01')
  const value = decoded(inner, wire)
  t.same(value, { a: 7, b: 9, surplus: bytes('cafe 01') })
  t.same(encoded(inner, value), wire)
})

t.test('an error says which member', async t => {
  t.throws(() => encoded(mixed, { inner: { b: 70_000 } }), {
    name: 'RangeError',
    message: 'inner: b: 70000 is not a u16: expected a whole number from 0 to 65535',
    cause: { message: /^70000 is not a u16/ },
  })
  t.throws(() => encoded(mixed, { row: [1, 2, 3, 4] }), {
    message: 'row: 4 elements do not fit an array of 3',
  })
  t.throws(() => encoded(mixed, { row: [1, -2] }), { message: /^row: \[1\]: -2 is not a u32/ })
})

t.test('a list fills what there is', async t => {
  const codec = list(struct({ a: be16, b: s16 }))
  t.same(decoded(codec, bytes('0001 0000 0002 0000')), [
    { a: 1, b: 0 },
    { a: 2, b: 0 },
  ])
  t.same(decoded(codec, bytes('0001 0000 00')), [{ a: 1, b: 0 }], 'a part of an element is dropped')
  t.same(decoded(codec, bytes('')), [])
  t.same(encoded(codec, [{ a: 1 }, { a: 2 }]), bytes('0001 0000 0002 0000'))
})

t.test('a struct with a tail', async t => {
  const value = { flags: 1, nkeys: 2, mask: 3, offset: 0, off: 4, keys: [{ mask: 5 }, { value: 6 }] }
  const wire = encoded(selector, value)
  t.same(
    wire,
    bytes('0102 0000 00000003 0000 0004', '00000005 00000000 00000000', '00000000 00000006 00000000'),
  )
  t.match(decoded(selector, wire), value)
  t.same(decoded(selector, wire.subarray(0, 6)), { flags: 1, nkeys: 2, mask: 0, offset: 0, off: 0, keys: [] })
  t.same(encoded(structWithTail(inner, 'rest', u8), { a: 1 }), bytes('0100 0000'), 'no tail')
})
