import fc from 'fast-check'
import t from 'tap'
import { alignedBlocks, describeU32Keys, u32, type U32Key } from '../../src/tc/index.js'

/** As `tc` writes it. */
const text = (keys: readonly U32Key[]): string[] =>
  keys.map(
    ({ at, value, mask }) =>
      `${value.toString(16).padStart(8, '0')}/${mask.toString(16).padStart(8, '0')} at ${at}`,
  )

t.test('keys are those of tc', async t => {
  const cases: [keys: U32Key[], ...expected: string[]][] = [
    [u32.protocol('tcp'), '00060000/00ff0000 at 8'],
    [u32.protocol(255), '00ff0000/00ff0000 at 8'],
    [u32.sourceAddress('10.9.0.2'), '0a090002/ffffffff at 12'],
    [u32.destinationAddress('10.9.0.77/24'), '0a090000/ffffff00 at 16'],
    [u32.destinationAddress('0.0.0.0/0'), '00000000/00000000 at 16'],
    [u32.sourcePort(443), '01bb0000/ffff0000 at 20'],
    [u32.destinationPort(31000), '00007918/0000ffff at 20'],
    [u32.destinationPorts(31000, 31007), '00007918/0000fff8 at 20'],
    [u32.sourcePorts(32768, 65535, { at: 0 }), '80000000/80000000 at 0'],
    [u32.notFragment(), '00000000/00003fff at 4'],
    [u32.firstFragment(), '00002000/00003fff at 4'],
    [u32.notLaterFragment(), '00000000/00001fff at 4'],
    [u32.ihl(5), '05000000/0f000000 at 0'],
    [u32.icmpType(8), '08000000/ff000000 at 20'],
    [u32.icmpType(3, 4, { at: 0 }), '03000000/ff000000 at 0', '00040000/00ff0000 at 0'],
    [u32.destinationMac('02:00:0a:09:00:02'), '00000200/0000ffff at -16', '0a090002/ffffffff at -12'],
    [u32.sourceMac('02:00:0a:09:00:01'), '02000a09/ffffffff at -8', '00010000/ffff0000 at -4'],
    [u32.etherType('arp'), '00000806/0000ffff at -4'],
    [u32.match32(0xffffffff, 0xffffffff, -4), 'ffffffff/ffffffff at -4'],
    [u32.match16(0x0800, 0xffff, -2), '00000800/0000ffff at -4'],
    [u32.match16(1, 0xffff, 4), '00010000/ffff0000 at 4'],
    [u32.match8(6, 0xff, 9), '00060000/00ff0000 at 8'],
    [u32.match8(0x80, 0xff, -1), '00000080/000000ff at -4'],
  ]
  for (const [keys, ...expected] of cases) t.strictSame(text(keys), expected)
})

t.test('what cannot be matched is refused', async t => {
  t.throws(() => u32.destinationPorts(31000, 31010), {
    name: 'RangeError',
    message:
      '31000-31010 is not one aligned power-of-two block, which is all a u32 key can match: cut it with alignedBlocks()',
  })
  t.throws(() => u32.destinationPorts(31001, 31008), RangeError, 'a power of two, but not aligned')
  t.throws(() => u32.destinationPort(65536), { message: /is not a range of ports/ })
  t.throws(() => u32.sourcePorts(7, 6), RangeError)
  t.throws(() => u32.destinationAddress('10.9.0.2/33'), { message: /'10.9.0.2\/33' is not an IPv4 prefix/ })
  t.throws(() => u32.destinationAddress('10.9.0.2/'), RangeError)
  t.throws(() => u32.destinationAddress('eth0'), TypeError)
  t.throws(() => u32.protocol('tpc' as never), {
    message: /^'tpc' .*: expected a number or one of icmp, tcp/,
  })
  t.throws(() => u32.ihl(16), { message: /^ihl is 16/ })
  t.throws(() => u32.sourceMac('02:00'), { message: /expected 6 bytes/ })
  t.throws(() => u32.match16(0, 0xffff, 1), RangeError)
  t.throws(() => u32.match8(256, 0xff, 0), { message: /^value is 256/ })
})

const port = fc.integer({ min: 0, max: 0xffff })
const portRange = fc.tuple(port, port).map(([a, b]): [number, number] => (a < b ? [a, b] : [b, a]))

t.test('a range is cut into the fewest blocks', async t => {
  t.strictSame(alignedBlocks(31000, 31010), [
    [31000, 31007],
    [31008, 31009],
    [31010, 31010],
  ])
  t.strictSame(alignedBlocks(0, 65535), [[0, 65535]])
  t.strictSame(alignedBlocks(1, 65534).length, 30, 'the worst')
  t.throws(() => alignedBlocks(0, 65536), RangeError)
  fc.assert(
    fc.property(portRange, ([first, last]) => {
      const blocks = alignedBlocks(first, last)
      const joined = blocks.every(([begin], i) => begin === (i === 0 ? first : blocks[i - 1]![1] + 1))
      return (
        joined &&
        blocks.at(-1)![1] === last &&
        blocks.every(([begin, end]) => u32.destinationPorts(begin, end).length === 1)
      )
    }),
  )
})

t.test('a description is the inverse', async t => {
  const keys = [
    ...[u32.destinationMac('02:00:0a:09:00:02'), u32.sourceMac('02:00:0a:09:00:01'), u32.etherType('ip')],
    ...[u32.ihl(5), u32.notFragment(), u32.protocol('udp'), u32.sourceAddress('10.9.0.0/24')],
    ...[u32.destinationAddress('10.9.0.2'), u32.sourcePort(53), u32.destinationPorts(31000, 31007)],
  ].flat()
  t.strictSame(describeU32Keys(keys), [
    { match: 'destinationMac', address: '02:00:0a:09:00:02' },
    { match: 'sourceMac', address: '02:00:0a:09:00:01' },
    { match: 'etherType', protocol: 'ip' },
    { match: 'ihl', value: 5 },
    { match: 'notFragment' },
    { match: 'protocol', value: 17 },
    { match: 'sourceAddress', prefix: '10.9.0.0/24' },
    { match: 'destinationAddress', prefix: '10.9.0.2/32' },
    { match: 'sourcePort', first: 53, last: 53 },
    { match: 'destinationPort', first: 31000, last: 31007 },
  ])
  t.strictSame(describeU32Keys([...u32.protocol('icmp'), ...u32.icmpType(3, 4)]), [
    { match: 'protocol', value: 1 },
    { match: 'icmpType', value: 3 },
    { match: 'icmpCode', value: 4 },
  ])
  t.strictSame(describeU32Keys(u32.firstFragment()), [{ match: 'firstFragment' }])
  t.strictSame(describeU32Keys(u32.notLaterFragment()), [{ match: 'notLaterFragment' }])
})

t.test('behind an offset with eat, the transport header is at 0', async t => {
  const keys = u32.destinationPorts(31000, 31007, { at: 0 })
  t.strictSame(describeU32Keys(keys, { header: 'transport' }), [
    { match: 'destinationPort', first: 31000, last: 31007 },
  ])
  t.strictSame(describeU32Keys(keys)[0]?.match, 'key', 'and not a port in an IP header')
})

t.test('every range is described as it was made', async () => {
  fc.assert(
    fc.property(portRange, ([from, to]) =>
      alignedBlocks(from, to).every(([first, last]) => {
        const [found] = describeU32Keys(u32.sourcePorts(first, last))
        if (first === 0 && last === 0xffff) return found === undefined
        return found?.match === 'sourcePort' && found.first === first && found.last === last
      }),
    ),
  )
})

t.test('what is no field is kept as a key', async t => {
  const odd: U32Key = { at: 16, value: 0x0a000002, mask: 0xff0000ff }
  const next: U32Key = { at: 0, value: 1, mask: 1, nextHeader: true }
  t.strictSame(describeU32Keys([odd, next, ...u32.match8(6, 0x0f, 9), ...u32.match32(0x50, 0xf0, 20)]), [
    { match: 'key', ...odd },
    { match: 'key', at: 8, value: 0x00060000, mask: 0x000f0000 },
    { match: 'key', at: 20, value: 0x50, mask: 0xf0 },
    { match: 'key', ...next },
  ])
  t.strictSame(
    describeU32Keys([{ at: 8, value: 0x40060000, mask: 0xffff0000 }]),
    [
      { match: 'protocol', value: 6 },
      { match: 'key', at: 8, value: 0x40000000, mask: 0xff000000 },
    ],
    'the rest of a word of which a field was recognized',
  )
})
