import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { HostContext } from '../../../src/isolator/host/context.js'
import { HostTurns } from '../../../src/isolator/host/turns.js'
import { NetworkNamespace } from '../../../src/netns/network-namespace.js'
import { RtnetlinkSocket } from '../../../src/rtnetlink-socket.js'
import { createTopology } from '../../helpers/topology.js'
import { needsIsolation } from '../isolated-topology.js'

const HOLDER = fileURLToPath(new URL('../fixtures/holds-host.ts', import.meta.url))
const PATIENCE_MS = 3000
const NO_DUTIES = {
  seeOthers: () => Promise.resolve(false),
  finish: () => Promise.resolve(),
  removeEnded: () => Promise.resolve(),
}

t.test('a call that comes later has its own time to wait for a host', needsIsolation(), async t => {
  await using topology = await createTopology({ containers: 0, prefix: 'i' })
  const { host } = topology
  await using netns = NetworkNamespace.open(host.name)
  await using rt = await RtnetlinkSocket.open({ netns })
  const turns = new HostTurns({ netns, rt } as unknown as HostContext, NO_DUTIES, PATIENCE_MS)
  const holder = fork(HOLDER, [host.name])
  t.teardown(() => holder.kill('SIGKILL'))
  await once(holder, 'message')

  /** Looks after a while. Resolves with what comes of it, and how long that took. */
  const later = async (ms: number): Promise<{ result: string; took: number }> => {
    await new Promise(resolve => setTimeout(resolve, ms))
    const begin = performance.now()
    const result = await turns
      .look(() => Promise.resolve('looked'))
      .catch((error: NodeJS.ErrnoException) => String(error.code))
    return { result, took: performance.now() - begin }
  }

  await t.test('until that is over', async t => {
    for (const { result, took } of await Promise.all([0, 600, 1200].map(later))) {
      t.equal(result, 'ERR_HOST_BUSY')
      t.ok(took >= PATIENCE_MS, `${took} ms`)
    }
  })

  await t.test('and gets its turn meanwhile', async t => {
    const [first, second] = [later(0), later(PATIENCE_MS - 100)]
    t.match(await first, { result: 'ERR_HOST_BUSY' })
    holder.kill('SIGKILL')
    t.match(await second, { result: 'looked' })
    t.match(await later(0), { result: 'looked' })
  })
})
