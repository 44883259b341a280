import t from 'tap'
import { ip } from '../helpers/iproute2.js'
import { tcpConnect, tcpEcho } from '../helpers/tcp-traffic.js'
import { SocketFaults } from '../helpers/socket-faults.js'
import { HOST_IP } from '../helpers/topology.js'
import { firstPort, needsIsolation, PATIENTLY, preparedTopology } from './isolated-topology.js'
import { changesNothing } from './kernel-state.js'

const COUNT = 6

t.test('many at once', needsIsolation(), async t => {
  const { topology, host, remote, isolator } = await preparedTopology(t, { containers: COUNT })
  const wanted = topology.containers.map(({ name: netns }, i) => ({
    ...{ id: `web-${i}`, netns },
    ports: `${firstPort(i)}-${firstPort(i) + 7}`,
  }))
  await changesNothing(t, [host], async () => {
    const infos = await isolator.isolateMany(wanted)
    t.strictSame(
      infos.map(({ id }) => id),
      wanted.map(({ id }) => id),
    )
    t.strictSame(isolator.list(), infos)
    for (const [i, namespace] of topology.containers.entries()) {
      await using server = await tcpEcho(namespace, '0.0.0.0', firstPort(i))
      t.equal(await tcpConnect(remote, HOST_IP, server.port, PATIENTLY), 'connected')
    }
    // Somebody else's link, and one that is gone already.
    await ip(host.name, 'link add other type veth peer name another')
    await ip(host.name, `link del ${infos[1]!.link}`)
    const ids = ['web-0', 'web-9', ...infos.map(({ id }) => id), 'web-0']
    t.strictSame(
      await isolator.cleanupMany(ids),
      ids.map(id => id !== 'web-9'),
    )
    t.strictSame(isolator.list(), [])
    await ip(host.name, 'link del other')
  })
  t.strictSame(await isolator.cleanupMany(ids(3)), [false, false, false])
  t.strictSame(await isolator.cleanupMany([]), [])
  t.strictSame(await isolator.isolateMany([]), [])
})

t.test('cleanupMany() whose messages are not sent', needsIsolation(), async t => {
  const faults = new SocketFaults()
  t.teardown(() => {
    faults.restore()
  })
  const { topology, isolator } = await preparedTopology(t, { containers: 3 })
  const wanted = topology.containers.map(({ name: netns }, i) => ({ id: `web-${i}`, netns }))
  isolator.on('error', () => undefined)
  await isolator.isolateMany(wanted)
  const { error } = await faults.during({ fault: 'unsent', at: 0 }, () => isolator.cleanupMany(ids(3)))
  t.match(error, { code: 'ERR_NOT_REMOVED', details: { ids: ids(3) } })
  t.strictSame(await isolator.cleanupMany(ids(3)), [true, true, true], 'they are there to be removed')
})

const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `web-${i}`)

t.test('all or none', needsIsolation(), async t => {
  const { topology, host, isolator } = await preparedTopology(t, { containers: 3 })
  const wanted = topology.containers.map(({ name: netns }, i) => ({ id: `web-${i}`, netns, ports: '' }))
  await using listener = await tcpEcho(host, '0.0.0.0', 31_500)
  const failures: [change: object, code: string][] = [
    [{ id: 'web-0' }, 'ERR_CONTAINER_EXISTS'],
    [{ netns: wanted[1]!.netns }, 'ERR_CONTAINER_EXISTS'],
    [{ netns: host.name }, 'ERR_INVALID_OPTION'],
    [{ netns: 'nowhere' }, 'ERR_INVALID_OPTION'],
    [{ ports: '2000' }, 'ERR_PORTS_UNMANAGED'],
    [{ ports: `${listener.port}` }, 'ERR_PORTS_IN_USE'],
  ]
  for (const [change, code] of failures)
    await changesNothing(t, [host], () =>
      t.rejects(isolator.isolateMany([...wanted.slice(0, 2), { ...wanted[2]!, ...change }]), { code }),
    )
  // The name of the last one's veth is taken: found when all the others are made.
  await ip(host.name, 'link add pm3 type veth peer name foreign')
  await changesNothing(t, [host], () =>
    t.rejects(isolator.isolateMany(wanted), { code: 'ERR_FOREIGN_STATE' }),
  )
  t.strictSame(isolator.list(), [])
})

t.test('what is no list of them', needsIsolation(), async t => {
  const { topology, host, isolator } = await preparedTopology(t, { containers: 1 })
  const netns = topology.containers[0]!.name
  const refused = (call: Promise<unknown>, message: string) =>
    t.rejects(call, { name: 'IsolatorError', code: 'ERR_INVALID_OPTION', message }, message)
  await changesNothing(t, [host], async () => {
    const noLists: [value: unknown, shown: string][] = [
      [null, 'null'],
      [undefined, 'undefined'],
      ['web-1', "'web-1'"],
      [{ id: 'web-1', netns }, 'an object'],
      [new Map(), 'an object'],
    ]
    for (const [value, shown] of noLists) {
      await refused(
        isolator.isolateMany(value as never),
        `containers is ${shown}: expected a list, each an object with netns, id`,
      )
      await refused(isolator.cleanupMany(value as never), `ids is ${shown}: expected a list of ids`)
      await refused(isolator.recover(value as never), `known is ${shown}: expected 'all', or a list of ids`)
    }
    for (const item of [null, undefined, 'web-2', 7])
      await refused(
        isolator.isolateMany([{ id: 'web-1', netns }, item as never]),
        `containers[1] is ${typeof item === 'string' ? `'${item}'` : item}: expected an object with netns, id`,
      )
    await refused(
      isolator.isolateMany([{ id: 'web-1', netns }, { netns } as never]),
      'containers[1].id is missing: expected 1 to 200 bytes without space, slash and control characters',
    )
  })
  t.strictSame(isolator.list(), [])
})
