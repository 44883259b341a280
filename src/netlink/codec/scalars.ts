import { littleEndian } from './byte-order.js'
import { fixed, type FixedCodec } from './codec.js'

/*
 * Byte order is part of the type: u16, u32, u64 and their signed forms are in host order, be16, be32 and be64 in
 * network order. 64-bit values are bigints.
 */

export const u8: FixedCodec<number> = fixed(
  1,
  1,
  (view, at) => view.getUint8(at),
  (view, at, v: number) => view.setUint8(at, v),
)
export const s8: FixedCodec<number> = fixed(
  1,
  1,
  (view, at) => view.getInt8(at),
  (view, at, v: number) => view.setInt8(at, v),
)

const integer = <T>(
  size: number,
  read: (view: DataView, at: number) => T,
  write: (view: DataView, at: number, value: T) => void,
): FixedCodec<T> => fixed(size, size, read, write)

export const u16 = integer<number>(
  2,
  (view, at) => view.getUint16(at, littleEndian),
  (view, at, v) => view.setUint16(at, v, littleEndian),
)
export const s16 = integer<number>(
  2,
  (view, at) => view.getInt16(at, littleEndian),
  (view, at, v) => view.setInt16(at, v, littleEndian),
)
export const be16 = integer<number>(
  2,
  (view, at) => view.getUint16(at),
  (view, at, v) => view.setUint16(at, v),
)
export const u32 = integer<number>(
  4,
  (view, at) => view.getUint32(at, littleEndian),
  (view, at, v) => view.setUint32(at, v, littleEndian),
)
export const s32 = integer<number>(
  4,
  (view, at) => view.getInt32(at, littleEndian),
  (view, at, v) => view.setInt32(at, v, littleEndian),
)
export const be32 = integer<number>(
  4,
  (view, at) => view.getUint32(at),
  (view, at, v) => view.setUint32(at, v),
)
export const u64 = integer<bigint>(
  8,
  (view, at) => view.getBigUint64(at, littleEndian),
  (view, at, v) => view.setBigUint64(at, v, littleEndian),
)
export const s64 = integer<bigint>(
  8,
  (view, at) => view.getBigInt64(at, littleEndian),
  (view, at, v) => view.setBigInt64(at, v, littleEndian),
)
export const be64 = integer<bigint>(
  8,
  (view, at) => view.getBigUint64(at),
  (view, at, v) => view.setBigUint64(at, v),
)

/** `count` bytes that carry nothing: zero on encode, dropped on decode. */
export const reserved = (count: number): FixedCodec<undefined> =>
  fixed(
    count,
    1,
    () => undefined,
    (view, at) => {
      for (let i = 0; i < count; i++) view.setUint8(at + i, 0)
    },
  )

/** `count` equal members in a row, as a C array. Surplus elements of the value are refused. */
export function array<Out, In>(
  element: FixedCodec<Out, In>,
  count: number,
): FixedCodec<Out[], readonly In[]> {
  return fixed(
    element.size * count,
    element.alignment,
    (view, at) => Array.from({ length: count }, (_, i) => element.read(view, at + i * element.size)),
    (view, at, values) => {
      if (values.length > count)
        throw new RangeError(`${values.length} elements do not fit an array of ${count}`)
      values.forEach((value, i) => {
        element.write(view, at + i * element.size, value)
      })
    },
  )
}
