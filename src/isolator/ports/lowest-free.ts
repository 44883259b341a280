const BITS = 32

/**
 * The free ones among the integers 0 to `capacity` - 1; finds the lowest in constant time.
 *
 * A bit per integer, and a bit per word of those that says whether the word has any: with the 4,095 slots of the
 * isolator that is at most four words to look at.
 */
export class LowestFree {
  readonly #capacity: number
  readonly #words: Uint32Array
  readonly #summary: Uint32Array
  #free = 0

  /** All integers start free. */
  constructor(capacity: number) {
    this.#capacity = capacity
    this.#words = new Uint32Array(Math.ceil(capacity / BITS))
    this.#summary = new Uint32Array(Math.ceil(this.#words.length / BITS))
    for (let i = 0; i < capacity; i++) this.release(i)
  }

  /** How many are free. */
  get free(): number {
    return this.#free
  }

  has(i: number): boolean {
    return i >= 0 && i < this.#capacity && isSet(this.#words, i)
  }

  /** The lowest free one that is at least `from`, or `undefined`. */
  lowest(from = 0): number | undefined {
    const inSameWord = lowestBitFrom(this.#words, from, from - (from % BITS) + BITS)
    if (inSameWord !== undefined) return inSameWord
    const word = lowestBitFrom(this.#summary, Math.floor(from / BITS) + 1, this.#words.length)
    return word === undefined ? undefined : lowestBitFrom(this.#words, word * BITS, this.#capacity)
  }

  /** The free ones in ascending order; only those not yet passed may change meanwhile. */
  *[Symbol.iterator](): Generator<number> {
    for (let i = this.lowest(); i !== undefined; i = this.lowest(i + 1)) yield i
  }

  /** Takes one; no effect if it is taken already. */
  take(i: number): void {
    if (!this.has(i)) return
    clearBit(this.#words, i)
    if (wordOf(this.#words, i) === 0) clearBit(this.#summary, Math.floor(i / BITS))
    this.#free--
  }

  /** Gives one back; no effect if it is free already. */
  release(i: number): void {
    if (i < 0 || i >= this.#capacity || this.has(i)) return
    setBit(this.#words, i)
    setBit(this.#summary, Math.floor(i / BITS))
    this.#free++
  }
}

function isSet(words: Uint32Array, i: number): boolean {
  return ((wordOf(words, i) >>> (i % BITS)) & 1) === 1
}

function setBit(words: Uint32Array, i: number): void {
  words[Math.floor(i / BITS)] = wordOf(words, i) | (1 << (i % BITS))
}

function clearBit(words: Uint32Array, i: number): void {
  words[Math.floor(i / BITS)] = wordOf(words, i) & ~(1 << (i % BITS))
}

function wordOf(words: Uint32Array, i: number): number {
  return words[Math.floor(i / BITS)] ?? 0
}

/** Position of the lowest set bit in `from` to `to` - 1, going through whole words. */
function lowestBitFrom(words: Uint32Array, from: number, to: number): number | undefined {
  for (let at = from; at < to; at = at - (at % BITS) + BITS) {
    const word = wordOf(words, at) & (-1 << (at % BITS))
    if (word !== 0) {
      const found = at - (at % BITS) + BITS - 1 - Math.clz32(word & -word)
      return found < to ? found : undefined
    }
  }
  return undefined
}
