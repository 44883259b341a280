/**
 * The scenarios of Mesos's src/tests/containerizer/routing_tests.cpp by its names, here those of links. Its `Try<bool>`
 * that is false for "already there" or "not there" is an error with a code in ours.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { RtnetlinkSocket } from '../../src/rtnetlink-socket.js'
import type { RtnetlinkEvent } from '../../src/rtnetlink-monitor.js'
import { RtnetlinkSocketSync } from '../../src/rtnetlink-socket-sync.js'
import type { LinkSpec } from '../../src/rtnetlink/index.js'
import { scratch, type Scratch } from '../rtnetlink/scratch.js'
import { exists } from './exists.js'
import { needsVeth, PEER, scratchWithPair, VETH } from './veth-pair.js'

const PAIR: LinkSpec = { name: VETH, kind: 'veth', peer: { name: PEER } }

/** Asserts that both ends are there. */
function pairExists(t: Test, { rt }: Pick<Scratch, 'rt'>): void {
  for (const name of [VETH, PEER]) t.not(rt.links.get(name).index, 0, `${name} exists`)
}

t.test('LinkCreate', needsVeth(), async t => {
  const { rt } = await scratch(t)
  rt.links.add(PAIR)
  pairExists(t, { rt })
  t.throws(() => rt.links.add(PAIR), { code: 'EEXIST' })
})

t.test('LinkCreateWithTargetMAC', needsVeth(), async t => {
  const { rt } = await scratch(t)
  const mac = '12:34:56:78:9a:bc'
  const peerMac = 'bc:9a:78:56:34:12'
  rt.links.add({ ...PAIR, kind: 'veth', address: mac, peer: { name: PEER, address: peerMac } })
  pairExists(t, { rt })
  t.equal(rt.links.get(VETH).address, mac)
  t.equal(rt.links.get(PEER).address, peerMac)
  t.throws(() => rt.links.add(PAIR), { code: 'EEXIST' })
})

t.test('LinkRemove', needsVeth(), async t => {
  const { rt } = await scratchWithPair(t)
  rt.links.delete(VETH)
  t.throws(() => rt.links.delete(VETH), { code: 'ENODEV' })
  t.throws(() => rt.links.delete(PEER), { code: 'ENODEV' }, 'the peer is gone with it')
})

t.test('LinkCreatePid', needsVeth(), async t => {
  const { rt } = await scratch(t)
  const child = spawn('unshare', ['--net', 'sh', '-c', 'echo ready; exec sleep 1000'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')

  rt.links.add({ ...PAIR, kind: 'veth', peer: { name: PEER, netns: { pid: child.pid! } } })
  t.ok(exists(() => rt.links.get(VETH)))
  t.notOk(
    exists(() => rt.links.get(PEER)),
    'the peer is not in this namespace',
  )
  using inside = RtnetlinkSocketSync.open({ netns: child.pid! })
  t.ok(
    exists(() => inside.links.get(PEER)),
    "but in the child's",
  )
  t.not(rt.links.get(VETH).index, 0)

  child.kill('SIGKILL')
  t.strictSame(await ended, [null, 'SIGKILL'])
})

/** Resolves when there is no such link, by the kernel's RTM_DELLINK: Mesos's `link::removed`. */
async function removed(rt: RtnetlinkSocket, name: string): Promise<void> {
  const done = new AbortController()
  const changes = rt.monitor({ tables: ['links'], signal: done.signal })
  let change = changes.next() // It listens from here on, so nothing is missed between the look and the wait.
  try {
    if (!(await rt.links.list()).some(link => link.name === name)) return
    while (!isRemoval(name, (await change).value)) change = changes.next()
  } finally {
    done.abort()
    await change
  }
}

const isRemoval = (name: string, change: RtnetlinkEvent | void): boolean =>
  change?.event === 'delete' && change.table === 'links' && change.object.name === name

t.test('LinkWait', needsVeth(), async t => {
  const { rt, name: netns } = await scratch(t)
  await using watcher = await RtnetlinkSocket.open({ netns })
  await removed(watcher, VETH)
  t.pass('what is not there is removed')

  rt.links.add(PAIR)
  pairExists(t, { rt })
  const wait = removed(watcher, VETH)
  t.equal(await Promise.race([wait, sleep(200, 'pending')]), 'pending')
  rt.links.delete(VETH)
  await wait
  t.pass('the wait is over')
})

t.test('LinkSetUp', needsVeth(), async t => {
  const { rt } = await scratchWithPair(t)
  for (const name of [VETH, PEER]) {
    t.equal(rt.links.get(name).up, false)
    rt.links.change({ dev: name, up: true })
    t.equal(rt.links.get(name).up, true)
  }
  t.throws(() => rt.links.get('non-exist'), { code: 'ENODEV' })
  t.throws(() => rt.links.change({ dev: 'non-exist', up: true }), { code: 'ENODEV' })
})

t.test('LinkSetMAC', needsVeth(), async t => {
  const { rt } = await scratchWithPair(t)
  const address = '12:34:56:78:9a:bc'
  for (const dev of [VETH, PEER]) {
    rt.links.change({ dev, address })
    t.equal(rt.links.get(dev).address, address)
  }
  t.throws(() => rt.links.change({ dev: 'non-exist', address }), { code: 'ENODEV' })
  t.throws(
    () => rt.links.change({ dev: VETH, address: 'ff:ff:ff:ff:ff:ff' }),
    { code: 'EADDRNOTAVAIL' },
    'the kernel refuses a multicast address',
  )
  t.equal(rt.links.get(VETH).address, address)
})

t.test('LinkMTU', needsVeth(), async t => {
  const { rt } = await scratchWithPair(t)
  rt.links.change({ dev: VETH, mtu: 10_000 })
  t.equal(rt.links.get(VETH).mtu, 10_000)
  t.equal(rt.links.get(PEER).mtu, 1500)
  t.throws(() => rt.links.get('not-exist').mtu, { code: 'ENODEV' })
  t.throws(() => rt.links.change({ dev: 'not-exist', mtu: 1500 }), { code: 'ENODEV' })
})
