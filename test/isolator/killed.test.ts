import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { comesTo } from '../helpers/leaks.js'
import { createTopology, HOST_MAC } from '../helpers/topology.js'
import { needsIsolation, OPTIONS } from './isolated-topology.js'
import { changesNothing, filtersOf, settleLoopback } from './kernel-state.js'
import { WatchedState } from './watched-state.js'

// A process for each point.

const FIXTURE = fileURLToPath(new URL('fixtures/killed-in-create.js', import.meta.url))

/** What ended a process that calls create(): SIGKILL before its n-th change, or nothing where it makes fewer. */
async function createUntil(netns: string, n: number): Promise<NodeJS.Signals | undefined> {
  const options = JSON.stringify({ ...OPTIONS, netns })
  const child = fork(FIXTURE, [options, String(n)], { execArgv: [] })
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  if (code !== null && code !== 0) throw new Error(`create() failed: exit code ${code}`)
  return signal ?? undefined
}

t.test(
  'a create() that is killed anywhere is completed by the next, and destroyed',
  needsIsolation(),
  async t => {
    const topology = await createTopology({ containers: 0, prefix: 'i' })
    t.teardown(() => topology.close())
    const { host } = topology
    await settleLoopback(host, HOST_MAC)
    const create = () => PortMappingIsolator.create({ ...OPTIONS, netns: host.name })

    const whole = await create()
    const expected = await filtersOf(host)
    await whole.destroy()

    await using watched = await WatchedState.open(host)
    const before = await watched.lines()
    let kills = 0
    let partial = 0
    await changesNothing(t, [host], async () => {
      while ((await createUntil(host.name, kills + 1)) === 'SIGKILL') {
        kills++
        // What it had sent up to then was for the namespace where features are tried out.
        if (isDeepStrictEqual(await watched.lines(), before)) continue
        const { length } = (await filtersOf(host)).filter(text => text !== '')
        if (length > 0 && length < expected.length) partial++
        const isolator = await create()
        t.strictSame(await filtersOf(host), expected, `killed before change ${kills}: completed`)
        await isolator.destroy()
        await comesTo(t, () => watched.lines(), before, 'and destroyed')
      }
      await (await create()).destroy()
    })
    t.ok(kills > 5, `killed at ${kills} points`)
    t.ok(partial > 0, `of which ${partial} left a part of the filters`)
  },
)
