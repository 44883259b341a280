import { execFileSync, spawn } from 'node:child_process'
import { channel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import type { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { NetworkNamespace } from '../../src/netns/network-namespace.js'
import { ip, run, tc } from '../helpers/iproute2.js'
import { tcpConnect, tcpEcho } from '../helpers/tcp-traffic.js'
import { HOST_IP, type NamespaceRef } from '../helpers/topology.js'
import { needsIsolation, PATIENTLY, preparedTopology, type TopologyOfIsolator } from './isolated-topology.js'
import { changesNothing } from './kernel-state.js'

async function world(t: Test, options: TopologyOfIsolator = {}) {
  const prepared = await preparedTopology(t, options)
  const { containers } = prepared.topology
  for (const container of containers) await settle(prepared.isolator, container)
  const [c1, c2] = containers as [NamespaceRef, NamespaceRef]
  return { ...prepared, containers, c1, c2, everywhere: [prepared.host, ...containers] }
}

/** Isolates a namespace once: it keeps the sysctls and the settings of its lo that it was given. Tells its link. */
async function settle(isolator: PortMappingIsolator, { name }: NamespaceRef): Promise<string> {
  const { link } = await isolator.isolate('first', { netns: name })
  await isolator.cleanup('first')
  return link
}

t.test('what isolate() refuses, before it touches the kernel', needsIsolation(), async t => {
  const { isolator, c1, c2, everywhere } = await world(t, { ephemeralPorts: '20480-21503' })
  await isolator.isolate('web-1', { netns: c1.name, ports: '31000-31007' })
  const netns = c2.name
  const refusals: [id: unknown, options: unknown, code: string, message: RegExp][] = [
    ['', { netns }, 'ERR_INVALID_OPTION', /^id is ''/],
    ['a b', { netns }, 'ERR_INVALID_OPTION', /^id is 'a b'/],
    ['a/b', { netns }, 'ERR_INVALID_OPTION', /^id is 'a\/b'/],
    ['a\nb', { netns }, 'ERR_INVALID_OPTION', /^id is/],
    ['\ud800', { netns }, 'ERR_INVALID_OPTION', /^id is/],
    ['é'.repeat(101), { netns }, 'ERR_INVALID_OPTION', /^id is/],
    [7, { netns }, 'ERR_INVALID_OPTION', /^id is 7/],
    ['web-2', undefined, 'ERR_INVALID_OPTION', /^options is undefined: expected an object/],
    ['web-2', {}, 'ERR_INVALID_OPTION', /^netns is missing/],
    ['web-2', { netns: {} }, 'ERR_INVALID_OPTION', /^netns is/],
    ['web-2', { netns, port: 31_500 }, 'ERR_INVALID_OPTION', /^unknown 'port', did you mean 'ports'/],
    ['web-2', { netns, ports: '31500-31400' }, 'ERR_INVALID_OPTION', /backwards/],
    ['web-2', { netns, ports: '30999' }, 'ERR_PORTS_UNMANAGED', /'web-2' asks for 30999/],
    ['web-2', { netns, ports: '31006-31008' }, 'ERR_PORTS_OVERLAP', /port 31006, which 'web-1' has/],
    ['web-1', { netns, ports: '31000-31007' }, 'ERR_CONTAINER_EXISTS', /'web-1' is isolated already/],
    ['web-2', { netns }, 'ERR_PORTS_EXHAUSTED', /20480-21503 are exhausted/],
  ]
  await changesNothing(t, everywhere, async () => {
    for (const [id, options, code, message] of refusals) {
      const what = `${JSON.stringify(id)} ${JSON.stringify(options)}`
      await t.rejects(
        isolator.isolate(id as string, options as never),
        { name: 'IsolatorError', code, message },
        what,
      )
    }
    await t.rejects(isolator.cleanup('a b'), { code: 'ERR_INVALID_OPTION' })
    t.equal(await isolator.cleanup('web-2'), false, 'an unknown id')
    await t.rejects(isolator.usage('web-2'), { code: 'ERR_CONTAINER_UNKNOWN' })
    t.throws(() => isolator.explain('web-2'), { code: 'ERR_CONTAINER_UNKNOWN' })
    t.equal(isolator.get('web-2'), undefined)
    t.strictSame(
      isolator.list().map(({ id }) => id),
      ['web-1'],
    )
  })
})

t.test('a namespace that cannot be isolated', needsIsolation(), async t => {
  const { isolator, host, c1, c2, everywhere } = await world(t)
  await isolator.isolate('web-1', { netns: c1.name })
  const closed = NetworkNamespace.open(c2.name)
  closed.close()
  await changesNothing(t, everywhere, async () => {
    await t.rejects(isolator.isolate('web-2', { netns: host.name }), {
      code: 'ERR_INVALID_OPTION',
      message: /not the host's/,
    })
    await t.rejects(isolator.isolate('web-2', { netns: c1.path }), {
      code: 'ERR_CONTAINER_EXISTS',
      message: /as 'web-1'/,
    })
    await t.rejects(isolator.isolate('web-2', { netns: 'no-such-namespace' }), {
      code: 'ERR_INVALID_OPTION',
      message: /^netns is 'no-such-namespace'/,
    })
    for (const netns of ['/dev/null', '/no/such/path', '/etc', 2 ** 31 - 1, closed])
      await t.rejects(isolator.isolate('web-2', { netns }), {
        code: 'ERR_INVALID_OPTION',
        message: /^netns is/,
      })
  })
  await t.resolves(isolator.isolate('web-2', { netns: c2.path }), 'and one that can')
})

t.test('a failure at any step is taken back', needsIsolation(), async t => {
  const fails = (
    name: string,
    make: (w: Awaited<ReturnType<typeof world>>, link: string) => Promise<unknown>,
    error: { name: string; code: string },
  ) =>
    t.test(name, async t => {
      const w = await world(t)
      const link = await settle(w.isolator, w.c1)
      await make(w, link)
      const [listed, ports] = [w.isolator.list(), '31000-31007']
      await changesNothing(t, w.everywhere, async () => {
        await t.rejects(w.isolator.isolate('web-1', { netns: w.c1.name, ports }), error)
      })
      t.strictSame(w.isolator.list(), listed)
    })

  const foreign = { name: 'IsolatorError', code: 'ERR_FOREIGN_STATE' }
  await fails(
    "somebody's link of the same name",
    ({ host }, link) => ip(host.name, `link add ${link} type veth peer name other`),
    foreign,
  )
  await fails(
    "somebody's eth0 inside",
    ({ c1 }) => ip(c1.name, 'link add eth0 type veth peer name other'),
    foreign,
  )
  await fails("somebody's qdisc on lo inside", ({ c1 }) => tc(c1.name, 'qdisc add dev lo ingress'), foreign)
  for (const dev of ['eth0', 'lo']) {
    await fails(
      `somebody's node on a handle of ${dev}`,
      // Ports 31000 to 31007 are 0x7918 on: bucket 0x1e, then 17.
      ({ host }) =>
        tc(
          host.name,
          `filter add dev ${dev} ingress prio 1020 protocol ip handle 11e:11:3 u32 ht 11e:11: match u32 0 0`,
        ),
      foreign,
    )
  }
})

t.test('what somebody adds inside meanwhile is refused, and stays', needsIsolation(), async t => {
  const { isolator, c1, everywhere } = await world(t)
  const requests = channel('rtnetlink:request')
  const add = (message: unknown): void => {
    if ((message as { name: string }).name !== 'RTM_NEWLINK') return
    requests.unsubscribe(add)
    execFileSync('tc', ['-n', c1.name, 'qdisc', 'add', 'dev', 'lo', 'ingress'])
  }
  await changesNothing(t, everywhere, async () => {
    // The first of isolate() makes the pair of veths, long after it has looked.
    requests.subscribe(add)
    await t.rejects(isolator.isolate('web-1', { netns: c1.name }), { code: 'ERR_FOREIGN_STATE' })
    t.match(await tc(c1.name, 'qdisc show dev lo'), 'ingress')
    await tc(c1.name, 'qdisc del dev lo ingress')
  })
})

t.test('cleanup()', needsIsolation(), async t => {
  const { isolator, remote, host, c1, c2, everywhere } = await world(t)
  const ports = '31000-31007'
  const works = async (t: Test, namespace: NamespaceRef): Promise<void> => {
    await using server = await tcpEcho(namespace, '0.0.0.0', 31_000)
    t.equal(await tcpConnect(remote, HOST_IP, server.port, PATIENTLY), 'connected')
  }

  await t.test('twice, and isolate() again with the same namespace', async t => {
    for (let i = 0; i < 2; i++) {
      await isolator.isolate('web-1', { netns: c1.name, ports })
      await works(t, c1)
      t.equal(await isolator.cleanup('web-1'), true)
      t.equal(await isolator.cleanup('web-1'), false)
      t.equal(await tcpConnect(remote, HOST_IP, 31_000), 'refused', "the port is the host's")
    }
  })

  await t.test('by two callers at once, and the slot is given away in between', async t => {
    await changesNothing(t, everywhere, async () => {
      await isolator.isolate('web-1', { netns: c1.name, ports })
      t.strictSame(
        await Promise.all([isolator.cleanup('web-1'), isolator.cleanup('web-1'), isolator.cleanup('web-1')]),
        [true, false, false],
      )
      const [a, b] = await Promise.all([
        isolator.isolate('a', { netns: c1.name }),
        isolator.isolate('b', { netns: c2.name }),
      ])
      t.not(a.slot, b.slot, 'no slot was given back twice')
      t.strictSame(await Promise.all([isolator.cleanup('a'), isolator.cleanup('b')]), [true, true])
    })
  })

  await t.test('while isolate() is under way', async t => {
    await changesNothing(t, everywhere, async () => {
      const isolated = isolator.isolate('web-1', { netns: c1.name, ports })
      const cleaned = isolator.cleanup('web-1')
      await t.rejects(isolator.isolate('web-1', { netns: c2.name }), { code: 'ERR_CONTAINER_EXISTS' })
      t.equal((await isolated).id, 'web-1')
      t.equal(await cleaned, true)
    })
  })

  await t.test('while isolate() is failing', async t => {
    await ip(c1.name, 'link add eth0 type veth peer name other')
    await changesNothing(t, everywhere, async () => {
      const isolated = isolator.isolate('web-1', { netns: c1.name, ports })
      const cleaned = isolator.cleanup('web-1')
      await t.rejects(isolated, { code: 'ERR_FOREIGN_STATE' })
      t.equal(await cleaned, false)
    })
    await ip(c1.name, 'link del eth0')
  })

  await t.test('after the container has deleted its eth0', async t => {
    await changesNothing(t, everywhere, async () => {
      await isolator.isolate('web-1', { netns: c1.name, ports })
      await ip(c1.name, 'link del eth0')
      t.equal(await isolator.cleanup('web-1'), true)
    })
    await isolator.isolate('web-1', { netns: c1.name, ports })
    await works(t, c1)
    await isolator.cleanup('web-1')
  })

  await t.test('after somebody has taken the name of its namespace away', async t => {
    await changesNothing(t, everywhere, async () => {
      const { link } = await isolator.isolate('web-1', { netns: c1.name, ports })
      await run('ip', ['netns', 'delete', link])
      t.equal(await isolator.cleanup('web-1'), true)
      await run('tc', ['-n', c1.name, 'qdisc', 'del', 'dev', 'lo', 'ingress'])
    })
  })

  await t.test('after its processes have died', async t => {
    await changesNothing(t, [host], async () => {
      const child = spawn('unshare', ['--net', 'sh', '-c', 'echo; exec sleep 100'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      await once(child.stdout, 'data')
      await isolator.isolate('web-1', { netns: child.pid!, ports })
      await using netns = NetworkNamespace.open(child.pid!)
      await works(t, { name: '', path: `/proc/${process.pid}/fd/${netns.fd}` })
      child.kill('SIGKILL')
      await once(child, 'close')
      t.equal(await isolator.cleanup('web-1'), true)
    })
  })
})

t.test('many at once', needsIsolation(), async t => {
  const count = 24
  const { isolator, containers, remote, host, c1, c2 } = await world(t, {
    containers: count,
    ephemeralPortsPerContainer: 64,
  })
  const all = <T>(work: (namespace: NamespaceRef, i: number) => Promise<T>): Promise<T[]> =>
    Promise.all(containers.map(work))
  const cycle = async (): Promise<void> => {
    const infos = await all(({ name }, i) =>
      isolator.isolate(`c${i}`, { netns: name, ports: [[31_000 + 8 * i, 31_007 + 8 * i]] }),
    )
    t.equal(new Set(infos.map(({ slot }) => slot)).size, count)
    t.equal(isolator.list().length, count)
    for (const i of [0, count - 1]) {
      await using server = await tcpEcho(containers[i]!, '0.0.0.0', 31_000 + 8 * i)
      t.equal(await tcpConnect(remote, HOST_IP, server.port, PATIENTLY), 'connected')
    }
    t.strictSame(new Set(await all((_, i) => isolator.cleanup(`c${i}`))), new Set([true]))
  }
  await changesNothing(t, [host, c1, c2], cycle)
})
