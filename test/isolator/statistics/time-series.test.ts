import t from 'tap'
import { TimeSeries } from '../../../src/isolator/statistics/time-series.js'

/** A series in which each value is the time it was added at. */
function seriesOf(window: number, capacity: number, times: readonly number[]): number[] {
  const series = new TimeSeries<number>(window, capacity)
  for (const time of times) series.add(time, time)
  return series.values
}

const upTo = (last: number): number[] => Array.from({ length: last + 1 }, (_, i) => i)

t.test('what is as old as the window is dropped', async t => {
  t.strictSame(seriesOf(10, 100, upTo(9)), upTo(9))
  t.strictSame(seriesOf(10, 100, upTo(10)), upTo(10).slice(1), 'a value at the edge goes')
  t.strictSame(seriesOf(10, 100, [0, 1, 50]), [50], 'the latest stays')
})

// The examples in the comments of process/timeseries.hpp.
t.test('a capacity of 7 thins out as in Mesos', async t => {
  t.strictSame(seriesOf(1000, 7, upTo(6)), upTo(6))
  t.strictSame(seriesOf(1000, 7, upTo(7)), [0, 2, 3, 4, 5, 6, 7])
  t.strictSame(seriesOf(1000, 7, upTo(8)), [0, 2, 4, 5, 6, 7, 8])
  t.strictSame(seriesOf(1000, 7, upTo(9)), [0, 2, 4, 6, 7, 8, 9])
  t.strictSame(seriesOf(1000, 7, upTo(10)), [0, 2, 4, 6, 8, 9, 10])
  t.strictSame(seriesOf(1000, 7, upTo(11)), [0, 4, 6, 8, 9, 10, 11], 'past the middle it begins anew')
})

t.test('thinning out goes on where it was when old values expire', async t => {
  const series = new TimeSeries<number>(8, 5)
  for (const time of upTo(6)) series.add(time, time)
  t.strictSame(series.values, [0, 2, 4, 5, 6])
  series.add(9, 9)
  t.strictSame(series.values, [2, 4, 5, 6, 9], '0 has expired; nothing need go')
  series.add(9.5, 9.5)
  t.strictSame(series.values, [2, 4, 6, 9, 9.5], 'the next to go was 5')
})

t.test('a capacity below 3 is 3', async t => t.strictSame(seriesOf(1000, 0, upTo(4)).length, 3))
