import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { createTopology, HOST_MAC } from '../helpers/topology.js'
import { needsIsolation, OPTIONS } from './isolated-topology.js'
import { changesNothing, filtersOf, settleLoopback } from './kernel-state.js'

// A process for each point.
t.setTimeout(190_000)

const FIXTURE = fileURLToPath(new URL('fixtures/killed-in-create.js', import.meta.url))

/** What ended a process that calls create(): SIGKILL before its n-th send, or nothing where it sends fewer times. */
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

    let kills = 0
    let partial = 0
    for (let killed = true; killed;) {
      await changesNothing(t, [host], async () => {
        killed = (await createUntil(host.name, kills + 1)) === 'SIGKILL'
        const { length } = (await filtersOf(host)).filter(text => text !== '')
        if (length > 0 && length < expected.length) partial++
        const isolator = await create()
        t.strictSame(await filtersOf(host), expected, `killed before send ${kills + 1}: completed`)
        await isolator.destroy()
      })
      if (killed) kills++
    }
    t.ok(kills > 5, `killed at ${kills} points`)
    t.ok(partial > 0, `of which ${partial} left a part of the filters`)
  },
)
