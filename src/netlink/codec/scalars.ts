import { littleEndian } from './byte-order.js'
import { fixed, type Codec, type FixedCodec } from './codec.js'

/*
 * Byte order is part of the type: u16, u32, u64 and their signed forms are in host order, be16, be32 and be64 in
 * network order. 64-bit values are bigints. Nothing wraps: a value out of range is refused with a RangeError.
 */

const integer = <T>(
  size: number,
  read: (view: DataView, at: number) => T,
  write: (view: DataView, at: number, value: T) => void,
): FixedCodec<T> => fixed(size, size, read, write)

function whole(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new RangeError(`${String(value)} is not a ${name}: expected a whole number from ${min} to ${max}`)
}

function wide(name: string, value: bigint, min: bigint, max: bigint): bigint {
  if (typeof value === 'bigint' && value >= min && value <= max) return value
  throw new RangeError(`${String(value)} is not a ${name}: expected a bigint from ${min} to ${max}`)
}

export const u8 = integer<number>(
  1,
  (view, at) => view.getUint8(at),
  (view, at, v) => view.setUint8(at, whole('u8', v, 0, 0xff)),
)
export const s8 = integer<number>(
  1,
  (view, at) => view.getInt8(at),
  (view, at, v) => view.setInt8(at, whole('s8', v, -0x80, 0x7f)),
)
export const u16 = integer<number>(
  2,
  (view, at) => view.getUint16(at, littleEndian),
  (view, at, v) => view.setUint16(at, whole('u16', v, 0, 0xffff), littleEndian),
)
export const s16 = integer<number>(
  2,
  (view, at) => view.getInt16(at, littleEndian),
  (view, at, v) => view.setInt16(at, whole('s16', v, -0x8000, 0x7fff), littleEndian),
)
export const be16 = integer<number>(
  2,
  (view, at) => view.getUint16(at),
  (view, at, v) => view.setUint16(at, whole('be16', v, 0, 0xffff)),
)
export const u32 = integer<number>(
  4,
  (view, at) => view.getUint32(at, littleEndian),
  (view, at, v) => view.setUint32(at, whole('u32', v, 0, 0xffff_ffff), littleEndian),
)
export const s32 = integer<number>(
  4,
  (view, at) => view.getInt32(at, littleEndian),
  (view, at, v) => view.setInt32(at, whole('s32', v, -0x8000_0000, 0x7fff_ffff), littleEndian),
)
export const be32 = integer<number>(
  4,
  (view, at) => view.getUint32(at),
  (view, at, v) => view.setUint32(at, whole('be32', v, 0, 0xffff_ffff)),
)

const U64_MAX = 0xffff_ffff_ffff_ffffn
const S64_MIN = -0x8000_0000_0000_0000n
const S64_MAX = 0x7fff_ffff_ffff_ffffn

export const u64 = integer<bigint>(
  8,
  (view, at) => view.getBigUint64(at, littleEndian),
  (view, at, v) => view.setBigUint64(at, wide('u64', v, 0n, U64_MAX), littleEndian),
)
export const s64 = integer<bigint>(
  8,
  (view, at) => view.getBigInt64(at, littleEndian),
  (view, at, v) => view.setBigInt64(at, wide('s64', v, S64_MIN, S64_MAX), littleEndian),
)
export const be64 = integer<bigint>(
  8,
  (view, at) => view.getBigUint64(at),
  (view, at, v) => view.setBigUint64(at, wide('be64', v, 0n, U64_MAX)),
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
export const reserved = (count: number): FixedCodec<undefined> => ({
  ...fixed(
    count,
    1,
    () => undefined,
    () => undefined,
  ),
  reserved: true,
})
