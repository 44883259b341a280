import { readdir } from 'node:fs/promises'
import t from 'tap'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { NetworkNamespace } from '../../src/netns/network-namespace.js'
import { createTopology, HOST_MAC, type NamespaceRef } from '../helpers/topology.js'
import { needsIsolation, OPTIONS, preparedTopology } from './isolated-topology.js'
import { changesNothing, settleLoopback } from './kernel-state.js'

const nextTurn = () =>
  new Promise<undefined>(resolve => {
    setImmediate(resolve, undefined)
  })

const containerNames = async (): Promise<string[]> =>
  (await readdir('/run/netns')).filter(name => /^pm\d/.test(name))

const create = ({ name }: NamespaceRef) => PortMappingIsolator.create({ ...OPTIONS, netns: name })

t.test('what is called while destroy() is under way leaves nothing', needsIsolation(), async t => {
  const topology = await createTopology({ containers: 3, prefix: 'i' })
  t.teardown(() => topology.close())
  const { host, containers } = topology
  const [c1, c2, c3] = containers as [NamespaceRef, NamespaceRef, NamespaceRef]
  await settleLoopback(host, HOST_MAC)
  await changesNothing(t, [host, c3], async () => {
    const isolator = await create(host)
    await isolator.isolate('web-1', { netns: c1.name })
    const begun = isolator.isolate('web-2', { netns: c2.name })
    const destroyed = isolator.destroy()
    const later: Promise<unknown>[] = []
    const ended = destroyed.then(() => true)
    while (!(await Promise.race([ended, nextTurn()]))) {
      later.push(isolator.isolate(`late-${later.length}`, { netns: c3.name }))
      later.push(isolator.repair())
      for (const call of later) call.catch(() => undefined)
    }
    await begun
    t.ok(later.length > 0)
    for (const call of later) await t.rejects(call, { message: /the isolator is/ })
    t.strictSame(await containerNames(), [])
    await t.rejects(isolator.isolate('web-3', { netns: c3.name }), { message: 'the isolator is closed' })
    await t.rejects(isolator.usage('web-3'), { message: 'the isolator is closed' })
  })
})

t.test('close() waits for what is under way', needsIsolation(), async t => {
  const topology = await createTopology({ containers: 1, prefix: 'i' })
  t.teardown(() => topology.close())
  const { host, containers } = topology
  const isolator = await create(host)
  const isolated = isolator.isolate('web-1', { netns: containers[0]!.name, ports: '31000' })
  const settled = Promise.allSettled([isolated])
  for (let i = 0; i < 3; i++) await nextTurn()
  await isolator.close()
  t.equal((await settled)[0].status, 'fulfilled')
  await t.rejects(isolator.cleanup('web-1'), { message: 'the isolator is closed' })
  await isolator.close()
  const again = await create(host)
  t.strictSame((await again.recover(['web-1'])).recovered, ['web-1'])
  t.strictSame(await again.verify(), [])
  await again.destroy()
})

t.test('isolate() waits for the last recover() of several', needsIsolation(), async t => {
  const { topology, isolator } = await preparedTopology(t, { containers: 1 })
  const first = isolator.recover([])
  const second = isolator.recover(['web-9'])
  const isolated = isolator.isolate('web-1', { netns: topology.containers[0]!.name, ports: '31000' })
  await first
  t.strictSame((await second).missing, ['web-9'])
  t.equal((await isolated).slot, 1)
  t.strictSame(await isolator.verify(), [])
})

t.test('update() does not mistake a later container for the one it was for', needsIsolation(), async t => {
  const { topology, isolator } = await preparedTopology(t, { containers: 2 })
  const [first, second] = topology.containers.map(({ name }) => name) as [string, string]
  await isolator.isolate('web-1', { netns: first, ports: '31000' })
  const isolated = isolator
    .cleanup('web-1')
    .then(() => isolator.isolate('web-1', { netns: second, ports: '31100' }))
  const updates = Array.from({ length: 4 }, async (_, i) => {
    for (let tick = 0; tick < i; tick++) await Promise.resolve()
    return isolator.update('web-1', { ports: '31200' })
  })
  const outcomes = await Promise.allSettled(updates)
  t.ok(outcomes.every(({ status }) => status === 'rejected'))
  t.strictSame((await isolated).ports, [[31_100, 31_100]])
  t.strictSame(await isolator.verify(), [])
})

t.test('a listener that throws keeps nothing from being done', needsIsolation(), async t => {
  const { topology, isolator } = await preparedTopology(t, { containers: 2 })
  for (const [i, { name: netns }] of topology.containers.entries())
    await isolator.isolate(`web-${i}`, { netns })
  const errors: Error[] = []
  const heard: string[] = []
  isolator.on('error', error => errors.push(error))
  isolator.on('gone', ({ id }) => {
    throw new Error(`listener of ${id}`)
  })
  isolator.on('gone', ({ id }) => heard.push(id))
  const watched = isolator.watch('web-1')
  t.strictSame(await isolator.cleanupMany(['web-0', 'web-1']), [true, true])
  t.strictSame(await watched, { id: 'web-1', reason: 'cleanup' })
  t.strictSame(heard, ['web-0', 'web-1'])
  t.strictSame(
    errors.map(({ message }) => message),
    ['listener of web-0', 'listener of web-1'],
  )
  t.strictSame(isolator.list(), [])
})

t.test('isolateMany() takes back what its earlier batches did', needsIsolation(), async t => {
  const { topology, host, isolator } = await preparedTopology(t, {
    containers: 1,
    ephemeralPortsPerContainer: 8,
  })
  const [c1] = topology.containers as [NamespaceRef]
  const spaces = await Promise.all(Array.from({ length: 127 }, () => NetworkNamespace.create()))
  t.teardown(() => {
    for (const netns of spaces) netns.close()
  })
  // What the kernel does not take back, such as lo's MAC, it has from an earlier time.
  await isolator.isolate('web-1', { netns: c1.name })
  await isolator.cleanup('web-1')
  const wanted = [c1.name, ...spaces, host.name].map((netns, i) => ({ id: `web-${i}`, netns }))
  await changesNothing(t, [host, c1], () =>
    t.rejects(isolator.isolateMany(wanted), { code: 'ERR_INVALID_OPTION' }),
  )
  t.strictSame(isolator.list(), [])
  t.strictSame(await containerNames(), [])
})
