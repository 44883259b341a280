/**
 * Cuts an inclusive range of numbers from 0 to 65535 into the fewest blocks that one masked comparison can match each:
 * blocks whose size is a power of two and whose first number is a multiple of it. In ascending order.
 */
export function alignedBlocks(first: number, last: number): [first: number, last: number][] {
  const blocks: [number, number][] = []
  for (let at = checkedRange(first, last); at <= last;) {
    const size = largestBlock(at, last)
    blocks.push([at, at + size - 1])
    at += size
  }
  return blocks
}

/** The mask under which all numbers from `first` to `last` are equal, and no others. Throws RangeError if there is none. */
export function blockMask(first: number, last: number): number {
  const size = last - checkedRange(first, last) + 1
  if (largestBlock(first, last) === size) return 0x10000 - size
  throw new RangeError(
    `${first}-${last} is not one aligned power-of-two block, which is all a u32 key can match: cut it with alignedBlocks()`,
  )
}

function largestBlock(first: number, last: number): number {
  let size = 1
  while (first % (2 * size) === 0 && first + 2 * size - 1 <= last) size *= 2
  return size
}

function checkedRange(first: number, last: number): number {
  const whole = Number.isInteger(first) && Number.isInteger(last)
  if (whole && first >= 0 && first <= last && last <= 0xffff) return first
  throw new RangeError(
    `${first}-${last} is not a range of ports: expected whole numbers from 0 to 65535 in ascending order`,
  )
}
