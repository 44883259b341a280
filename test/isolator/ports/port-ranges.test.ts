import { inspect } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { PortRanges, type PortRange, type PortRangesInput } from '../../../src/isolator/ports/port-ranges.js'

const text = (input: PortRangesInput) => PortRanges.from(input).toString()

t.test('what is taken for a set of ports', async t => {
  for (const [input, expected] of [
    ['31000-32000,33000', '31000-32000,33000'],
    ['[31000-32000, 33000-34000]', '31000-32000,33000-34000'],
    [' [ 31000 - 32000 ,33000 ] ', '31000-32000,33000'],
    ['33000,31000-32000', '31000-32000,33000'],
    ['31000-31007,31008-31010,31005', '31000-31010'],
    ['7-7', '7'],
    ['0-65535', '0-65535'],
    ['65535', '65535'],
    ['', ''],
    ['[]', ''],
    [[], ''],
    [[[31000, 31007]], '31000-31007'],
    [[{ begin: 31000, end: 31007 }, [0, 0]], '0,31000-31007'],
    [new Set([[5, 6]] as const), '5-6'],
    [PortRanges.from('5-6'), '5-6'],
  ] as [PortRangesInput, string][]) {
    t.equal(text(input), expected, inspect(input))
  }
  const ranges = PortRanges.from('1-2')
  t.equal(PortRanges.from(ranges), ranges, 'a set is not copied')
})

t.test('what is refused, naming the text and what is expected', async t => {
  for (const [input, message] of [
    ['31000-', /^ports: '31000-' is not a range of ports: expected '31000-32000,33000' or/],
    ['1,x,3', /'x' in '1,x,3' is not a range/],
    ['1,,3', /'' in '1,,3' is not a range/],
    ['1-2,', /'' in '1-2,' is not/],
    ['1-2-3', /'1-2-3' is not/],
    ['-5', /'-5' is not/],
    ['1.5', /'1\.5' is not/],
    ['0x10', /'0x10' is not/],
    ['1e3', /'1e3' is not/],
    ['[1-2', /'\[1-2' is not/],
    ['65536', /'65536' is not within 0 to 65535/],
    ['99999999999999999999', /is not within 0 to 65535/],
    ['2-1', /'2-1' runs backwards, and ranges do not wrap around/],
    [[[2, 1]], /\[ 2, 1 \] runs backwards/],
    [[[0, 65536]], /is not within/],
    [[[-1, 5]], /is not within/],
    [[[0.5, 5]], /is not within/],
    [[[NaN, 5]], /is not within/],
    [[31000, 31007], /31000 is not a range of ports: .*\[\[31000, 32000\]/],
    [[['31000', '31007']], /is not a range of ports/],
    [[[1, 2, 3]], /\[ 1, 2, 3 \] is not a range of ports/],
    [['1-2'], /'1-2' is not a range of ports/],
    [[{ begin: 1 }], /\{ begin: 1 \} is not a range/],
    [[null], /null is not a range/],
    [5, /5 is not a range/],
    [null, /null is not a range/],
    [undefined, /undefined is not a range/],
    [{ begin: 1, end: 2 }, /is not a range/],
  ] as [PortRangesInput, RegExp][]) {
    t.throws(
      () => PortRanges.from(input),
      { name: 'IsolatorError', code: 'ERR_INVALID_OPTION', message },
      inspect(input),
    )
  }
  t.throws(() => PortRanges.from('x', 'ephemeralPorts'), {
    message: /^ephemeralPorts: /,
    details: { option: 'ephemeralPorts', value: 'x' },
  })
})

t.test('forms of output', async t => {
  const ranges = PortRanges.from('31500,31000-31007')
  t.equal(String(ranges), '31000-31007,31500')
  t.equal(JSON.stringify({ ranges }), '{"ranges":[[31000,31007],[31500,31500]]}')
  t.equal(inspect(ranges), "PortRanges '31000-31007,31500'")
  t.strictSame(
    [...ranges],
    [
      [31000, 31007],
      [31500, 31500],
    ],
  )
  t.equal(ranges.size, 9)
  t.equal(PortRanges.empty.size, 0)
  t.equal(PortRanges.from('0-65535').size, 65536)
})

const MAX = 40
const someRange = fc
  .tuple(fc.integer({ min: 0, max: MAX }), fc.integer({ min: 0, max: MAX }))
  .map(([a, b]): PortRange => [Math.min(a, b), Math.max(a, b)])
/** A set near both ends of the ports, beside the same set kept as single ports. */
const someSet = fc
  .tuple(fc.array(someRange, { maxLength: 6 }), fc.constantFrom(0, 65535 - MAX))
  .map(([list, offset]) => {
    const ranges = list.map(([a, b]): PortRange => [a + offset, b + offset])
    const model = new Set(ranges.flatMap(([a, b]) => Array.from({ length: b - a + 1 }, (_, i) => a + i)))
    return { ranges: PortRanges.from(ranges), model }
  })
const portsOf = (ranges: PortRanges) =>
  [...ranges].flatMap(([a, b]) => Array.from({ length: b - a + 1 }, (_, i) => a + i))
const sorted = (ports: Iterable<number>) => [...ports].sort((a, b) => a - b)

t.test('the operations agree with sets of single ports', async t => {
  fc.assert(
    fc.property(someSet, someSet, (a, b) => {
      const [one, other] = [[...a.model], [...b.model]]
      t.strictSame(portsOf(a.ranges), sorted(one))
      t.equal(a.ranges.size, a.model.size)
      t.strictSame(portsOf(a.ranges.union(b.ranges)), sorted(new Set([...one, ...other])))
      t.strictSame(portsOf(a.ranges.subtract(b.ranges)), sorted(one.filter(port => !b.model.has(port))))
      t.strictSame(portsOf(a.ranges.intersect(b.ranges)), sorted(one.filter(port => b.model.has(port))))
      t.equal(
        a.ranges.overlaps(b.ranges),
        one.some(port => b.model.has(port)),
      )
      t.equal(
        a.ranges.contains(b.ranges),
        other.every(port => a.model.has(port)),
      )
      t.equal(a.ranges.equals(b.ranges), String(sorted(one)) === String(sorted(other)))
      for (const port of [0, 1, MAX, 65535 - MAX, 65535]) t.equal(a.ranges.has(port), a.model.has(port))
    }),
  )
})

t.test('ranges are sorted, do not touch, and survive text and JSON', async t => {
  fc.assert(
    fc.property(someSet, ({ ranges }) => {
      const list = [...ranges]
      t.ok(list.every(([begin], i) => i === 0 || begin > (list[i - 1]?.[1] ?? 0) + 1))
      t.ok(PortRanges.from(ranges.toString()).equals(ranges))
      t.ok(PortRanges.from(`[${String(ranges)}]`).equals(ranges))
      t.ok(PortRanges.from(JSON.parse(JSON.stringify(ranges)) as PortRange[]).equals(ranges))
    }),
  )
})

t.test('a set cannot be changed from outside', async t => {
  const pair: [number, number] = [1, 2]
  const ranges = PortRanges.from([pair])
  pair[1] = 9
  for (const range of ranges.toJSON() as [number, number][]) range[1] = 9
  t.equal(String(ranges), '1-2')
  t.throws(() => {
    for (const range of ranges as Iterable<unknown> as Iterable<[number, number]>) range[1] = 9
  }, TypeError)
  t.equal(String(ranges), '1-2')
})
