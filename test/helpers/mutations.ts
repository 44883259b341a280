/** Numbers from 0 to 2^32 - 1 that follow from the seed (mulberry32). */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0
  return below => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

type Random = (below: number) => number

/** Lengths and types that codecs might stumble over. */
const NASTY = [0, 1, 3, 4, 5, 7, 8, 0x7fff, 0x8000, 0xc001, 0xfffb, 0xfffc, 0xffff]

const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)] as T

/** What can happen to a message; each returns the bytes it became. */
const MUTATIONS: readonly ((bytes: Buffer, random: Random, others: readonly Uint8Array[]) => Buffer)[] = [
  function flipBit(bytes, random) {
    const at = random(bytes.length)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8))
    return bytes
  },
  function setByte(bytes, random) {
    bytes[random(bytes.length)] = pick(random, [0, 1, 0x7f, 0x80, 0xff, random(256)])
    return bytes
  },
  function setLengthField(bytes, random) {
    const at = random(bytes.length >> 2) * 4
    bytes.writeUInt16LE(random(3) === 0 ? bytes.length - at : pick(random, NASTY), at)
    return bytes
  },
  function setTypeField(bytes, random) {
    bytes.writeUInt16LE(random(2) === 0 ? random(80) : pick(random, NASTY), random(bytes.length >> 2) * 4 + 2)
    return bytes
  },
  function truncate(bytes, random) {
    return bytes.subarray(0, 16 + random(bytes.length - 15))
  },
  function removeWords(bytes, random) {
    const at = 16 + random(((bytes.length - 16) >> 2) + 1) * 4
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 4 * (1 + random(4)))])
  },
  function repeatWords(bytes, random) {
    const at = 16 + random(((bytes.length - 16) >> 2) + 1) * 4
    const end = at + 4 * (1 + random(8))
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)])
  },
  function insertOther(bytes, random, others) {
    const other = pick(random, others)
    const from = random(other.length >> 2) * 4
    const at = 16 + random(((bytes.length - 16) >> 2) + 1) * 4
    const piece = other.subarray(from, from + 4 * random(32))
    return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)])
  },
]

/** A message with one to four mutations. Its `nlmsg_len` is put right three times out of four, so that what is behind is read. */
export function mutated(message: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  let bytes: Buffer = Buffer.from(message)
  for (let count = 1 + random(4); count > 0 && bytes.length >= 20; count--) {
    bytes = pick(random, MUTATIONS)(bytes, random, others)
  }
  if (random(4) !== 0 && bytes.length >= 16) bytes.writeUInt32LE(bytes.length)
  return atTheEnd(bytes, random(8))
}

/** The same bytes at the end of a memory of their own, behind `before` others: reading beyond them fails. */
export function atTheEnd(bytes: Uint8Array, before: number): Uint8Array {
  const memory = new Uint8Array(before + bytes.length).fill(0xff)
  memory.set(bytes, before)
  return memory.subarray(before)
}
