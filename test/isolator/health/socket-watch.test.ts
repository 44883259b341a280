import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { HostSocket } from '../../../src/isolator/health/isolator-events.js'
import { SockDiagSocket } from '../../../src/sock-diag/index.js'
import { replaceMethod } from '../../helpers/replace-method.js'
import { tcpEcho } from '../../helpers/tcp-traffic.js'
import { firstPort, needsIsolation, preparedTopology, twoContainers } from '../isolated-topology.js'

/** Seconds between two looks. */
const INTERVAL = 0.1

/** Long enough for a few looks, on a busy machine too. */
const SOME_LOOKS = 10 * 1000 * INTERVAL

/** Waits until `count` have been reported. */
async function reported<T>(events: readonly T[], count: number): Promise<void> {
  for (let waited = 0; events.length < count; waited += 20) {
    if (waited > 10_000) throw new Error(`${events.length} of ${count} events`)
    await sleep(20)
  }
}

/** Counts the lists of sockets that are asked for. */
function countLists(t: Test): { count: number } {
  const lists = { count: 0 }
  replaceMethod(
    t,
    SockDiagSocket.prototype,
    'list',
    list =>
      function (...query) {
        lists.count++
        return list.apply(this, query)
      },
  )
  return lists
}

t.test('a port of a container that the host binds later', needsIsolation(), async t => {
  const lists = countLists(t)
  const { isolator, host, c1, c2 } = await twoContainers(t, { hostSocketsInterval: INTERVAL })
  const events: HostSocket[] = []
  const listener = (socket: HostSocket): void => {
    events.push(socket)
  }
  isolator.on('gone', () => undefined)
  const before = lists.count
  await sleep(SOME_LOOKS / 2)
  t.equal(lists.count, before, 'nobody looks without a listener of the event')

  isolator.on('hostSocket', listener)
  {
    await using _server = await tcpEcho(host, '0.0.0.0', c1.port)
    await reported(events, 1)
    t.ok(lists.count > before, 'control: a look asks for a list')
    const [event] = events
    t.match(event, { id: 'web-1', protocol: 'tcp', address: '0.0.0.0', port: c1.port, uid: 0 })
    t.ok((event?.inode ?? 0) > 0)
    await sleep(SOME_LOOKS)
    t.equal(events.length, 1, 'once, however often it is looked')
    await using _other = await tcpEcho(host, '0.0.0.0', c2.port)
    await reported(events, 2)
    t.match(events[1], { id: 'web-2', port: c2.port })
  }
  await sleep(SOME_LOOKS)
  {
    await using _again = await tcpEcho(host, '0.0.0.0', c1.port)
    await reported(events, 3)
    t.match(events[2], { id: 'web-1', port: c1.port }, 'another socket is reported as well')
    isolator.off('hostSocket', listener)
    isolator.on('hostSocket', listener)
    await reported(events, 4)
    t.match(events[3], { id: 'web-1', port: c1.port }, 'a later listener hears of what is there')
  }
  isolator.off('hostSocket', listener)
  await using _unheard = await tcpEcho(host, '0.0.0.0', c1.port)
  await sleep(SOME_LOOKS / 2)
  const after = lists.count
  await sleep(SOME_LOOKS / 2)
  t.equal(lists.count, after, 'nobody looks any more')
  t.equal(events.length, 4)
})

t.test('what isolate() refuses is not reported', needsIsolation(), async t => {
  const { topology, isolator, host } = await preparedTopology(t, {
    containers: 1,
    hostSocketsInterval: INTERVAL,
  })
  const events: HostSocket[] = []
  isolator.on('hostSocket', socket => events.push(socket))
  await using _server = await tcpEcho(host, '0.0.0.0', firstPort(0))
  const ports = [[firstPort(0), firstPort(0)]] as const
  for (let i = 0; i < 40; i++) {
    await t.rejects(isolator.isolate('web-1', { netns: topology.containers[0]!.name, ports }), {
      code: 'ERR_PORTS_IN_USE',
    })
    await sleep(10)
  }
  t.strictSame(events, [])
})

t.test('nothing is looked for where sockets of the host are ignored', needsIsolation(), async t => {
  const { isolator, host, c1 } = await twoContainers(t, {
    hostSockets: 'ignore',
    hostSocketsInterval: INTERVAL,
  })
  const events: HostSocket[] = []
  isolator.on('hostSocket', socket => events.push(socket))
  await using _server = await tcpEcho(host, '0.0.0.0', c1.port)
  await sleep(SOME_LOOKS)
  t.strictSame(events, [])
})

t.test('close() ends it', needsIsolation(), async t => {
  const lists = countLists(t)
  const { isolator } = await twoContainers(t, { hostSocketsInterval: INTERVAL })
  const errors: unknown[] = []
  isolator.on('hostSocket', () => undefined)
  isolator.on('error', error => errors.push(error))
  const before = lists.count
  for (let waited = 0; lists.count === before && waited < 10_000; waited += 20) await sleep(20)
  t.ok(lists.count > before, 'control: it is looked')
  await isolator.close()
  const { count } = lists
  await sleep(SOME_LOOKS / 2)
  t.equal(lists.count, count)
  t.strictSame(errors, [])
})
