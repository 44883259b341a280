import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { allOf } from '../helpers/privilege.js'
import { tcpConnect, tcpEcho } from '../helpers/tcp-traffic.js'
import { HOST_IP } from '../helpers/topology.js'
import { needsIsolation, PATIENTLY } from '../isolator/isolated-topology.js'
import { hasClient, type Ended } from './client-process.js'
import { asked, buildDaemon, callDaemon, get, hostOfDaemon, startDaemon } from './daemon-process.js'

/** How often the daemon, and how often a client, is killed. */
const DAEMON_KILLS = Number(process.env['RTNETLINK_DAEMON_KILLS'] ?? 3)
const CLIENT_KILLS = Number(process.env['RTNETLINK_CLIENT_KILLS'] ?? 10)

t.setTimeout(60_000 + 20_000 * (DAEMON_KILLS + CLIENT_KILLS))
buildDaemon()
const needs = allOf(needsIsolation(), hasClient())

/** Asks again while the answer is to try later, as runtimes do. */
async function persistently(ask: () => Promise<Ended>): Promise<Ended> {
  for (;;) {
    const ended = await ask()
    if (ended.status === 0 || (ended.output as { code?: unknown }).code !== 11) return ended
    await sleep(20)
  }
}

t.test(`the daemon is killed ${DAEMON_KILLS} times under load`, needs, async t => {
  const workers = 4
  const on = await hostOfDaemon(t, { containers: workers + 1 })
  const [still, ...changing] = on.containers
  let daemon = startDaemon(t, on)
  await daemon.prints('isolator created')
  t.match(await asked(on, { command: 'ADD', id: 'still', netns: still!.path, ports: [31900] }), { status: 0 })
  await using echo = await tcpEcho(still!, '0.0.0.0', 31900)

  let stopped = false
  let calls = 0
  const faults: unknown[] = []
  const work = async (i: number): Promise<void> => {
    const call = { id: `web-${i}`, netns: changing[i]!.path, ports: [31_000 + i] }
    while (!stopped) {
      const added = await persistently(() => asked(on, { ...call, command: 'ADD' }))
      // One whose ADD was cut may be there: a runtime that has no answer sends DEL.
      if (added.status !== 0 && (added.output as { code?: unknown }).code !== 107) faults.push(added)
      const deleted = await persistently(() => asked(on, { ...call, command: 'DEL' }))
      if (deleted.status !== 0) faults.push(deleted)
      calls += 2
    }
  }
  const working = changing.map((_, i) => work(i))
  let answered = 0
  let unanswered = 0
  const watching = (async () => {
    while (!stopped) {
      if ((await tcpConnect(on.remote, HOST_IP, echo.port, PATIENTLY)) === 'connected') answered++
      else unanswered++
    }
  })()
  for (let i = 0; i < DAEMON_KILLS; i++) {
    await sleep(300 + Math.random() * 700)
    await daemon.end('SIGKILL')
    daemon = startDaemon(t, on)
    await daemon.prints('isolator created')
  }
  stopped = true
  await Promise.all([...working, watching])
  t.comment(`${calls} calls, ${answered} connections`)
  t.strictSame(faults, [])
  t.equal(unanswered, 0, 'the container that stays was answered all the time')
  t.ok(calls > 2 * DAEMON_KILLS && answered > 0)
  t.strictSame(
    (await PortMappingIsolator.inspect({ netns: on.host.name })).containers.map(({ id }) => id),
    ['shared:still'],
  )
  t.match(await asked(on, { command: 'CHECK', id: 'still', netns: still!.path, ports: [31900] }), {
    status: 0,
  })
  t.match(await asked(on, { command: 'STATUS' }), { status: 0 })
  t.equal(await daemon.end('SIGTERM'), 0)
})

t.test(`a client is killed ${CLIENT_KILLS} times`, needs, async t => {
  const on = await hostOfDaemon(t, { containers: 1 })
  const daemon = startDaemon(t, on)
  await daemon.prints('isolator created')
  const call = { id: 'web-1', netns: on.containers[0]!.path, ports: [31000] }
  for (let i = 0; i < CLIENT_KILLS; i++) {
    const running = callDaemon(on, { ...call, command: i % 2 === 0 ? 'ADD' : 'DEL' })
    await sleep(Math.random() * 30)
    running.child.kill('SIGKILL')
    await running.ended
    // The killed call may be under way: this one comes after it.
    t.match(await asked(on, { ...call, command: 'DEL' }), { status: 0 })
    t.match(await asked(on, { ...call, command: 'ADD' }), { status: 0 })
    t.match(await asked(on, { ...call, command: 'DEL' }), { status: 0 })
  }
  t.strictSame((await PortMappingIsolator.inspect({ netns: on.host.name })).containers, [])
  t.match(await get(on, '/healthz'), { status: 200, body: '{"containers":0}' })
  t.equal(await daemon.end('SIGTERM'), 0)
})
