import { memoryUsage } from 'node:process'
import t from 'tap'
import { needsIsolation, preparedTopology } from './isolated-topology.js'
import { changesNothing } from './kernel-state.js'

/** RTNETLINK_CYCLES=1000 for a longer look at the memory. */
const CYCLES = Number(process.env['RTNETLINK_CYCLES'] ?? 200)
const AT_ONCE = 8
/** What the heap may have grown by for reasons of its own, bytes. */
const TOLERANCE = 40e6

t.test(`${CYCLES} containers come and go`, needsIsolation(), async t => {
  const { topology, host, isolator } = await preparedTopology(t, { containers: AT_ONCE })
  const round = (n: number): Promise<unknown> =>
    Promise.all(
      topology.containers.map(async ({ name }, i) => {
        await isolator.isolate(`c${i}-${n}`, { netns: name, ports: [[31_000 + 16 * i, 31_012 + 16 * i]] })
        await isolator.cleanup(`c${i}-${n}`)
      }),
    )
  // Namespaces keep sysctls; code gets compiled, and the heap as large as it is to be.
  for (let i = 0; i < 20; i++) await round(i)
  const resident = memoryUsage.rss()
  const rounds = Math.ceil(CYCLES / AT_ONCE)
  await changesNothing(t, [host, ...topology.containers], async () => {
    const began = performance.now()
    for (let i = 0; i < rounds; i++) await round(i)
    const ms = (performance.now() - began) / (rounds * AT_ONCE)
    t.comment(`${ms.toFixed(2)} ms for isolate() and cleanup(), ${AT_ONCE} at once`)
  })
  const grown = memoryUsage.rss() - resident
  t.comment(`resident memory: ${(resident / 1e6).toFixed(1)} MB, grown by ${(grown / 1e6).toFixed(1)} MB`)
  t.ok(grown < TOLERANCE)
  t.strictSame(isolator.list(), [])
})
