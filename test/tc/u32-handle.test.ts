import fc from 'fast-check'
import t from 'tap'
import {
  formatU32Handle,
  parseU32Bucket,
  parseU32Handle,
  u32Bucket,
  u32Node,
  u32Table,
} from '../../src/tc/u32-handle.js'

t.test('table, bucket and node have 12, 8 and 12 bits', async t => {
  for (const [text, number] of [
    ['1:', 0x00100000],
    ['1:2:', 0x00102000],
    ['1:2:3', 0x00102003],
    ['::3', 0x00000003],
    ['3::1', 0x00300001],
    ['800::1', 0x80000001],
    ['11e:11:3', 0x11e11003],
    ['fff:ff:fff', 0xffffffff],
  ] as const) {
    t.equal(parseU32Handle(text), number, text)
    t.equal(formatU32Handle(number), text, text)
  }
  t.equal(parseU32Handle('1:0:3'), 0x00100003)
  t.equal(u32Table(0x11e11003), 0x11e)
  t.equal(u32Bucket(0x91e11003), 0x91e11000)
  t.equal(u32Node(0x11e11003), 3)
})

t.test('every number has a text that means it', async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xffffffff }),
      number => parseU32Handle(formatU32Handle(number)) === number,
    ),
  )
})

t.test('what is no u32 handle is refused by name', async t => {
  for (const text of ['', '1', '1000:', '1:100:', '::1000', '1:2:3:', '1:2:3:4', 'x:'])
    t.throws(() => parseU32Handle(text), {
      name: 'TypeError',
      message: new RegExp(`^'${text}' is not a u32 handle`),
    })
  t.throws(() => parseU32Handle(-1), RangeError)
  t.throws(() => parseU32Bucket('1:2:3'), { name: 'RangeError', message: /'1:2:3' is a node/ })
})
