import { once } from 'node:events'
import t, { type Test } from 'tap'
import { tcBatch } from '../helpers/iproute2.js'
import { tcpConnect, tcpEcho, tcpExchange } from '../helpers/tcp-traffic.js'
import { tcpServerIn, tcpSocketIn } from '../helpers/namespace-sockets.js'
import { HOST_IP } from '../helpers/topology.js'
import { needsIsolation, preparedTopology, twoContainers } from './isolated-topology.js'
import { filtersOf, stateOf } from './kernel-state.js'

t.test('ports come and go', needsIsolation(), async t => {
  const { remote, isolator, c1, c2 } = await twoContainers(t)
  const reach = (port: number, timeout = 5000) => tcpConnect(remote, HOST_IP, port, { timeout })
  await using kept = await tcpEcho(c1, '0.0.0.0', 31_000)
  await using lost = await tcpEcho(c1, '0.0.0.0', 31_006)
  await using won = await tcpEcho(c1, '0.0.0.0', 31_500)
  t.equal(await reach(lost.port), 'connected', 'a port that is going to be taken away')
  t.equal(await reach(won.port, 400), 'refused', 'one that is going to be given is the host’s')

  const info = await isolator.update('web-1', { ports: '31000-31003,31500-31501' })
  t.strictSame(info.ports, [
    [31_000, 31_003],
    [31_500, 31_501],
  ])
  t.strictSame(isolator.get('web-1'), info)
  t.equal(await reach(kept.port), 'connected')
  t.equal(await reach(won.port), 'connected')
  t.equal(await reach(lost.port, 400), 'refused', 'by the host, whose port it is again')
  const fromNew = await tcpExchange(c1, '10.9.0.1', 9, Buffer.alloc(0), { localPort: 31_501, timeout: 5000 })
  t.equal(fromNew.outcome, 'refused', 'the new port can be used as a source')
  const fromOld = await tcpExchange(c1, '10.9.0.1', 9, Buffer.alloc(0), { localPort: 31_007, timeout: 400 })
  t.equal(fromOld.outcome, 'timeout', 'the old one cannot')

  const other = await isolator.update('web-2', { ports: '31006' })
  t.strictSame(other.ports, [[31_006, 31_006]], 'and somebody else can have it')
  await using taken = await tcpEcho(c2, '0.0.0.0', 31_006)
  t.equal(await reach(taken.port), 'connected')
})

t.test('the same as if it had been isolated like that', needsIsolation(), async t => {
  const fresh = await preparedTopology(t, { containers: 1 })
  const updated = await preparedTopology(t, { containers: 1 })
  const ports = '31001-31040,31900-31999'
  await fresh.isolator.isolate('web-1', { netns: fresh.topology.containers[0]!.name, ports })
  const { link } = await updated.isolator.isolate('web-1', {
    netns: updated.topology.containers[0]!.name,
    ports: '31000-31007,31032,31039-31100',
  })
  await updated.isolator.update('web-1', { ports })
  const withoutName = (filters: string[]): string[] =>
    filters.map(text =>
      text.replaceAll(/\bpm\d+\b/g, 'pm').replaceAll(/(index|fh 3::|order) ?[0-9a-f]+/g, '$1 N'),
    )
  t.strictSame(withoutName(await filtersOf(updated.host)), withoutName(await filtersOf(fresh.host)))
  t.match(link, /^pm\d+$/)
})

t.test('a stream on a kept port flows on', needsIsolation(), async t => {
  const { remote, isolator, c1 } = await twoContainers(t)
  const server = await tcpServerIn(c1, '0.0.0.0', 31_000)
  t.teardown(() => server.close())
  server.on('connection', socket => socket.pipe(socket))
  const client = tcpSocketIn(remote)
  t.teardown(() => client.destroy())
  client.connect(31_000, HOST_IP)
  const sets = ['31000-31007', '31000', '31000-31001,31400-31499', '31000-31003,31300-31331']
  for (let i = 0; i < 40; i++) {
    const echoed = once(client, 'data')
    client.write(`${i}`)
    await isolator.update('web-1', { ports: sets[i % sets.length]! })
    t.equal(((await echoed) as [Buffer])[0].toString(), `${i}`)
  }
})

t.test('what update() refuses leaves everything as it was', needsIsolation(), async t => {
  const { host, isolator, c1 } = await twoContainers(t)
  await using listener = await tcpEcho(host, '0.0.0.0', 31_700)
  // A program that was replaced and put back has an action with another number.
  const state = async (): Promise<unknown> => {
    const { namespaces, sysctls } = await stateOf([host, c1])
    const tables = Object.values(namespaces).map(({ actions: _actions, ...others }) => others)
    return JSON.parse(JSON.stringify([tables, sysctls]).replaceAll(/index \d+/g, 'index N'))
  }
  const unchanged = async (
    t: Test,
    ports: string,
    error: { code: string; message?: RegExp },
  ): Promise<void> => {
    const before = await state()
    await t.rejects(isolator.update('web-1', { ports }), error)
    t.strictSame(await state(), before)
    t.strictSame(isolator.get('web-1'), c1.info)
  }
  await unchanged(t, '31008', {
    code: 'ERR_PORTS_OVERLAP',
    message: /'web-1' asks for port 31008, which 'web-2' has/,
  })
  await unchanged(t, '2000', { code: 'ERR_PORTS_UNMANAGED' })
  await unchanged(t, `${listener.port}`, { code: 'ERR_PORTS_IN_USE' })
  await t.rejects(isolator.update('web-9', {}), { code: 'ERR_CONTAINER_UNKNOWN' })
  await t.rejects(isolator.update('web-1', { netns: 1 } as object), { code: 'ERR_INVALID_OPTION' })

  // In the way of the port's node on eth0; those on lo and the programs come before it and have to be taken back.
  const node = (verb: string) => [
    `filter ${verb} dev eth0 ingress prio 1020 protocol ip handle 11e:1b:18 u32 ht 11e:1b: match u32 0 0 action mirred egress redirect dev lo`,
  ]
  await tcBatch(host.name, node('add'))
  await unchanged(t, '31160', { code: 'ERR_FOREIGN_STATE' })
})

t.test('update() during isolate() and cleanup()', needsIsolation(), async t => {
  const { topology, isolator } = await preparedTopology(t, { containers: 1 })
  const { name: netns } = topology.containers[0]!
  const isolated = isolator.isolate('web-1', { netns, ports: '31000' })
  await new Promise(setImmediate)
  const updated = isolator.update('web-1', { ports: '31001' })
  await isolated
  t.strictSame((await updated).ports, [[31_001, 31_001]], 'waits for it')
  const cleaned = isolator.cleanup('web-1')
  await t.rejects(isolator.update('web-1', { ports: '31002' }), { code: 'ERR_CONTAINER_UNKNOWN' })
  t.equal(await cleaned, true)
})
