import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Gone } from '../../src/isolator/health/isolator-events.js'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import type { Repair } from '../../src/isolator/health/repair.js'
import { ip, ipJson, run } from '../helpers/iproute2.js'
import { HOST_MAC } from '../helpers/topology.js'
import { needsIsolation, OPTIONS, twoContainers } from './isolated-topology.js'

/** The next event of a kind. */
const next = <T>(isolator: PortMappingIsolator, event: 'gone' | 'repaired'): Promise<T> =>
  new Promise(resolve => {
    const listener = (told: unknown): void => {
      isolator.off(event, listener)
      resolve(told as T)
    }
    isolator.on(event, listener)
  })

t.test('a container that goes is told of, and its filters go with it', needsIsolation(), async t => {
  const { isolator, c1, c2 } = await twoContainers(t)
  const told: Gone[] = []
  isolator.on('gone', gone => told.push(gone))

  await t.test('it deletes its interface', async t => {
    const gone = isolator.watch('web-1')
    await ip(c1.name, 'link del eth0')
    t.strictSame(await gone, { id: 'web-1', reason: 'link' })
    t.equal(isolator.get('web-1'), undefined)
    t.strictSame(await isolator.verify(), [], 'no node leads nowhere')
    t.equal(await isolator.cleanup('web-1'), false)
  })

  await t.test('another time', async t => {
    await isolator.isolate('web-1', { netns: c1.name })
    const gone = isolator.watch('web-1')
    await ip(c1.name, 'link del eth0')
    t.strictSame(await gone, {
      id: 'web-1',
      reason: 'link',
    })
  })

  await t.test('its namespace ends', async t => {
    const gone = isolator.watch('web-2')
    await run('ip', ['netns', 'delete', 'pm2'])
    await run('ip', ['netns', 'delete', c2.name])
    t.strictSame(await gone, { id: 'web-2', reason: 'link' })
  })

  await t.test('it is cleaned up', async t => {
    await isolator.isolate('web-3', { netns: c1.name })
    const gone = Promise.all([isolator.watch('web-3'), isolator.watch('web-3')])
    await isolator.cleanup('web-3')
    t.strictSame(await gone, [
      { id: 'web-3', reason: 'cleanup' },
      { id: 'web-3', reason: 'cleanup' },
    ])
  })
  t.strictSame(
    told.map(({ id, reason }) => `${id} ${reason}`),
    ['web-1 link', 'web-1 link', 'web-2 link', 'web-3 cleanup'],
  )
})

t.test('nobody waits for ever', needsIsolation(), async t => {
  const { isolator, host } = await twoContainers(t)
  await t.rejects(isolator.watch('web-3'), { code: 'ERR_CONTAINER_UNKNOWN' })
  await t.rejects(isolator.watch('web-1', { signal: AbortSignal.abort() }), { name: 'AbortError' })
  const abort = new AbortController()
  const aborted = isolator.watch('web-1', { signal: abort.signal })
  abort.abort()
  await t.rejects(aborted, { name: 'AbortError' })
  const other = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
  await other.recover(['web-1', 'web-2'])
  const closed = other.watch('web-1')
  await Promise.all([other.close(), t.rejects(closed, { message: 'the isolator is closed' })])
})

t.test('changes of the public interface are followed', needsIsolation(), async t => {
  const { isolator, host } = await twoContainers(t)
  const mtus = async (): Promise<unknown[]> =>
    (await ipJson(host.name, 'link show')).flatMap(({ ifname, mtu }) =>
      /^(pm\d+|lo)$/.test(String(ifname)) ? [mtu] : [],
    )

  const repaired = next<Repair>(isolator, 'repaired')
  await ip(host.name, 'link set eth0 mtu 1400')
  t.strictSame((await repaired).left, [])
  t.strictSame(await mtus(), [1400, 1400, 1400])
  t.strictSame(await isolator.verify(), [])

  const loopback = next<Repair>(isolator, 'repaired')
  await ip(host.name, 'link set lo address 02:00:00:00:00:77')
  t.match((await loopback).repaired, [{ object: `ip link set dev lo address ${HOST_MAC}` }])

  const down = next<Repair>(isolator, 'repaired')
  await ip(host.name, 'link set eth0 down')
  t.match(await down, { repaired: [], left: [{ object: 'ip link set dev eth0 up', foreign: true }] })
  await ip(host.name, 'link set eth0 up')
})

t.test('a process ends', needsIsolation(), async t => {
  const { isolator } = await twoContainers(t)
  const own = readlinkSync('/proc/self/ns/net')
  const start = async (): Promise<ChildProcess & { pid: number }> => {
    const child = spawn('unshare', ['--net', 'sleep', '600'], { stdio: 'ignore' })
    t.teardown(() => child.kill('SIGKILL'))
    await once(child, 'spawn')
    while (readlinkSync(`/proc/${child.pid}/ns/net`) === own) await sleep(5)
    return child as ChildProcess & { pid: number }
  }
  const [first, second] = [await start(), await start()]
  await isolator.isolate('by-pid', { netns: first.pid })
  const gone = isolator.watch('by-pid')
  await isolator.isolate('by-path', { netns: `/proc/${second.pid}/ns/net`, pid: second.pid })
  first.kill('SIGKILL')
  t.strictSame(await gone, { id: 'by-pid', reason: 'exit' })
  t.ok(isolator.get('by-path'), 'the other one goes on')
  const other = isolator.watch('by-path')
  second.kill('SIGKILL')
  t.strictSame(await other, { id: 'by-path', reason: 'exit' }, 'isolated after the watch began')
  t.strictSame(await isolator.verify(), [])
  for (const pid of [first.pid, 0, 1.5])
    await t.rejects(isolator.isolate('late', { netns: '/proc/self/ns/net', pid }), {
      code: 'ERR_INVALID_OPTION',
      message: /^pid is /,
    })
})
