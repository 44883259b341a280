import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { TracedMessage } from '../../../src/netlink/trace.js'
import { NetworkNamespace } from '../../../src/netns/network-namespace.js'
import { ip, tc, tcBatch } from '../../helpers/iproute2.js'
import { allOf, hasQdisc } from '../../helpers/privilege.js'
import { tcpEcho } from '../../helpers/tcp-traffic.js'
import { needsIsolation, twoContainers } from '../isolated-topology.js'
import { DAMAGE, partOf, TRAP, type World } from './damage.js'

t.setTimeout(120_000)

/** How many containers there are beside the two. */
const CROWD = 58

const STEERING = 'ingress prio 1020 protocol ip'
const DROP = 'ingress prio 65535 protocol all handle 1'

/** What one object each says nothing about: other kinds in the place of ours, and what is somebody else's. */
const MORE_DAMAGE: readonly (readonly [what: string, line: string])[] = [
  ['the drop', `filter del dev pm1 ${DROP} bpf`],
  ["somebody's filter on the veth", `filter add dev pm1 ingress prio 5 protocol all handle 1 ${TRAP}`],
  ["somebody's qdisc on the veth", 'qdisc replace dev pm1 root handle 9: pfifo limit 7'],
  ["somebody's hook on the veth", 'qdisc del dev pm1 ingress'],
  ['which is a clsact', 'qdisc add dev pm1 clsact'],
  ['a filter ahead of ours', `filter add dev eth0 ingress prio 7 protocol all handle 1 ${TRAP}`],
  ["the other's port node", `filter del dev eth0 ${STEERING} handle 11e:12:2 u32`],
  ['a node of another table', `filter del dev lo ${STEERING} handle 1:14:1 u32`],
  ['all of a priority', `filter del dev eth0 ${STEERING}`],
]

/** The same numbers each time, from 0 to below 1. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    yield state / 2 ** 32
  }
}

/** Asserts that what is said of each container alone is what the look at everything says of it. */
async function agree(t: Test, { isolator }: World, what: string): Promise<void> {
  const whole = await isolator.verify()
  for (const id of ['web-1', 'web-2'])
    t.strictSame(await isolator.verify(id), partOf(id, whole), `${what}: ${id}`)
}

t.test(
  'verify(id) says what verify() says of the container',
  allOf(needsIsolation(), hasQdisc('htb')),
  async t => {
    const world = await twoContainers(t, {
      ...{ ingressRateLimitPerContainer: '2MB', egressRateLimitPerContainer: '1MB' },
      ...{ bloatReduction: 'none', egressEnforcement: 'host' },
    })
    const { isolator, host } = world
    await agree(t, world, 'sound')
    t.strictSame(await isolator.verify(), [], 'at first')
    const random = numbers(7)
    for (let round = 0; round < 5; round++) {
      const done: string[] = []
      for (let i = 0; i < 3; i++) {
        const { what, do: damage } = DAMAGE[Math.floor(random.next().value * DAMAGE.length)]!
        // What it takes away may have gone already.
        await damage(world).catch(() => undefined)
        done.push(what)
        await agree(t, world, done.join(', '))
      }
      t.ok((await isolator.verify()).length > 0, 'something is found')
      await isolator.repair()
      t.strictSame(await isolator.verify(), [], 'repaired')
    }
    for (const [what, line] of MORE_DAMAGE) {
      await tcBatch(host.name, [line])
      await agree(t, world, what)
    }
    await tcBatch(host.name, [`filter del dev pm2 ${DROP} bpf`])
    // This kernel may have no kind but ours.
    await tcBatch(host.name, [`filter add dev pm2 ${DROP} matchall action pass`]).catch(() => undefined)
    await agree(t, world, 'a filter of another kind in the place of the drop')
    await ip(host.name, 'link set eth0 address 02:00:0a:09:00:42 mtu 1400')
    await agree(t, world, 'another MAC and MTU')
    await ip(host.name, 'link del pms1')
    await agree(t, world, 'no shaper')
    await ip(host.name, 'link del pm1')
    await agree(t, world, 'no veth')
    t.match(await isolator.verify('web-1'), [
      { id: 'web-1', kind: 'missing', object: 'ip link show dev pm1', foreign: true },
    ])
    await ip(host.name, 'link del pmb0')
    await agree(t, world, 'no bridge')
  },
)

t.test('a socket of the host on a port of the container', needsIsolation(), async t => {
  const world = await twoContainers(t)
  const { host, c1 } = world
  await using _server = await tcpEcho(host, '0.0.0.0', c1.port)
  await agree(t, world, 'deaf')
  t.match(await world.isolator.verify('web-1'), [{ id: 'web-1', kind: 'deaf' }])
  t.strictSame(await world.isolator.verify('web-2'), [])
})

t.test("repair(id) leaves somebody's node where a stand-in would be", needsIsolation(), async t => {
  const { isolator, host } = await twoContainers(t)
  const bucket = `filter add dev eth0 ${STEERING} handle 11e:11`
  await tcBatch(host.name, [
    `${bucket}:7ff u32 ht 11e:11: match u32 0 0xffff at 4 action mirred egress redirect dev pm2`,
    `filter del dev eth0 ${STEERING} handle 11e:11:3 u32`,
    `${bucket}:3 u32 ht 11e:11: match u32 0x00007918 0x0000fff8 at 0 match u32 0 0 at 4 action mirred egress redirect dev pm1`,
  ])
  const node = async () => (await tc(host.name, `filter show dev eth0 ${STEERING}`)).match(/fh 11e:11:7ff/g)
  t.match(await isolator.verify('web-1'), [{ kind: 'different', object: /11e:11:3/ }])
  t.match(await isolator.repair('web-1'), { repaired: [{ object: /11e:11:3/ }], left: [] })
  t.equal((await node())?.length, 1)
  t.strictSame(await isolator.verify('web-1'), [])
})

/** Counts messages, but for questions about lo: how many there are depends on how long a call takes (see insideOf). */
function count(t: Test, name: string): { count: number } {
  const counted = { count: 0 }
  const listener = (message: unknown): void => {
    const { body } = message as TracedMessage
    if ((body as { attributes?: { name?: unknown } } | undefined)?.attributes?.name !== 'lo') counted.count++
  }
  subscribe(name, listener)
  t.teardown(() => unsubscribe(name, listener))
  return counted
}

t.test('what verify(id) asks for does not depend on the other containers', needsIsolation(), async t => {
  const { isolator, host } = await twoContainers(t, { ephemeralPortsPerContainer: 64 })
  // A table is listed with its IPv6 routes, of which an address has one more once nobody else has it.
  while ((await ip(host.name, '-6 addr show tentative')) !== '') await sleep(20)
  const [requests, replies] = [count(t, 'rtnetlink:request'), count(t, 'rtnetlink:reply')]
  /** How many messages a call sends, and how many it is answered with. */
  const costOf = async (call: () => Promise<unknown>) => {
    const before = [requests.count, replies.count] as const
    await call()
    return { asked: requests.count - before[0], received: replies.count - before[1] }
  }
  const costs = async () => ({
    verify: await costOf(() => isolator.verify('web-1')),
    repair: await costOf(() => isolator.repair('web-1')),
  })
  const whole = () => costOf(() => isolator.verify())
  const [before, wholeBefore] = [await costs(), await whole()]
  const namespaces: NetworkNamespace[] = []
  t.teardown(() => {
    for (const netns of namespaces) netns.close()
  })
  for (let i = 0; i < CROWD; i++) namespaces.push(await NetworkNamespace.create())
  await isolator.isolateMany(namespaces.map((netns, i) => ({ id: `crowd-${i}`, netns, ports: [] })))
  t.strictSame(await costs(), before)
  t.ok((await whole()).received > 2 * wholeBefore.received, 'control: verify() of all reads more')
  await tc(host.name, `filter del dev eth0 ${STEERING} handle 11e:11:3 u32`)
  t.match(await isolator.repair('web-1'), { repaired: [{}], left: [] })
})
