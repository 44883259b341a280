import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { createTopology } from '../helpers/topology.js'
import { needsIsolation } from '../isolator/isolated-topology.js'
import { comparableState, isAlike } from '../isolator/kernel-state.js'
import { buildDaemon } from './daemon-process.js'
import { call, mapped, startCall } from './plug-in-process.js'

/** How often the plug-in, without a daemon, is killed at a random moment. */
const KILLS = Number(process.env['RTNETLINK_PLUG_IN_KILLS'] ?? 4)

t.setTimeout(120_000 + 20_000 * KILLS)
buildDaemon()

t.test(`the plug-in in node is killed ${KILLS} times`, needsIsolation(), async t => {
  const topology = await createTopology({ containers: 2, prefix: 'k' })
  const { host } = topology
  t.teardown(async () => {
    await PortMappingIsolator.remove({ netns: host.name })
    await topology.close()
  })
  const [one, other] = topology.containers.map(({ path }) => path)
  const options = { netns: one!, config: mapped(31_000, 31_001) }
  const began = performance.now()
  t.match(await call(host, 'ADD', options), { status: 0 })
  const lasts = performance.now() - began
  t.match(await call(host, 'DEL', options), { status: 0 })
  const before = await comparableState([host])
  let cut = 0
  for (let i = 0; i < KILLS; i++) {
    // An ADD, a DEL, and an ADD that replaces: of the last two there is a container before.
    const kind = i % 3
    if (kind > 0) t.match(await call(host, 'ADD', options), { status: 0 })
    const running = startCall(
      host,
      kind === 1 ? 'DEL' : 'ADD',
      kind === 2 ? { ...options, netns: other! } : options,
    )
    await sleep(Math.random() * lasts)
    running.child.kill('SIGKILL')
    if ((await running.answer).status === null) cut++
    t.match(await call(host, 'DEL', options), { status: 0 }, `DEL after kill ${i}`)
    const added = await call(host, 'ADD', options)
    t.equal(added.status, 0, `ADD after kill ${i}: ${JSON.stringify(added.result)}`)
    t.match(await call(host, 'CHECK', options), { status: 0 }, `CHECK after kill ${i}`)
    t.match(await call(host, 'DEL', options), { status: 0 })
    t.strictSame((await PortMappingIsolator.inspect({ netns: host.name })).containers, [])
  }
  t.comment(`${cut} of ${KILLS} calls were cut; an ADD takes ${Math.round(lasts)} ms`)
  await isAlike(t, [host], before, 'nothing is left on the host')
  t.strictSame(
    readdirSync('/run/netns').filter(name => /^pm\d/.test(name)),
    [],
  )
})
