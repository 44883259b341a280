import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { aloneOnHost } from '../../../src/isolator/host/lock.js'
import { PortMappingIsolator } from '../../../src/isolator/port-mapping-isolator.js'
import { NetworkNamespace } from '../../../src/netns/network-namespace.js'
import { runIn } from '../../helpers/iproute2.js'
import { tcpConnect, tcpEcho } from '../../helpers/tcp-traffic.js'
import {
  createTopology,
  HOST_IP,
  HOST_MAC,
  type NamespaceRef,
  type Topology,
} from '../../helpers/topology.js'
import { needsIsolation, OPTIONS, PATIENTLY } from '../isolated-topology.js'
import { changesNothing, settleLoopback } from '../kernel-state.js'

/** How often several meet. RTNETLINK_LOCK_ROUNDS=50 for more. */
const ROUNDS = Number(process.env['RTNETLINK_LOCK_ROUNDS'] ?? 5)

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))

async function hostOf(t: Test, containers = 0): Promise<Topology> {
  const topology = await createTopology({ containers, prefix: 'i' })
  t.teardown(() => topology.close())
  await settleLoopback(topology.host, HOST_MAC)
  return topology
}

const create = ({ name }: NamespaceRef): Promise<PortMappingIsolator> =>
  PortMappingIsolator.create({ ...OPTIONS, netns: name })

t.test('of two create() at once the second adopts what the first made', needsIsolation(), async t => {
  const { host, remote, containers } = await hostOf(t, 1)
  const [c1] = containers as [NamespaceRef]
  const works = async (isolator: PortMappingIsolator): Promise<void> => {
    t.strictSame(await isolator.verify(), [])
    await isolator.isolate('web-1', { netns: c1.name, ports: '31000' })
    await using server = await tcpEcho(c1, '0.0.0.0', 31_000)
    t.equal(await tcpConnect(remote, HOST_IP, server.port, PATIENTLY), 'connected')
    await isolator.cleanup('web-1')
  }
  for (let round = 0; round < ROUNDS; round++) {
    await changesNothing(t, [host], async () => {
      const [one, two] = await Promise.all([create(host), create(host)])
      await works(one)
      await works(two)
      await one.close()
      await two.destroy()
    })
  }
})

t.test('create() waits for a destroy() that is under way', needsIsolation(), async t => {
  const { host } = await hostOf(t)
  for (let round = 0; round < ROUNDS; round++) {
    await changesNothing(t, [host], async () => {
      const former = await create(host)
      const [later] = await Promise.all([create(host), former.destroy()])
      await later.repair()
      t.strictSame(await later.verify(), [])
      await later.destroy()
    })
  }
})

t.test('processes that create and destroy at once leave nothing', needsIsolation(), async t => {
  const { host } = await hostOf(t)
  await changesNothing(t, [host], async () => {
    const options = JSON.stringify({ ...OPTIONS, netns: host.name })
    const processes = Array.from({ length: 3 }, () =>
      fork(fixture('create-and-destroy.js'), [options, String(ROUNDS)], { execArgv: [] }),
    )
    const ended = await Promise.all(processes.map(child => once(child, 'exit')))
    t.strictSame(
      ended.map(([code]) => code as unknown),
      [0, 0, 0],
    )
  })
})

t.test('one who is alone on a host ends', needsIsolation(), async t => {
  const { host } = await hostOf(t)
  await using netns = NetworkNamespace.open(host.name)
  const isRefused = (t: Test, pid: number | undefined = process.pid) =>
    t.rejects(
      aloneOnHost(netns, () => Promise.resolve(t.fail('not alone')), { patienceMs: 50 }),
      {
        name: 'IsolatorError',
        code: 'ERR_HOST_BUSY',
        message: `process ${pid} has not ended what it does to this host within 0.05 s: ss -xap shows who holds @rtnetlink/port_mapping in the host's network namespace`,
        details: { pid },
      },
    )

  await t.test('killed', async t => {
    const child = fork(fixture('holds-host.ts'), [host.name])
    t.teardown(() => child.kill('SIGKILL'))
    await once(child, 'message')
    t.match(await runIn(host.path, 'ss', '-xap'), new RegExp(`@rtnetlink/port_mapping .*pid=${child.pid},`))
    await isRefused(t, child.pid)
    const waiting = create(host)
    child.kill('SIGKILL')
    await (await waiting).destroy()
  })

  await t.test('as a worker thread', async t => {
    const worker = new Worker(fixture('holds-host.ts'), { argv: [host.name], execArgv: process.execArgv })
    t.teardown(() => worker.terminate())
    await once(worker, 'message')
    await isRefused(t)
    const waiting = create(host)
    await worker.terminate()
    await (await waiting).destroy()
  })

  await t.test('by an error', async t => {
    const failure = new Error('the work failed')
    await t.rejects(
      aloneOnHost(netns, () => Promise.reject(failure)),
      failure,
    )
    t.equal(await aloneOnHost(netns, () => Promise.resolve('done'), { patienceMs: 0 }), 'done')
  })
})

t.test('exclusive: true keeps others off the host as long as it is open', needsIsolation(), async t => {
  const { host, containers } = await hostOf(t, 1)
  const [c1] = containers as [NamespaceRef]
  const refused = {
    name: 'IsolatorError',
    code: 'ERR_HOST_BUSY',
    message: `process ${process.pid} has an isolator with exclusive: true, which keeps others off this host until it is closed or the process ends: ss -xap shows who holds @rtnetlink/port_mapping/exclusive in the host's network namespace`,
    details: { name: '@rtnetlink/port_mapping/exclusive', pid: process.pid },
  }
  const exclusively = { ...OPTIONS, netns: host.name, exclusive: true }
  await changesNothing(t, [host], async () => {
    const first = await PortMappingIsolator.create(exclusively)
    await changesNothing(t, [host], async () => {
      await t.rejects(create(host), refused)
      await t.rejects(PortMappingIsolator.create(exclusively), refused)
    })
    await first.isolate('web-1', { netns: c1.name, ports: '31000' })
    await first.close()
    await t.rejects(PortMappingIsolator.create({ ...exclusively, address: '192.0.2.1' }), {
      code: 'ERR_INVALID_OPTION',
    })
    const second = await PortMappingIsolator.create(exclusively)
    await second.recover('all')
    // One who waits for the host while it is given up is not kept out any more.
    const [next] = await Promise.all([untilNotExcluded(host), second.destroy()])
    await next.destroy()
    await (await create(host)).destroy()
  })
})

/** Creates an isolator as soon as nobody keeps others out: it waits in line for the lock of the host. */
async function untilNotExcluded(host: NamespaceRef): Promise<PortMappingIsolator> {
  for (;;) {
    try {
      return await create(host)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_HOST_BUSY') throw error
    }
  }
}

t.test('exclusive: true ends with its process', needsIsolation(), async t => {
  const { host } = await hostOf(t)
  const child = fork(fixture('holds-host.ts'), [host.name, 'exclusive'])
  t.teardown(() => child.kill('SIGKILL'))
  await once(child, 'message')
  await t.rejects(create(host), { code: 'ERR_HOST_BUSY', details: { pid: child.pid } })
  child.kill('SIGKILL')
  await once(child, 'exit')
  await (await create(host)).destroy()
})
