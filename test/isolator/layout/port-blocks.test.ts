import fc from 'fast-check'
import t from 'tap'
import {
  blockOfKey,
  cutIntoBlocks,
  joinBlocks,
  portNode,
  type PortBlock,
  type PortField,
} from '../../../src/isolator/layout/port-blocks.js'
import { PortRanges } from '../../../src/isolator/ports/port-ranges.js'

const FIELDS: readonly PortField[] = ['destination', 'quotedSource']
const SIZES = [1, 2, 4, 8, 16, 64, 128, 256, 512, 1024]
const everyBlock = SIZES.flatMap(size =>
  Array.from({ length: 65536 / size }, (_, i): PortBlock => ({ base: i * size, size })),
)

const cut = (text: string) => cutIntoBlocks(PortRanges.from(text)).map(({ base, size }) => `${base}/${size}`)

t.test('cutting', async t => {
  t.strictSame(cut('32768-33791'), ['32768/1024'])
  t.strictSame(cut('31000-31007'), ['31000/8'])
  t.strictSame(cut('31001-31006'), ['31001/1', '31002/2', '31004/2', '31006/1'])
  t.strictSame(cut('0-31'), ['0/16', '16/16'], 'a 32 becomes two 16')
  t.strictSame(cut('0-63'), ['0/64'])
  t.strictSame(cut('64-159'), ['64/64', '128/16', '144/16'])
  t.strictSame(cut('65535'), ['65535/1'])
  t.equal(cut('0-65535').length, 64)
  t.strictSame(cut(''), [])
  const worst = Math.max(
    ...Array.from(
      { length: 2048 },
      (_, i) => cut(`${i}-${i + 3000}`).length - Math.floor((i + 3001) / 1024) + Math.ceil(i / 1024),
    ),
  )
  t.equal(worst <= 24, true, `at most ${worst} blocks for two ragged ends`)
})

const anyRanges = fc
  .array(fc.tuple(fc.nat(65535), fc.nat(4000)), { maxLength: 12 })
  .map(list => PortRanges.from(list.map(([begin, n]) => [begin, Math.min(begin + n, 65535)] as const)))

t.test('cutting and joining are inverse, every port is covered exactly once', async t => {
  fc.assert(
    fc.property(anyRanges, ranges => {
      const blocks = cutIntoBlocks(ranges)
      t.ok(joinBlocks(blocks).equals(ranges))
      t.ok(joinBlocks([...blocks].reverse()).equals(ranges), 'in any order')
      t.equal(
        blocks.reduce((sum, { size }) => sum + size, 0),
        ranges.size,
        'so no port twice',
      )
      t.ok(blocks.every(({ base, size }) => SIZES.includes(size) && base % size === 0))
    }),
  )
})

t.test('handles and keys of the layout', async t => {
  const node = (base: number, size: number, field: PortField) => {
    const { table, bucket, node, value, mask } = portNode({ base, size }, field)
    return [
      ...[table, bucket, node].map(n => n.toString(16)),
      `0x${value.toString(16)}`,
      `0x${mask.toString(16)}`,
    ].join(' ')
  }
  t.equal(node(32768, 1024, 'destination'), '1 20 1 0x8000 0xfc00')
  t.equal(node(32768, 1024, 'quotedSource'), '7 20 1 0x80000000 0xfc000000')
  t.equal(node(31000, 8, 'destination'), '11e 11 3 0x7918 0xfff8')
  t.equal(node(31000, 8, 'quotedSource'), '21e 11 3 0x79180000 0xfff80000')
  t.equal(node(65472, 64, 'destination'), '1 3f 1f 0xffc0 0xffc0')
  t.equal(node(65535, 1, 'destination'), '13f 3f 1f 0xffff 0xffff')
  t.equal(node(65535, 1, 'quotedSource'), '23f 3f 1f 0xffff0000 0xffff0000')
  t.equal(node(0, 1, 'destination'), '100 0 10 0x0 0xffff')
})

t.test(
  'all 130,000 blocks: no handle twice, within bounds, in the bucket their packets are hashed to',
  async t => {
    const handles = new Set<number>()
    const faults: string[] = []
    for (const field of FIELDS) {
      for (const block of everyBlock) {
        const { table, bucket, node, value, mask } = portNode(block, field)
        handles.add(table * 0x100000 + bucket * 0x1000 + node)
        const shift = field === 'destination' ? 0 : 16
        const wide = block.size >= 64
        const hashed = [block.base, block.base + block.size - 1].map(port =>
          wide ? port >> 10 : (port >> 4) & 63,
        )
        const tableExpected = (wide ? 0 : 0x100 + (block.base >> 10)) || 1
        const sound =
          node >= 1 &&
          node <= 31 &&
          hashed.every(bucketOfPort => bucketOfPort === bucket) &&
          table ===
            (field === 'destination' ? tableExpected : tableExpected === 1 ? 7 : tableExpected + 0x100) &&
          value >>> shift === block.base &&
          (~(mask >>> shift) & 0xffff) === block.size - 1
        const back = blockOfKey({ value, mask }, field)
        if (!sound || back?.base !== block.base || back.size !== block.size)
          faults.push(`${field} ${block.base}/${block.size}`)
      }
    }
    t.strictSame(faults, [])
    t.equal(handles.size, 2 * everyBlock.length)
  },
)

t.test('wider blocks come first in their bucket', async t => {
  for (const [wide, narrow] of [
    [1024, 64],
    [16, 1],
  ] as const) {
    const highest = portNode({ base: wide === 16 ? 1024 : 0, size: wide }, 'destination').node
    t.ok(highest < portNode({ base: wide === 16 ? 1024 : 0, size: narrow }, 'destination').node)
  }
})

t.test('keys that are no blocks of ours', async t => {
  for (const [about, value, mask, field] of [
    ['a 32', 0, 0xffe0, 'destination'],
    ['more than 1024', 0, 0xf800, 'destination'],
    ['no mask', 0, 0, 'destination'],
    ['a mask with a hole', 0, 0xff0f, 'destination'],
    ['an unaligned base', 1, 0xfffe, 'destination'],
    ['both halves', 0x79180000, 0xffffffff, 'destination'],
    ['the other field', 0x79180000, 0xfff80000, 'destination'],
    ['the other field', 0x7918, 0xfff8, 'quotedSource'],
    ['a value outside of the mask', 0x79180001, 0xfff80000, 'quotedSource'],
  ] as const) {
    t.equal(blockOfKey({ value, mask }, field), undefined, about)
  }
})
