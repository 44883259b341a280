import fc from 'fast-check'
import t from 'tap'
import { ephemeralAlignment, ephemeralPlaces } from '../../../src/isolator/ports/ephemeral-places.js'
import { cutIntoBlocks } from '../../../src/isolator/layout/port-blocks.js'
import { PortRanges } from '../../../src/isolator/ports/port-ranges.js'

const places = (ports: string, count: number) => ephemeralPlaces(PortRanges.from(ports), count)

t.test('alignment', async t => {
  t.strictSame([8, 1024, 1000, 600, 10, 65536].map(ephemeralAlignment), [8, 1024, 1024, 128, 2, 32768])
})

t.test('places', async t => {
  t.strictSame(places('32768-34815', 1024), [
    [32768, 33791],
    [33792, 34815],
  ])
  t.equal(places('32768-57344', 1024).length, 24, 'the range in the Mesos documentation')
  t.strictSame(places('32000-34000', 1024), [[32768, 33791]], 'at multiples of a power of two')
  t.strictSame(
    places('1024-1031,2048-2063', 8),
    [
      [1024, 1031],
      [2048, 2055],
      [2056, 2063],
    ],
    'in several ranges',
  )
  t.strictSame(places('65528-65535', 8), [[65528, 65535]], 'up to the last port')
  t.strictSame(places('40000-41023', 1024), [], 'enough ports, but none aligned')
  t.strictSame(places('1024-1040', 10).map(String), ['1024,1033'])
})

t.test('what sizes other than powers of two cost', async t => {
  const most = (count: number) =>
    Math.max(...places('1024-65535', count).map(place => cutIntoBlocks(PortRanges.from([place])).length))
  t.strictSame(
    [8, 16, 64, 512, 1024, 4096, 1000, 600, 10, 100, 1500, 2500].map(count => [count, most(count)]),
    [
      [8, 1],
      [16, 1],
      [64, 1],
      [512, 1],
      [1024, 1],
      [4096, 4],
      [1000, 7],
      [600, 6],
      [10, 3],
      [100, 7],
      [1500, 8],
      [2500, 7],
    ],
  )
})

t.test('places are aligned, disjoint, of the right size and waste at most an eighth', async t => {
  fc.assert(
    fc.property(fc.integer({ min: 8, max: 5000 }), fc.integer({ min: 1024, max: 20000 }), (count, begin) => {
      const list = ephemeralPlaces(PortRanges.from([[begin, 65535]]), count)
      const [first, last] = [list[0], list.at(-1)]
      t.ok(list.every(([a, b]) => b - a + 1 === count && a >= begin && b <= 65535))
      t.ok(list.every(([a], i) => i === 0 || a > (list[i - 1]?.[1] ?? 0)))
      if (first && last && list.length > 1) {
        const stride = (last[0] - first[0]) / (list.length - 1)
        t.ok((stride - count) * 8 <= count, `${count} ports every ${stride}`)
      }
      if ((count & (count - 1)) === 0) t.ok(list.every(([a]) => a % count === 0))
    }),
  )
})
