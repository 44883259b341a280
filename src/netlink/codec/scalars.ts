import { littleEndian } from './byte-order.js'
import { fixed, type Codec, type FixedCodec } from './codec.js'

/*
 * Byte order is part of the type: u16, u32, u64 and their signed forms are in host order, be16, be32 and be64 in
 * network order. 64-bit values are bigints. Nothing wraps: a value out of range is refused with a RangeError.
 */

/** Number or bigint, by the type of the limits. */
function integer<T extends number | bigint>(
  name: string,
  size: number,
  [min, max]: readonly [T, T],
  read: (view: DataView, at: number) => T,
  write: (view: DataView, at: number, value: T) => void,
): FixedCodec<T> {
  const wide = typeof min === 'bigint'
  const expected = `a ${wide ? 'bigint' : 'whole number'} from ${min} to ${max}`
  return fixed(size, size, read, (view, at, value) => {
    const whole = wide ? typeof value === 'bigint' : Number.isInteger(value)
    if (!whole || value < min || value > max) {
      throw new RangeError(`${String(value)} is not a ${name}: expected ${expected}`)
    }
    write(view, at, value)
  })
}

const U8 = [0, 0xff] as const
const S8 = [-0x80, 0x7f] as const
const U16 = [0, 0xffff] as const
const S16 = [-0x8000, 0x7fff] as const
const U32 = [0, 0xffff_ffff] as const
const S32 = [-0x8000_0000, 0x7fff_ffff] as const
const U64 = [0n, 0xffff_ffff_ffff_ffffn] as const
const S64 = [-0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn] as const

export const u8 = integer<number>(
  'u8',
  1,
  U8,
  (view, at) => view.getUint8(at),
  (view, at, v) => view.setUint8(at, v),
)
export const s8 = integer<number>(
  's8',
  1,
  S8,
  (view, at) => view.getInt8(at),
  (view, at, v) => view.setInt8(at, v),
)
export const u16 = integer<number>(
  'u16',
  2,
  U16,
  (view, at) => view.getUint16(at, littleEndian),
  (view, at, v) => view.setUint16(at, v, littleEndian),
)
export const s16 = integer<number>(
  's16',
  2,
  S16,
  (view, at) => view.getInt16(at, littleEndian),
  (view, at, v) => view.setInt16(at, v, littleEndian),
)
export const be16 = integer<number>(
  'be16',
  2,
  U16,
  (view, at) => view.getUint16(at),
  (view, at, v) => view.setUint16(at, v),
)
export const u32 = integer<number>(
  'u32',
  4,
  U32,
  (view, at) => view.getUint32(at, littleEndian),
  (view, at, v) => view.setUint32(at, v, littleEndian),
)
export const s32 = integer<number>(
  's32',
  4,
  S32,
  (view, at) => view.getInt32(at, littleEndian),
  (view, at, v) => view.setInt32(at, v, littleEndian),
)
export const be32 = integer<number>(
  'be32',
  4,
  U32,
  (view, at) => view.getUint32(at),
  (view, at, v) => view.setUint32(at, v),
)
export const u64 = integer<bigint>(
  'u64',
  8,
  U64,
  (view, at) => view.getBigUint64(at, littleEndian),
  (view, at, v) => view.setBigUint64(at, v, littleEndian),
)
export const s64 = integer<bigint>(
  's64',
  8,
  S64,
  (view, at) => view.getBigInt64(at, littleEndian),
  (view, at, v) => view.setBigInt64(at, v, littleEndian),
)
export const be64 = integer<bigint>(
  'be64',
  8,
  U64,
  (view, at) => view.getBigUint64(at),
  (view, at, v) => view.setBigUint64(at, v),
)

/** NLA_UINT: 4 bytes where they are enough, else 8 (nla_put_uint, include/net/netlink.h). */
export const uint: Codec<bigint> = {
  put(writer, value) {
    if (value >= 0n && value <= 0xffff_ffffn) u32.put(writer, Number(value))
    else u64.put(writer, value)
  },
  get: (view, at, end) => (end - at < u64.size ? BigInt(u32.get(view, at, end)) : u64.get(view, at, end)),
}

/** `count` bytes that carry nothing: zero on encode, dropped on decode. */
export const reserved = (count: number): FixedCodec<undefined> =>
  fixed(
    count,
    1,
    () => undefined,
    () => undefined,
  )
