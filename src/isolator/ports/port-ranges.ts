import { inspect } from 'node:util'
import { firstIndex } from './bisect.js'
import { IsolatorError } from '../isolator-error.js'

/** A range of ports, both ends included. */
export type PortRange = readonly [begin: number, end: number]

/**
 * What is taken for a set of ports:
 * - text, ranges and single ports separated by commas: `'31000-32000,33000'`, or the same in Mesos's brackets:
 *   `'[31000-32000, 33000-34000]'`
 * - a list of pairs `[[31000, 32000], [33000, 33000]]` or objects `[{ begin: 31000, end: 32000 }]`
 * - a {@link PortRanges}
 *
 * Ends are inclusive. Order does not matter; ranges that touch or overlap are merged. An empty text or list is the
 * empty set.
 */
export type PortRangesInput =
  string | PortRanges | Iterable<PortRange | { readonly begin: number; readonly end: number }>

const LAST_PORT = 0xffff

/**
 * An immutable set of ports 0 to 65535, kept as sorted, disjoint, merged ranges with both ends included.
 *
 * Two sets with the same ports have the same ranges. What Mesos does with `IntervalSet<uint16_t>`, port 65535 included.
 */
export class PortRanges implements Iterable<PortRange> {
  readonly #ranges: readonly PortRange[]

  /** How many ports are in the set. */
  readonly size: number

  private constructor(merged: readonly PortRange[]) {
    this.#ranges = merged.map(range => Object.freeze(range))
    this.size = merged.reduce((sum, [begin, end]) => sum + end - begin + 1, 0)
  }

  /** The set without ports. */
  static get empty(): PortRanges {
    return new PortRanges([])
  }

  /**
   * Reads a set of ports; a {@link PortRanges} is returned as it is.
   *
   * @param option what the message of an error calls the input
   * @throws IsolatorError ERR_INVALID_OPTION when a range is malformed, backwards or not within 0 to 65535
   */
  static from(input: PortRangesInput, option = 'ports'): PortRanges {
    if (input instanceof PortRanges) return input
    if (typeof input === 'string') return new PortRanges(merge(parse(input, option)))
    if (!isIterable(input)) throw malformed(option, input)
    return new PortRanges(merge(Array.from(input, range => checked(pairOf(range, option), range, option))))
  }

  has(port: number): boolean {
    const range = this.#rangeAt(port)
    return range !== undefined && range[0] <= port
  }

  /** Whether every port of the other set is in this one. */
  contains(other: PortRanges): boolean {
    return other.#ranges.every(([begin, end]) => {
      const range = this.#rangeAt(end)
      return range !== undefined && range[0] <= begin
    })
  }

  /** Whether the sets have a port in common. */
  overlaps(other: PortRanges): boolean {
    return other.#ranges.some(([begin, end]) => {
      const range = this.#rangeAt(begin)
      return range !== undefined && range[0] <= end
    })
  }

  /** The ports of either set. */
  union(other: PortRanges): PortRanges {
    return new PortRanges(merge([...this.#ranges, ...other.#ranges]))
  }

  /** The ports of this set that are not in the other. */
  subtract(other: PortRanges): PortRanges {
    return this.intersect(other.#complement())
  }

  /** The ports that are in both sets. */
  intersect(other: PortRanges): PortRanges {
    const common: PortRange[] = []
    for (let i = 0, j = 0; ;) {
      const [a, b] = [this.#ranges[i], other.#ranges[j]]
      if (!a || !b) return new PortRanges(common)
      const [begin, end] = [Math.max(a[0], b[0]), Math.min(a[1], b[1])]
      if (begin <= end) common.push([begin, end])
      if (a[1] < b[1]) i++
      else j++
    }
  }

  equals(other: PortRanges): boolean {
    return this.toString() === other.toString()
  }

  /** The ranges in ascending order; no two of them touch. */
  [Symbol.iterator](): IterableIterator<PortRange> {
    return this.#ranges.values()
  }

  /** `'31000-31007,31500'`: ascending, a single port without a dash; {@link PortRanges.from} reads it back. */
  toString(): string {
    return this.#ranges.map(([begin, end]) => (begin === end ? `${begin}` : `${begin}-${end}`)).join(',')
  }

  /** `[[31000, 31007], [31500, 31500]]`; {@link PortRanges.from} reads it back. */
  toJSON(): PortRange[] {
    return this.#ranges.map(([begin, end]) => [begin, end])
  }

  [inspect.custom](): string {
    return `PortRanges '${this.toString()}'`
  }

  #complement(): PortRanges {
    const begins = [0, ...this.#ranges.map(([, end]) => end + 1)]
    const ends = [...this.#ranges.map(([begin]) => begin - 1), LAST_PORT]
    const gaps = begins.map((begin, i): PortRange => [begin, ends[i] ?? LAST_PORT])
    return new PortRanges(gaps.filter(([begin, end]) => begin <= end))
  }

  /** The first range that ends at the port or after it. */
  #rangeAt(port: number): PortRange | undefined {
    return this.#ranges[firstIndex(this.#ranges, ([, end]) => end >= port)]
  }
}

function merge(ranges: PortRange[]): PortRange[] {
  const merged: PortRange[] = []
  for (const [begin, end] of ranges.sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1)
    if (last && begin <= last[1] + 1) merged[merged.length - 1] = [last[0], Math.max(last[1], end)]
    else merged.push([begin, end])
  }
  return merged
}

function parse(text: string, option: string): PortRange[] {
  const list = /^\s*\[(.*)\]\s*$/s.exec(text)?.[1] ?? text
  if (list.trim() === '') return []
  return list.split(',').map(part => {
    const numbers = /^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$/.exec(part)
    if (!numbers) throw malformed(option, part, text)
    return checked([Number(numbers[1]), Number(numbers[2] ?? numbers[1])], part.trim(), option)
  })
}

function pairOf(range: unknown, option: string): PortRange {
  const [begin, end, ...rest] = Array.isArray(range) ? (range as unknown[]) : beginAndEndOf(range)
  if (typeof begin !== 'number' || typeof end !== 'number' || rest.length > 0) throw malformed(option, range)
  return [begin, end]
}

function beginAndEndOf(range: unknown): unknown[] {
  if (typeof range !== 'object' || range === null) return []
  const { begin, end } = range as { begin?: unknown; end?: unknown }
  return [begin, end]
}

function checked([begin, end]: PortRange, given: unknown, option: string): PortRange {
  for (const port of [begin, end]) {
    if (!Number.isInteger(port) || port < 0 || port > LAST_PORT) {
      throw invalid(option, given, `${inspect(given)} is not within 0 to ${LAST_PORT}`)
    }
  }
  if (begin > end)
    throw invalid(option, given, `${inspect(given)} runs backwards, and ranges do not wrap around`)
  return [begin, end]
}

function malformed(option: string, part: unknown, whole: unknown = part): IsolatorError {
  const place = part === whole ? '' : ` in ${inspect(whole)}`
  const expected = "expected '31000-32000,33000' or [[31000, 32000], [33000, 33000]], ends included"
  return invalid(option, whole, `${inspect(part)}${place} is not a range of ports: ${expected}`)
}

function invalid(option: string, value: unknown, problem: string): IsolatorError {
  return new IsolatorError('ERR_INVALID_OPTION', `${option}: ${problem}`, { details: { option, value } })
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value
}
