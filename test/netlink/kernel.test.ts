import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { binding } from '../../src/native/binding.js'
import { NLM_F_CREATE, NLM_F_EXCL } from '../../src/netlink/constants.js'
import type { Request } from '../../src/netlink/message.js'
import { NetlinkSocket } from '../../src/netlink/socket.js'
import { NetlinkSocketSync } from '../../src/netlink/socket-sync.js'
import { NetlinkSubscription, type Notification } from '../../src/netlink/subscription.js'
import { NetworkNamespace } from '../../src/netns/network-namespace.js'
import { rtnetlinkProtocol } from '../../src/rtnetlink-protocol.js'
import { linkMessages } from '../../src/rtnetlink/link-messages.js'
import { expectSame, snapshot } from '../helpers/leaks.js'
import { allOf, canCreateNamespaces, hasLink } from '../helpers/privilege.js'

/* Against the running kernel, in a network namespace of the test's own. */

const needsVeth = allOf(canCreateNamespaces(), hasLink('veth'))
const RTNLGRP_LINK = 1

type Link = Parameters<(typeof linkMessages.new.body)['put']>[1]

const request = (type: keyof typeof linkMessages, body: Link, flags = 0): Request<never> =>
  ({ type: linkMessages[type], flags, body }) as unknown as Request<never>

/** A pair, of which the kernel names the other end. */
const addVeth = (name: string, attributes: Link['attributes'] = {}): Request<never> =>
  request(
    'new',
    { attributes: { name, linkInfo: { kind: 'veth' }, ...attributes } },
    NLM_F_CREATE | NLM_F_EXCL,
  )

interface Place {
  netns: NetworkNamespace
  socket: NetlinkSocket
}

async function open(t: Test): Promise<Place> {
  const netns = await NetworkNamespace.create()
  const socket = new NetlinkSocket(transport(netns), rtnetlinkProtocol)
  t.teardown(() => {
    socket.close()
    netns.close()
  })
  return { netns, socket }
}

const transport = (netns: NetworkNamespace) => new (binding().Socket)(rtnetlinkProtocol.number, netns.fd)

t.test('requests, refusals and dumps', needsVeth, async t => {
  const { socket } = await open(t)
  t.same(await socket.request(addVeth('v1')), [])
  await t.rejects(socket.request(addVeth('v1')), {
    name: 'NetlinkError',
    code: 'EEXIST',
    request: 'RTM_NEWLINK',
    message: /^RTM_NEWLINK failed: EEXIST, File exists/,
  })
  const index = socket.devices.interfaceIndex('v1')
  const [link] = await socket.request(request('get', { index }))
  t.equal(link?.decode(linkMessages.new).attributes.name, 'v1')
  const names: unknown[] = []
  for await (const each of socket.dump(request('get', {})))
    names.push(each.decode(linkMessages.new).attributes.name)
  t.same(names, ['lo', 'veth0', 'v1'])
})

t.test('the kernel says which attribute', needsVeth, async t => {
  const { socket } = await open(t)
  await t.rejects(socket.request(addVeth('x'.repeat(40))), { code: 'ERANGE', attribute: 'IFLA_IFNAME' })
  await t.rejects(
    socket.request(request('new', { attributes: { linkInfo: { kind: 'nonsense' } } }, NLM_F_CREATE)),
    {
      code: 'EOPNOTSUPP',
      extack: 'Unknown device type',
    },
  )
})

t.test('a batch with refusals here and there', needsVeth, async t => {
  const { socket } = await open(t)
  const results = await socket.batch(['v1', 'v2', 'v1', 'v3', 'v2'].map(name => addVeth(name)))
  t.same(
    results.map(({ error }) => error?.code),
    [undefined, undefined, 'EEXIST', undefined, 'EEXIST'],
  )
  t.ok(socket.devices.interfaceIndex('v3') > 0)
})

t.test('a batch in several parts', needsVeth, async t => {
  const { socket } = await open(t)
  const results = await socket.batch(Array.from({ length: 8000 }, () => request('get', { index: 4711 })))
  t.equal(results.filter(({ error }) => error?.code === 'ENODEV').length, 8000)
})

t.test('calls all at once', needsVeth, async t => {
  const { socket } = await open(t)
  const found = await Promise.all(
    Array.from({ length: 500 }, async (_, i) => {
      const [link] = await socket.request(request('get', { index: (i % 2) + 1 })).catch(() => [])
      return link?.decode(linkMessages.new).index
    }),
  )
  t.equal(found.filter(index => index === 1).length, 250)
  t.equal(found.filter(index => index === undefined).length, 250)
})

t.test('the synchronous form', needsVeth, async t => {
  const { netns } = await open(t)
  using socket = new NetlinkSocketSync(transport(netns), rtnetlinkProtocol)
  t.same(socket.request(addVeth('v1')), [])
  t.throws(() => socket.request(addVeth('v1')), { code: 'EEXIST' })
  t.same(
    socket.batch([addVeth('v1'), addVeth('v2')]).map(({ error }) => error?.code),
    ['EEXIST', undefined],
  )
  t.equal(socket.dump(request('get', {})).length, 5, 'lo and two pairs')
})

t.test('too many answers at once: an error, and the socket goes on', needsVeth, async t => {
  const { netns, socket } = await open(t)
  const links = Array.from({ length: 20_000 }, () => request('get', { index: 1 }))
  const signal = AbortSignal.timeout(10_000)
  await t.rejects(socket.batch(links, { signal }), { code: 'ERR_NETLINK_OVERRUN' })
  t.equal((await socket.request(request('get', { index: 1 }), { signal })).length, 1)
  using sync = new NetlinkSocketSync(transport(netns), rtnetlinkProtocol)
  t.throws(() => sync.batch(links), { code: 'ERR_NETLINK_OVERRUN' })
  t.equal(sync.request(request('get', { index: 1 })).length, 1)
})

/** What the next notification says of a link. */
async function next(
  subscription: NetlinkSubscription,
): Promise<{ overrun: boolean; name?: string; mtu?: number }> {
  const { value } = (await subscription.next()) as IteratorYieldResult<Notification>
  return !('message' in value)
    ? { overrun: true }
    : { overrun: false, ...value.message.decode(linkMessages.new).attributes }
}

t.test('notifications', needsVeth, async t => {
  const { netns, socket } = await open(t)
  const subscription = new NetlinkSubscription(transport(netns), rtnetlinkProtocol, [RTNLGRP_LINK])
  await socket.request(addVeth('v1'))
  const names = [(await next(subscription)).name, (await next(subscription)).name]
  t.same(names, ['veth0', 'v1'])
  subscription.close()
  t.throws(() => new NetlinkSubscription(transport(netns), rtnetlinkProtocol, [100_000]), { code: 'EINVAL' })
})

/** The MTUs in notifications until there is one below `least`, and how often some were lost. */
async function readDownTo(
  subscription: NetlinkSubscription,
  least: number,
): Promise<{ mtus: number[]; overruns: number }> {
  const mtus: number[] = []
  let overruns = 0
  for (;;) {
    const { overrun, mtu = 0 } = await next(subscription)
    if (overrun) overruns++
    else if (mtu < least) return { mtus, overruns }
    else mtus.push(mtu)
  }
}

t.test('notifications that are not read in time', needsVeth, async t => {
  const { netns, socket } = await open(t)
  await socket.request(addVeth('v1'))
  const index = socket.devices.interfaceIndex('v1')
  const subscription = new NetlinkSubscription(transport(netns), rtnetlinkProtocol, [RTNLGRP_LINK])
  const changes = 16_000
  const results = await socket.batch(
    Array.from({ length: changes }, (_, i) => request('new', { index, attributes: { mtu: 1000 + i } })),
  )
  t.ok(results.every(({ error }) => !error))
  let read = false
  const reading = readDownTo(subscription, 1000).finally(() => (read = true))
  // The end is lost too if it comes before the queue has been read.
  for (let mtu = 999; !read; mtu--) {
    await socket.request(request('new', { index, attributes: { mtu } }))
    await sleep(20)
  }
  const { mtus, overruns } = await reading
  t.ok(mtus.length < changes, 'some are lost')
  // A slow machine can fall behind more than once.
  const gaps = mtus.filter((mtu, i) => i > 0 && mtu !== (mtus[i - 1] ?? 0) + 1).length
  t.ok(overruns > 0 && gaps <= overruns, `each loss is reported: ${gaps} gaps, ${overruns} overruns`)
  t.same(
    mtus,
    mtus.toSorted((a, b) => a - b),
    'in the order of the changes',
  )
  subscription.close()
})

t.test('a process waits for its calls, and not for an idle socket', needsVeth, async t => {
  const program = fileURLToPath(new URL('fixtures/idle.ts', import.meta.url))
  const child = spawnSync(process.execPath, [...process.execArgv, program], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  t.match(child, { status: 0, signal: null, stdout: '1 answer\n' })
})

t.test('nothing is left behind', needsVeth, async t => {
  const use = async (): Promise<void> => {
    const netns = await NetworkNamespace.create()
    const socket = new NetlinkSocket(transport(netns), rtnetlinkProtocol)
    const subscription = new NetlinkSubscription(transport(netns), rtnetlinkProtocol, [RTNLGRP_LINK])
    await socket.request(request('get', { index: 4711 })).catch(() => undefined)
    const pending = socket.request(request('get', { index: 1 }))
    t.throws(() => new NetlinkSubscription(transport(netns), rtnetlinkProtocol, [100_000]))
    subscription.close()
    socket.close()
    netns.close()
    await t.rejects(pending, { code: 'ERR_NETLINK_CLOSED' })
  }
  await use()
  await sleep(50)
  const before = await snapshot()
  for (let i = 0; i < 20; i++) await use()
  await expectSame(t, before)
})
