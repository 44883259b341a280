import { PORT_BUCKETS, SECOND_LEVEL, TABLE } from './layout.js'
import { PortRanges } from '../ports/port-ranges.js'

/**
 * A block of ports that one u32 key can match: `size` is a power of two from 1 to 1024 other than 32, and `base` is a
 * multiple of it.
 */
export interface PortBlock {
  readonly base: number
  readonly size: number
}

/**
 * Which port a steering node looks at: the packet's destination port, or the source port of the packet that an ICMP
 * error quotes, by which the error finds the container that sent it.
 */
export type PortField = 'destination' | 'quotedSource'

/**
 * The u32 node of a block: its handle `table:bucket:node` and the 32-bit key at offset 0 of the transport header,
 * `value` and `mask` in the notation of `tc` (`match u32 value mask at 0`).
 */
export interface PortNode {
  readonly table: number
  readonly bucket: number
  readonly node: number
  readonly value: number
  readonly mask: number
}

/** A bucket of the first level holds this many ports, and no block is larger. */
const FIRST_LEVEL_SPAN = 1024

/** A bucket of the second level holds this many ports; blocks up to this size live there. */
const SECOND_LEVEL_SPAN = 16

/** Fits neither level: below 64 a first-level bucket would hold more than 31 nodes, and 32 spans two second-level buckets. */
const UNUSED_SIZE = 32

/** Per field the first-level table, the first of its second-level tables, and where the port sits in the key's word. */
const TABLES = {
  destination: { first: TABLE.destinationPort, second: SECOND_LEVEL.destinationPort, shift: 0 },
  quotedSource: { first: TABLE.quotedSourcePort, second: SECOND_LEVEL.quotedSourcePort, shift: 16 },
} as const

/**
 * Cuts ports into as few blocks as the layout has, in ascending order. A 32 becomes two 16.
 *
 * A range costs one block per 1,024 ports when it is aligned, and at most 14 more for its ragged ends.
 */
export function cutIntoBlocks(ports: PortRanges): PortBlock[] {
  const blocks: PortBlock[] = []
  for (const [begin, end] of ports) {
    for (let base = begin; base <= end;) {
      const size = largestBlockAt(base, end)
      blocks.push({ base, size })
      base += size
    }
  }
  return blocks
}

/** The blocks of the first list that are not in the second. */
export function blocksBeyond(blocks: readonly PortBlock[], others: readonly PortBlock[]): PortBlock[] {
  const keyOf = ({ base, size }: PortBlock): number => base * 0x10000 + size
  const known = new Set(others.map(keyOf))
  return blocks.filter(block => !known.has(keyOf(block)))
}

/** The ports of blocks, in any order: the inverse of {@link cutIntoBlocks}. */
export function joinBlocks(blocks: Iterable<PortBlock>): PortRanges {
  return PortRanges.from(Array.from(blocks, ({ base, size }) => [base, base + size - 1] as const))
}

/**
 * The node of a block. A function of the block alone, so that adding and removing needs no look-up.
 *
 * In a bucket the node id is the block's place in a binary heap, span / size + offset / size, which is 1 to 31:
 * different blocks never share a handle, and a block can be split or joined by adding the new nodes before the old go.
 */
export function portNode({ base, size }: PortBlock, field: PortField): PortNode {
  const { first, second, shift } = TABLES[field]
  const wide = size > UNUSED_SIZE
  const span = wide ? FIRST_LEVEL_SPAN : SECOND_LEVEL_SPAN
  return {
    table: wide ? first : second + Math.floor(base / FIRST_LEVEL_SPAN),
    bucket: wide ? Math.floor(base / FIRST_LEVEL_SPAN) : Math.floor(base / SECOND_LEVEL_SPAN) % PORT_BUCKETS,
    node: (span + (base % span)) / size,
    value: (base << shift) >>> 0,
    mask: ((0x10000 - size) << shift) >>> 0,
  }
}

/**
 * The block that a key matches, read back from the kernel: the inverse of {@link portNode}.
 *
 * @returns `undefined` for a key that no {@link portNode} of this field has
 */
export function blockOfKey(
  { value, mask }: Pick<PortNode, 'value' | 'mask'>,
  field: PortField,
): PortBlock | undefined {
  const { shift } = TABLES[field]
  const block = { base: value >>> shift, size: 0x10000 - (mask >>> shift) }
  if (!isBlock(block)) return undefined
  const key = portNode(block, field)
  return key.value === value && key.mask === mask ? block : undefined
}

function isBlock({ base, size }: PortBlock): boolean {
  const powerOfTwo = size >= 1 && size <= FIRST_LEVEL_SPAN && (size & (size - 1)) === 0
  return powerOfTwo && size !== UNUSED_SIZE && base % size === 0 && base + size <= 0x10000
}

function largestBlockAt(base: number, end: number): number {
  let size = 1
  while (size < FIRST_LEVEL_SPAN && base % (2 * size) === 0 && base + 2 * size - 1 <= end) size *= 2
  return size === UNUSED_SIZE ? SECOND_LEVEL_SPAN : size
}
