import t from 'tap'
import { parseStatisticsOptions } from '../../../src/isolator/options/statistics-options.js'
import { UsageReader, type MeasuredContainer } from '../../../src/isolator/statistics/usage-reader.js'

/** More than are put together in one turn of the event loop. */
const COUNT = 300

t.test('the first failure of many is thrown, and nobody is left with the others', async t => {
  const containers = Array.from({ length: COUNT }, (_, i) => ({ id: `web-${i}`, slot: i + 1 }))
  const rt = {
    linkStatistics: () => Promise.resolve(new Map(containers.map(({ slot }) => [slot, {}]))),
    devices: { interfaceIndex: (name: string) => Number(name.slice(2)) },
  }
  const reader = new UsageReader<MeasuredContainer>(rt as never, [], parseStatisticsOptions({}), error => {
    throw error
  })
  const unhandled: unknown[] = []
  const note = (reason: unknown) => unhandled.push(reason)
  process.prependListener('unhandledRejection', note)
  t.teardown(() => process.removeListener('unhandledRejection', note))
  // Without an ephemeral range, none of them can be told of.
  await t.rejects(reader.readAll(containers as never), { name: 'TypeError' })
  await new Promise(setImmediate)
  t.strictSame(unhandled, [])
})
