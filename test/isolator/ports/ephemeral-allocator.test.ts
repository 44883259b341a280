import fc from 'fast-check'
import t from 'tap'
import { EphemeralAllocator } from '../../../src/isolator/ports/ephemeral-allocator.js'
import { ephemeralPlaces } from '../../../src/isolator/ports/ephemeral-places.js'
import { PortRanges, type PortRange } from '../../../src/isolator/ports/port-ranges.js'

const places = (ports: string, count: number) => ephemeralPlaces(PortRanges.from(ports), count)
const allocator = (ports: string, count: number) => new EphemeralAllocator(PortRanges.from(ports), count)

t.test('first fit', async t => {
  const ephemeral = allocator('32768-36863', 1024)
  t.equal(ephemeral.free, 4)
  const [a, b] = [ephemeral.allocate(), ephemeral.allocate()]
  t.strictSame(
    [a, b],
    [
      [32768, 33791],
      [33792, 34815],
    ],
  )
  t.ok(ephemeral.release(a))
  t.notOk(ephemeral.release(a), 'released already')
  t.notOk(ephemeral.release([33792, 34000]), 'not as it was allocated')
  t.equal(ephemeral.free, 3)
  t.strictSame(ephemeral.allocate(), a)
  t.strictSame(
    [ephemeral.allocate(), ephemeral.allocate()],
    [
      [34816, 35839],
      [35840, 36863],
    ],
  )
  t.throws(() => ephemeral.allocate(), {
    name: 'IsolatorError',
    code: 'ERR_PORTS_EXHAUSTED',
    message: 'The ephemeral ports 32768-36863 are exhausted: beside 4 containers no range of 1024 is left',
  })
})

t.test('ranges to skip', async t => {
  const ephemeral = allocator('32768-35839', 1024)
  const used = 33000
  const skip = ([begin, end]: PortRange) => begin <= used && used <= end
  t.strictSame(ephemeral.allocate(skip), [33792, 34815])
  t.strictSame(ephemeral.allocate(skip), [34816, 35839])
  t.throws(() => ephemeral.allocate(skip), {
    code: 'ERR_PORTS_EXHAUSTED',
    message: /the host uses ports in every range of 1024 that is left, 1 in all/,
    details: { skipped: 1 },
  })
  t.strictSame(ephemeral.allocate(), [32768, 33791], 'skipped for that call only')
})

t.test('recovered ranges', async t => {
  const ephemeral = allocator('32768-36863', 1024)
  ephemeral.allocateExact([33000, 33999])
  t.equal(ephemeral.free, 2, 'lies across two places')
  ephemeral.allocateExact([50000, 50099])
  t.equal(ephemeral.free, 2, 'lies outside of the ports')
  for (const range of [
    [33999, 34000],
    [32000, 33000],
    [33100, 33200],
    [30000, 40000],
    [50099, 50099],
  ] as const) {
    t.throws(() => ephemeral.allocateExact(range), {
      code: 'ERR_PORTS_OVERLAP',
      message: new RegExp(range.join('-')),
    })
  }
  ephemeral.allocateExact([34000, 34001])
  t.strictSame(ephemeral.allocate(), [34816, 35839])
  t.ok(ephemeral.release([33000, 33999]))
  t.equal(ephemeral.free, 2, 'a place is free only when both neighbours are gone')
  t.strictSame(ephemeral.allocate(), [32768, 33791])
  t.ok(ephemeral.release([34000, 34001]))
  t.strictSame(ephemeral.allocate(), [33792, 34815])
  t.ok(ephemeral.release([50000, 50099]))
})

t.test('no port is ever given twice', async t => {
  type Step = ['allocate'] | ['release', number] | ['exact', number, number]
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.constant<Step>(['allocate']),
    fc.nat(30).map((i): Step => ['release', i]),
    fc.tuple(fc.integer({ min: 990, max: 1310 }), fc.nat(40)).map(([a, n]): Step => ['exact', a, a + n]),
  )
  fc.assert(
    fc.property(fc.integer({ min: 8, max: 40 }), fc.array(step, { maxLength: 60 }), (count, steps) => {
      const ephemeral = allocator('1000-1300', count)
      const model: PortRange[] = []
      const clashes = ([a, b]: PortRange) => model.some(([c, d]) => a <= d && c <= b)
      for (const [kind, x = 0, y = 0] of steps) {
        if (kind === 'allocate') {
          const expected = places('1000-1300', count).find(place => !clashes(place))
          if (!expected) t.throws(() => ephemeral.allocate(), { code: 'ERR_PORTS_EXHAUSTED' })
          else {
            t.strictSame(ephemeral.allocate(), expected, 'the first free place')
            model.push(expected)
          }
        } else if (kind === 'release') {
          const [range] = model.splice(x, 1)
          if (range) t.ok(ephemeral.release(range))
        } else if (clashes([x, y])) {
          t.throws(() => ephemeral.allocateExact([x, y]), { code: 'ERR_PORTS_OVERLAP' })
        } else {
          ephemeral.allocateExact([x, y])
          model.push([x, y])
        }
        t.equal(ephemeral.free, places('1000-1300', count).filter(place => !clashes(place)).length)
      }
    }),
  )
})
