import { either, numberOf, textThat, type Declaration } from '../input/index.js'
import { joinHexFields } from './hex-fields.js'

/**
 * Names a hash table of the u32 classifier, a bucket in it, or a node in that: `'table:bucket:node'` in hexadecimal as
 * `tc` writes it, or the 32-bit number. `'1:'` is a table, `'1:2:'` a bucket, `'1:2:3'` a node; `'::3'` a node of the
 * root table, whose own number (`800:`, `801:`, …) the kernel chooses per priority. Tables have 12 bits (1 to 7ff are
 * free to choose), buckets 8, nodes 12.
 */
export type U32Handle = string | number

const TABLE_BUCKET_NODE = [12, 8, 12] as const

/** A u32 handle that a caller names. */
export const u32HandleInput: Declaration<U32Handle> = either(
  textThat("a u32 handle such as '1:2:3'", text => joinHexFields(text, TABLE_BUCKET_NODE) !== undefined),
  numberOf('its 32-bit number'),
)

/** The number of a u32 handle. Throws TypeError or RangeError on what is none. */
export function parseU32Handle(handle: U32Handle): number {
  if (typeof handle === 'number') {
    if (Number.isInteger(handle) && handle >= 0 && handle <= 0xffffffff) return handle
    throw new RangeError(`${handle} is not a u32 handle: expected a whole number of 32 bits`)
  }
  const value = joinHexFields(handle, TABLE_BUCKET_NODE)
  if (value === undefined) {
    throw new TypeError(
      `'${handle}' is not a u32 handle: expected table:bucket:node in hex (up to fff:ff:fff), such as '1:2:3'`,
    )
  }
  return value
}

/** The number of a table or bucket: a u32 handle whose node part is 0. */
export function parseU32Bucket(handle: U32Handle): number {
  const value = parseU32Handle(handle)
  if (u32Node(value) !== 0)
    throw new RangeError(
      `'${formatU32Handle(value)}' is a node: expected a table such as '1:' or a bucket '1:2:'`,
    )
  return value
}

/** `'1:'`, `'1:2:'`, `'1:2:3'`, `'800::1'`, `'::1'`. */
export function formatU32Handle(handle: number): string {
  const table = handle >>> 20
  const bucket = (handle >>> 12) & 0xff
  const node = u32Node(handle)
  const hex = (part: number): string => (part === 0 ? '' : part.toString(16))
  return `${hex(table)}:${hex(bucket)}${bucket === 0 && node === 0 ? '' : ':'}${hex(node)}`
}

/** TC_U32_HTID, linux/pkt_cls.h, shifted down: 0 where the handle is of the root table. */
export const u32Table = (handle: number): number => handle >>> 20
/** TC_U32_NODE, linux/pkt_cls.h. */
export const u32Node = (handle: number): number => handle & 0xfff
/** Table and bucket of a node, what TCA_U32_HASH carries. */
export const u32Bucket = (handle: number): number => (handle & 0xfffff000) >>> 0

/** Root tables are numbered from 800 up; so are tables that somebody made without a number. A root has one bucket. */
const FIRST_ROOT_TABLE = 0x800

/** Whether a table or bucket can be a root table: not, if it is a bucket behind the first. */
export const inRootTable = (bucket: number): boolean =>
  u32Table(bucket) >= FIRST_ROOT_TABLE && (bucket & 0xfffff) === 0
