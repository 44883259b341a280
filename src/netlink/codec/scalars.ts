import { littleEndian } from './byte-order.js'
import { big, whole } from '../../input/index.js'
import { fixed, type Codec, type FixedCodec } from './codec.js'

/*
 * Byte order is part of the type: u16, u32, u64 and their signed forms are in host order, be16, be32 and be64 in
 * network order. 64-bit values are bigints. Nothing wraps: a value out of range is refused with a RangeError.
 */

/** A number that DataView reads and writes. */
function integer(
  name: string,
  size: 1 | 2 | 4,
  accessor: 'Uint8' | 'Int8' | 'Uint16' | 'Int16' | 'Uint32' | 'Int32',
  [min, max]: readonly [number, number],
  littleEndian = false,
): FixedCodec<number> {
  const [get, set] = [`get${accessor}`, `set${accessor}`] as const
  return {
    ...fixed(
      size,
      size,
      (view, at) => view[get](at, littleEndian),
      (view, at, value) => {
        if (!(Number.isInteger(value) && value >= min && value <= max)) {
          throw new RangeError(
            `${String(value)} is not a ${name}: expected a whole number from ${min} to ${max}`,
          )
        }
        view[set](at, value, littleEndian)
      },
    ),
    scalar: { get, set, min, max, littleEndian },
    input: whole(min, max),
  }
}

const U8 = [0, 0xff] as const
const S8 = [-0x80, 0x7f] as const
const U16 = [0, 0xffff] as const
const S16 = [-0x8000, 0x7fff] as const
const U32 = [0, 0xffff_ffff] as const
const S32 = [-0x8000_0000, 0x7fff_ffff] as const

export const u8 = integer('u8', 1, 'Uint8', U8)
export const s8 = integer('s8', 1, 'Int8', S8)
export const u16 = integer('u16', 2, 'Uint16', U16, littleEndian)
export const s16 = integer('s16', 2, 'Int16', S16, littleEndian)
export const be16 = integer('be16', 2, 'Uint16', U16)
export const u32 = integer('u32', 4, 'Uint32', U32, littleEndian)
export const s32 = integer('s32', 4, 'Int32', S32, littleEndian)
export const be32 = integer('be32', 4, 'Uint32', U32)

function wide(name: string, value: bigint, min: bigint, max: bigint): bigint {
  if (typeof value === 'bigint' && value >= min && value <= max) return value
  throw new RangeError(`${String(value)} is not a ${name}: expected a bigint from ${min} to ${max}`)
}

function wideInteger(
  name: string,
  accessor: 'BigUint64' | 'BigInt64',
  [min, max]: readonly [bigint, bigint],
  littleEndian = false,
): FixedCodec<bigint> {
  const [get, set] = [`get${accessor}`, `set${accessor}`] as const
  return {
    ...fixed<bigint>(
      8,
      8,
      (view, at) => view[get](at, littleEndian),
      (view, at, value) => view[set](at, wide(name, value, min, max), littleEndian),
    ),
    input: big(min, max),
  }
}

const U64 = [0n, 0xffff_ffff_ffff_ffffn] as const
const S64 = [-0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn] as const

export const u64 = wideInteger('u64', 'BigUint64', U64, littleEndian)
export const s64 = wideInteger('s64', 'BigInt64', S64, littleEndian)
export const be64 = wideInteger('be64', 'BigUint64', U64)

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
