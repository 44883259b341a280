import {
  BPF_ABS,
  BPF_ALU,
  BPF_AND,
  BPF_B,
  BPF_H,
  BPF_IND,
  BPF_JA,
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_JMP,
  BPF_JSET,
  BPF_K,
  BPF_LD,
  BPF_LDX,
  BPF_LEN,
  BPF_MISC,
  BPF_MSH,
  BPF_OR,
  BPF_RET,
  BPF_TAX,
  BPF_W,
  BPF_X,
  SKF_AD_OFF,
  type Instruction,
} from './instruction.js'

/**
 * A piece of a program that either returns or falls off its end into the next piece.
 *
 * Blocks are position independent, so a program is its blocks in a row ({@link assemble} in program.ts) and reads
 * like the rules it enforces. Packet offsets count from the link-layer header. A load beyond the end of the packet
 * ends the whole program with 0 (net/core/filter.c).
 */
export type Block = readonly Instruction[]

/** A test of the accumulator that a conditional jump can make. */
export interface Condition {
  readonly operation: typeof BPF_JEQ | typeof BPF_JGT | typeof BPF_JGE | typeof BPF_JSET
  readonly k: number
}

/** An inclusive range of accumulator values. */
export type ValueRange = readonly [first: number, last: number]

const LONGEST_CONDITIONAL_JUMP = 0xff

/** A = the 32-bit word at a packet offset; then the blocks. */
export const wordAt = (offset: number, ...then: Block[]) => load(BPF_W | BPF_ABS, offset, then)
/** A = the 16-bit half word at a packet offset; then the blocks. */
export const halfAt = (offset: number, ...then: Block[]) => load(BPF_H | BPF_ABS, offset, then)
/** A = the byte at a packet offset; then the blocks. */
export const byteAt = (offset: number, ...then: Block[]) => load(BPF_B | BPF_ABS, offset, then)
/** A = the half word at X + offset; then the blocks. */
export const halfAtX = (offset: number, ...then: Block[]) => load(BPF_H | BPF_IND, offset, then)
/** A = the packet's length in bytes, link-layer header included; then the blocks. */
export const packetLength = (...then: Block[]) => load(BPF_W | BPF_LEN, 0, then)
/** A = a field of the skb, one of `SKF_AD_*`; then the blocks. */
export const ancillary = (field: number, ...then: Block[]) => wordAt(SKF_AD_OFF + field, ...then)
/** X = 4 * (the byte at offset & 15): the length of an IPv4 header that begins there. */
export const ipHeaderLengthToX = (offset: number) => statement(BPF_LDX | BPF_B | BPF_MSH, offset)
/** X = A. */
export const copyToX = statement(BPF_MISC | BPF_TAX, 0)
/** A = A & mask. */
export const mask = (bits: number) => statement(BPF_ALU | BPF_AND | BPF_K, bits)
/** A = A | bits. */
export const withBits = (bits: number) => statement(BPF_ALU | BPF_OR | BPF_K, bits)
/** Ends the program with a verdict. */
export const ret = (verdict: number) => statement(BPF_RET | BPF_K, verdict)

/** Blocks one after the other. */
export const sequence = (...blocks: readonly Block[]): Block => ([] as Instruction[]).concat(...blocks)

/** A == k */
export const equal = (k: number): Condition => ({ operation: BPF_JEQ, k: k >>> 0 })
/** A >= k, unsigned */
export const atLeast = (k: number): Condition => ({ operation: BPF_JGE, k: k >>> 0 })
/** (A & bits) != 0 */
export const anyBitOf = (bits: number): Condition => ({ operation: BPF_JSET, k: bits >>> 0 })

/**
 * Runs the block when the condition holds.
 *
 * A block of several instructions is jumped over by a `ja`, which reaches any distance, because the block may hold
 * hundreds of ranges and a conditional jump reaches 255 instructions.
 */
export function when(condition: Condition, block: Block): Block {
  return block.length === 1
    ? [jump(condition, 0, 1), ...block]
    : [jump(condition, 1, 0), ...jumpOver(block.length), ...block]
}

/** Runs the block, at most 255 instructions, unless the condition holds. */
export function unless(condition: Condition, block: Block): Block {
  return [jump(condition, block.length, 0), ...block]
}

/** Runs the block, at most 255 instructions, unless A == X. */
export function unlessEqualToX(block: Block): Block {
  return [{ ...jump(equal(0), block.length, 0), code: BPF_JMP | BPF_JEQ | BPF_X }, ...block]
}

/** Runs the block unless A is one of the values; values and block together are at most 255 instructions. */
export function unlessOneOf(values: readonly number[], block: Block): Block {
  return [...values.map((k, i) => jump(equal(k), values.length - 1 - i + block.length, 0)), ...block]
}

/** Runs the block when A is one of the values, at most 254. */
export function whenOneOf(values: readonly number[], block: Block): Block {
  return [...unlessOneOf(values, jumpOver(block.length)), ...block]
}

/** Runs the block unless one of the tests holds. Each takes the one instruction that it runs when it does. */
export function unlessAny(tests: readonly ((hit: Block) => Block)[], block: Block): Block {
  return tests.reduceRight<Block>((rest, test) => [...test(jumpOver(rest.length)), ...rest], block)
}

/** Runs the block unless A lies in one of the ranges; any number of them. */
export function unlessInRanges(ranges: Iterable<ValueRange>, block: Block): Block {
  const list = [...ranges]
  const rest = (i: number) => 3 * (list.length - 1 - i) + block.length
  return [...list.flatMap((range, i) => whenInRange(range, jumpOver(rest(i)))), ...block]
}

/** Returns the verdict when A lies in one of the ranges; any number of them. */
export function returnInRanges(ranges: Iterable<ValueRange>, verdict: number): Block {
  return [...ranges].flatMap(range => whenInRange(range, ret(verdict)))
}

/** Ranges that are looked at one after the other, once A is known to be among them. */
const RANGES_PER_GROUP = 32

/**
 * As {@link returnInRanges} for many ranges that ascend without touching: groups are passed over by one comparison each, a
 * single value costs one instruction and a range two.
 */
export function returnInSortedRanges(ranges: Iterable<ValueRange>, verdict: number): Block {
  return groupsOf([...ranges]).flatMap(group => whenInGroup(group, ret(verdict)))
}

/** As {@link unlessInRanges}, likewise. */
export function unlessInSortedRanges(ranges: Iterable<ValueRange>, block: Block): Block {
  return groupsOf([...ranges]).reduceRight<Block>(
    (rest, group) => [...whenInGroup(group, jumpOver(rest.length)), ...rest],
    block,
  )
}

const groupsOf = (ranges: readonly ValueRange[]): ValueRange[][] =>
  Array.from({ length: Math.ceil(ranges.length / RANGES_PER_GROUP) }, (_, i) =>
    ranges.slice(i * RANGES_PER_GROUP, (i + 1) * RANGES_PER_GROUP),
  )

/** Runs the one instruction of `hit` when A lies in one of the ranges. */
function whenInGroup(group: readonly ValueRange[], hit: Block): Block {
  const length = group.reduce((sum, [first, last]) => sum + (first === last ? 1 : 2), 0)
  const tests: Instruction[] = []
  for (const [i, [first, last]] of group.entries()) {
    const miss = i === group.length - 1 ? hit.length : 0
    if (first === last) tests.push(jump(equal(first), length - tests.length - 1, miss))
    else {
      tests.push(jump(atLeast(first), 0, 1 + miss))
      tests.push(jump({ operation: BPF_JGT, k: last }, miss, length - tests.length - 1))
    }
  }
  const [, highest = 0] = group.at(-1) ?? []
  return [jump({ operation: BPF_JGT, k: highest }, length + hit.length, 0), ...tests, ...hit]
}

function whenInRange([first, last]: ValueRange, block: Block): Block {
  const above: Condition = { operation: BPF_JGT, k: last }
  return [jump(atLeast(first), 0, 1 + block.length), jump(above, block.length, 0), ...block]
}

function jumpOver(instructions: number): Block {
  return statement(BPF_JMP | BPF_JA, instructions)
}

function load(sizeAndMode: number, offset: number, then: readonly Block[]): Block {
  return sequence(statement(BPF_LD | sizeAndMode, offset), ...then)
}

function statement(code: number, k: number): Block {
  return [{ code, jt: 0, jf: 0, k: k >>> 0 }]
}

function jump({ operation, k }: Condition, jt: number, jf: number): Instruction {
  const longest = Math.max(jt, jf)
  if (longest > LONGEST_CONDITIONAL_JUMP) {
    throw new RangeError(
      `A conditional jump over ${longest} instructions does not fit: classic BPF allows ${LONGEST_CONDITIONAL_JUMP}`,
    )
  }
  return { code: BPF_JMP | operation | BPF_K, jt, jf, k }
}
