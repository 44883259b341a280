import { inspect } from 'node:util'
import { IsolatorError } from '../isolator-error.js'

/** The units of Mesos's `Bytes` (stout/bytes.hpp), all powers of 1024, largest first. */
const UNITS = [
  ['TB', 1024 ** 4],
  ['GB', 1024 ** 3],
  ['MB', 1024 ** 2],
  ['KB', 1024],
  ['B', 1],
] as const

/**
 * A number of bytes, or of bytes per second for a rate: a whole number, a bigint, or text with a unit as Mesos writes
 * it: `'500B'`, `'37500KB'`, `'100MB'`, `'2GB'`, `'1TB'`. KB is 1024 bytes.
 */
export type SizeInput = number | bigint | string

/**
 * Reads a size. Units may be in either case; fractions, missing units and spaces are refused, as in Mesos.
 *
 * @param option what the message of an error calls the input
 * @returns bytes, a whole number of at most `Number.MAX_SAFE_INTEGER` (8 PB)
 * @throws IsolatorError ERR_INVALID_OPTION when it is malformed, negative, fractional or too large
 */
export function parseSize(input: SizeInput, option: string): number {
  const bytes = sizeOf(input)
  if (bytes !== undefined) return bytes
  throw new IsolatorError(
    'ERR_INVALID_OPTION',
    `${option}: ${inspect(input)} is not a size: expected a whole number of bytes or text such as '37500KB'` +
      ' (B, KB, MB, GB or TB, KB = 1024 bytes)',
    { details: { option, value: input } },
  )
}

/** The bytes of a size; undefined for a value that is no size. */
export function sizeOf(input: unknown): number | undefined {
  const bytes = typeof input === 'string' ? bytesOf(input) : typeof input === 'bigint' ? Number(input) : input
  return Number.isSafeInteger(bytes) && (bytes as number) >= 0 ? (bytes as number) : undefined
}

/** Writes a size in the largest unit that loses nothing, as Mesos does: `38400000` is `'37500KB'`. */
export function formatSize(bytes: number): string {
  const [unit, size] = UNITS.find(([, size]) => bytes >= size && bytes % size === 0) ?? ['B', 1]
  return `${bytes / size}${unit}`
}

function bytesOf(text: string): number {
  const [, digits, unit] = /^(\d+)([KMGT]?B)$/i.exec(text) ?? []
  const size = UNITS.find(([name]) => name === unit?.toUpperCase())?.[1]
  return size === undefined ? NaN : Number(digits) * size
}
