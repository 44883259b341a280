import fc from 'fast-check'
import t from 'tap'
import { formatSize, parseSize, type SizeInput } from '../../../src/isolator/options/sizes.js'

t.test('sizes as Mesos writes them, KB = 1024', async t => {
  for (const [input, bytes] of [
    ['500B', 500],
    ['37500KB', 38_400_000],
    ['100MB', 104_857_600],
    ['2GB', 2_147_483_648],
    ['1TB', 1_099_511_627_776],
    ['1kb', 1024],
    ['1Mb', 1_048_576],
    ['0B', 0],
    ['007KB', 7168],
    [0, 0],
    [12.0, 12],
    [5n, 5],
    [9007199254740991, 9007199254740991],
    [9007199254740991n, 9007199254740991],
  ] as [SizeInput, number][]) {
    t.equal(parseSize(input, 'egressBurst'), bytes, String(input))
  }
})

t.test('what is refused', async t => {
  const bad = [
    '',
    'B',
    '10',
    '1.5MB',
    '-1KB',
    '1 KB',
    ' 1KB',
    '1KB ',
    '1KiB',
    '1K',
    '10Mbit',
    '1PB',
    '0x10B',
    '1e3B',
    '9999999TB',
  ]
  const others = [-1, 1.5, NaN, Infinity, 2 ** 53, -1n, 2n ** 53n, true, null, undefined, {}, [5]]
  for (const input of [...bad, ...others] as SizeInput[]) {
    t.throws(
      () => parseSize(input, 'egressBurst'),
      {
        name: 'IsolatorError',
        code: 'ERR_INVALID_OPTION',
        message: /^egressBurst: .* is not a size: expected .*'37500KB'/,
      },
      String(input),
    )
  }
})

t.test('formatting', async t => {
  for (const [bytes, text] of [
    [0, '0B'],
    [500, '500B'],
    [1024, '1KB'],
    [1025, '1025B'],
    [38_400_000, '37500KB'],
    [104_857_600, '100MB'],
    [3 * 1024 ** 3, '3GB'],
    [2 * 1024 ** 4, '2TB'],
  ] as const) {
    t.equal(formatSize(bytes), text)
  }
  fc.assert(fc.property(fc.maxSafeNat(), bytes => t.equal(parseSize(formatSize(bytes), 'size'), bytes)))
})
