import t from 'tap'
import type { FixedCodec } from '../../../src/netlink/codec/index.js'
import * as scalars from '../../../src/netlink/codec/scalars.js'
import { bytes } from '../../helpers/netlink-bytes.js'
import { decoded, encoded } from '../../helpers/coding.js'

type Scalar = FixedCodec<number | bigint>
type Name = Exclude<keyof typeof scalars, 'reserved' | 'uint'>

/** Per scalar: its bytes on a little-endian and on a big-endian machine, the value they stand for, and the limits. */
const cases: Record<
  Name,
  [little: string, big: string, value: number | bigint, min: number | bigint, max: number | bigint]
> = {
  u8: ['fe', 'fe', 254, 0, 255],
  s8: ['fe', 'fe', -2, -128, 127],
  u16: ['0180', '8001', 0x8001, 0, 65535],
  s16: ['0180', '8001', -0x7fff, -32768, 32767],
  be16: ['8001', '8001', 0x8001, 0, 65535],
  u32: ['04030280', '80020304', 0x80020304, 0, 2 ** 32 - 1],
  s32: ['feffffff', 'fffffffe', -2, -(2 ** 31), 2 ** 31 - 1],
  be32: ['80020304', '80020304', 0x80020304, 0, 2 ** 32 - 1],
  u64: ['0100000000000080', '8000000000000001', 0x8000_0000_0000_0001n, 0n, 2n ** 64n - 1n],
  s64: ['feffffffffffffff', 'fffffffffffffffe', -2n, -(2n ** 63n), 2n ** 63n - 1n],
  be64: ['8000000000000001', '8000000000000001', 0x8000_0000_0000_0001n, 0n, 2n ** 64n - 1n],
}

/** What src/netlink/codec/byte-order.ts looks at, as it is on such a machine. */
const firstByte = (littleEndian: boolean) =>
  class extends Uint16Array {
    override get buffer() {
      return Uint8Array.from(littleEndian ? [1, 0] : [0, 1]).buffer
    }
  }

/** The module as it is on such a machine, whatever this one is. */
async function scalarsOf(littleEndian: boolean): Promise<Record<Name, unknown>> {
  const another = `../../../src/netlink/codec/scalars.js?${littleEndian ? 'little' : 'big'}`
  const here = globalThis.Uint16Array
  globalThis.Uint16Array = firstByte(littleEndian)
  try {
    return (await import(another)) as Record<Name, unknown>
  } finally {
    globalThis.Uint16Array = here
  }
}

for (const littleEndian of [true, false]) {
  t.test(`on a ${littleEndian ? 'little' : 'big'}-endian machine`, async t => {
    const all = await scalarsOf(littleEndian)
    for (const [name, [little, big, value]] of Object.entries(cases)) {
      const codec = all[name as Name] as Scalar
      const expected = bytes(littleEndian ? little : big)
      t.same(encoded(codec, value), expected, `${name} to bytes`)
      t.equal(decoded(codec, expected), value, `${name} from bytes`)
      t.equal(codec.size, expected.length, `sizeof ${name}`)
      t.equal(codec.alignment, expected.length, `_Alignof ${name}`)
    }
  })
}

t.test('limits', async t => {
  for (const [name, [, , , min, max]] of Object.entries(cases)) {
    const codec = scalars[name as Name] as Scalar
    const one = typeof max === 'bigint' ? 1n : 1
    for (const value of [min, max]) t.equal(decoded(codec, encoded(codec, value)), value, `${name} ${value}`)
    for (const value of [(min as number) - (one as number), (max as number) + (one as number)]) {
      t.throws(() => encoded(codec, value), {
        name: 'RangeError',
        message: new RegExp(`^${value} is not a ${name}: `),
      })
    }
  }
})

t.test('what is no integer is refused in words', async t => {
  t.throws(
    () => encoded(scalars.u8, 1.5),
    new RangeError('1.5 is not a u8: expected a whole number from 0 to 255'),
  )
  t.throws(() => encoded(scalars.u32, NaN), { message: /^NaN is not a u32/ })
  t.throws(() => encoded(scalars.u32, '5' as unknown as number), { message: /^5 is not a u32/ })
  t.throws(() => encoded(scalars.u64, 5 as unknown as bigint), {
    message: /^5 is not a u64: expected a bigint from 0/,
  })
  t.throws(() => encoded(scalars.u32, 5n as unknown as number), { message: /^5 is not a u32/ })
})

t.test('short input reads as if followed by zeros, surplus is left', async t => {
  const little = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1
  t.equal(decoded(scalars.u32, bytes('01 02')), little ? 0x0201 : 0x0102_0000)
  t.equal(decoded(scalars.be32, bytes('01 02')), 0x0102_0000)
  t.equal(decoded(scalars.be16, bytes('01 02 03 04')), 0x0102)
  t.equal(decoded(scalars.u64, bytes('')), 0n)
})

t.test('NLA_UINT takes 4 bytes where they are enough', async t => {
  t.same(encoded(scalars.uint, 0xffff_ffffn), bytes('ffffffff'))
  t.same(encoded(scalars.uint, 1n << 32n), encoded(scalars.u64, 1n << 32n))
  for (const value of [0n, 0xffff_ffffn, 1n << 32n, (1n << 64n) - 1n]) {
    t.equal(decoded(scalars.uint, encoded(scalars.uint, value)), value)
  }
  t.equal(decoded(scalars.uint, bytes('')), 0n)
  for (const value of [-1n, 1n << 64n]) {
    t.throws(() => encoded(scalars.uint, value), { name: 'RangeError', message: /is not a u64/ })
  }
})
