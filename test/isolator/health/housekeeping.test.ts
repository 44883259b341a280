import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { ContainerTable, type Container } from '../../../src/isolator/container/table.js'
import type { HostContext } from '../../../src/isolator/host/context.js'
import { Housekeeping, type Chores } from '../../../src/isolator/health/housekeeping.js'
import { linkName } from '../../../src/isolator/layout/layout.js'
import { PortRanges } from '../../../src/isolator/ports/port-ranges.js'
import { processOf } from '../../../src/isolator/container/process.js'
import { NetworkNamespace } from '../../../src/netns/network-namespace.js'
import { RtnetlinkSocket } from '../../../src/rtnetlink-socket.js'
import { allOf, canCreateNamespaces, hasLink } from '../../helpers/privilege.js'

interface Household {
  keeping: Housekeeping
  rt: RtnetlinkSocket
  table: ContainerTable
  /** A container whose link is there. */
  add(id: string, process?: Container['process']): Promise<Container>
  errors: string[]
}

/** A host with a public interface, whose chores fail as they are told to. */
async function household(t: Test, chores: Partial<Chores>): Promise<Household> {
  const netns = await NetworkNamespace.create()
  const rt = await RtnetlinkSocket.open({ netns })
  await rt.links.add({ name: 'eth0', kind: 'veth', mtu: 1500, peer: { name: 'wire' } })
  const { address: mac, mtu, index: publicIndex } = await rt.links.get('eth0')
  const facts = { publicInterface: 'eth0', loopbackInterface: 'lo', mac, mtu }
  const [ports, ephemeralPorts] = [PortRanges.empty, PortRanges.from('20480-28671')]
  const table = new ContainerTable({ ports, ephemeralPorts, ephemeralPortsPerContainer: 1024 })
  const repair = () => Promise.resolve({ repaired: [], left: [] })
  const all = { cleanup: () => Promise.resolve(true), repair, ...chores }
  const noRoutes = { routing: { gateway: 'none', routes: [], hostAddresses: [] }, settledRoutes: [] }
  const keeping = new Housekeeping(
    { netns, rt, facts, publicIndex, ...noRoutes } as unknown as HostContext,
    table,
    all,
  )
  const errors: string[] = []
  t.teardown(async () => {
    await keeping.close()
    rt.close()
    netns.close()
  })
  const add: Household['add'] = async (id, process) => {
    const container = table.add({ id, ports, reference: id, process })
    await rt.links.add({ name: linkName(container.slot), kind: 'veth', peer: { name: `peer${id}` } })
    return container
  }
  return { keeping, rt, table, add, errors }
}

/** Fails so many times. */
function failing<T>(times: number, then: () => T): () => Promise<T> {
  let left = times
  return () =>
    left-- > 0 ? Promise.reject(new Error(`failure, ${left} to go`)) : Promise.resolve().then(then)
}

const needsLinks = allOf(canCreateNamespaces(), hasLink('veth'))

t.test('a cleanup that fails is told of and tried again', needsLinks, async t => {
  const home = await household(t, {
    cleanup: failing(2, () => {
      for (const container of [...home.table]) {
        home.table.remove(container)
        home.keeping.gone(container)
      }
      return true
    }),
  })
  const { keeping, errors } = home
  keeping.on('error', ({ message }) => errors.push(message))

  await t.test('after the end of a process', async t => {
    const child = spawn('sleep', ['600'], { stdio: 'ignore' })
    await once(child, 'spawn')
    const container = await home.add('a', processOf(child.pid!))
    keeping.made(container)
    const gone = keeping.watch(container, undefined)
    child.kill('SIGKILL')
    t.strictSame(await gone, { id: 'a', reason: 'exit' })
    t.strictSame(errors, ['failure, 1 to go', 'failure, 0 to go'])
  })
})

t.test('likewise after the end of a link, told once for each try', needsLinks, async t => {
  const home = await household(t, {
    cleanup: failing(1, () => {
      const [container] = home.table
      home.table.remove(container!)
      home.keeping.gone(container!)
      return true
    }),
  })
  const { keeping, errors, rt } = home
  keeping.on('error', ({ message }) => errors.push(message))
  const container = await home.add('a')
  await rt.links.delete(linkName(container.slot))
  t.strictSame(await keeping.watch(container, undefined), { id: 'a', reason: 'link' })
  t.strictSame(errors, ['failure, 0 to go'])
})

t.test('a link that had gone before anybody listened', needsLinks, async t => {
  const cleaned: string[] = []
  let resolve: (done: boolean) => void = () => undefined
  const done = new Promise<boolean>(settle => {
    resolve = settle
  })
  const { keeping, rt, ...home } = await household(t, {
    cleanup: ({ id }) => {
      cleaned.push(id)
      resolve(true)
      return done
    },
  })
  const [a] = [await home.add('a'), await home.add('b')]
  await rt.links.delete(linkName(a.slot))
  keeping.on('gone', () => undefined)
  await done
  t.strictSame(cleaned, ['a'])
})

t.test('a repair that fails', needsLinks, async t => {
  const told = { repaired: [], left: [{ kind: 'missing', object: 'all', foreign: true }] } as const
  const { keeping, errors, rt } = await household(t, { repair: failing(1, () => told) })
  keeping.on('error', ({ message }) => errors.push(message))
  const repaired = new Promise(resolve => {
    keeping.on('repaired', resolve)
  })
  await rt.links.change({ dev: 'eth0', mtu: 1400 })
  t.strictSame(await repaired, told)
  t.ok(errors.includes('failure, 0 to go'))
})

t.test('nothing is tried any more once it is closed', needsLinks, async t => {
  let tries = 0
  const { keeping, rt, ...home } = await household(t, {
    cleanup: () => {
      tries++
      return Promise.reject(new Error('no'))
    },
  })
  const failed = new Promise(resolve => {
    keeping.on('error', resolve)
  })
  const container = await home.add('a')
  await rt.links.delete(linkName(container.slot))
  await failed
  await keeping.close()
  const before = tries
  await new Promise(resolve => setTimeout(resolve, 1500))
  t.equal(tries, before)
})
