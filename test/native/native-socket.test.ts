import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { binding } from '../../src/native/binding.js'
import {
  addVeth,
  dumpLinks,
  getLink,
  messagesIn,
  NETLINK_ROUTE,
  NLMSG_DONE,
  NLMSG_ERROR,
  RTM_NEWLINK,
  RTNLGRP_LINK,
  setLink,
} from './link-messages.js'
import { needsNamespaces, scratchNamespace } from './scratch-namespace.js'
import { StartedSocket } from './started-socket.js'

const ENODEV = -19
const ENOBUFS = -105
const EMSGSIZE = -90
const LO = 1

t.test('exchanges synchronously', async t => {
  const socket = new (binding().Socket)(NETLINK_ROUTE, -1)
  t.teardown(() => socket.close())
  const messages = [...messagesIn(socket.exchangeSync(dumpLinks(7), 1000))]
  while (messages.at(-1)?.type !== NLMSG_DONE) messages.push(...messagesIn(socket.receiveSync(1000)))
  t.match(messages[0], { type: RTM_NEWLINK, sequence: 7, index: LO, name: 'lo' })
  t.match(messages.at(-1), { type: NLMSG_DONE, sequence: 7 })

  const [refusal] = messagesIn(socket.exchangeSync(getLink(8, 0x7ffffff0), 1000))
  t.match(refusal, { type: NLMSG_ERROR, sequence: 8, error: ENODEV }, 'an error is an answer like another')

  t.throws(() => socket.receiveSync(20), { code: 'ETIMEDOUT', errno: -110, syscall: 'recvfrom' })
  t.throws(() => socket.exchangeSync(Buffer.alloc(9_000_000), 20), { code: 'EMSGSIZE', syscall: 'sendto' })
})

t.test('says so if the answers did not fit', async t => {
  const socket = new (binding().Socket)(NETLINK_ROUTE, -1)
  t.teardown(() => socket.close())
  socket.setReceiveBuffer(4096)
  const many = Buffer.concat(Array.from({ length: 100 }, (_, i) => getLink(i, LO)))
  t.throws(() => socket.exchangeSync(many, 1000), { code: 'ENOBUFS', syscall: 'recvfrom' })
  t.match([...messagesIn(socket.receiveSync(1000))][0], { sequence: 0, name: 'lo' }, 'the first ones did')
})

t.test('exchanges through its thread', async t => {
  const socket = new StartedSocket()
  t.teardown(() => socket.native.close())
  const dump = await socket.exchange(dumpLinks(7), 1)
  t.match(dump, { token: 1, sendErrno: 0, receiveErrno: 0 })
  t.match(dump.messages[0], { type: RTM_NEWLINK, sequence: 7, index: LO, name: 'lo' })

  const refused = await socket.exchange(getLink(8, 0x7ffffff0), 2)
  t.match(refused, { sendErrno: 0, messages: [{ type: NLMSG_ERROR, sequence: 8, error: ENODEV }] })

  const tooLarge = await socket.exchange(Buffer.alloc(9_000_000), 3)
  t.match(tooLarge, { sendErrno: EMSGSIZE, messages: [] })
})

t.test('answers queued requests in order, and copies them', async t => {
  const socket = new StartedSocket()
  t.teardown(() => socket.native.close())
  for (let token = 1; token <= 500; token++) {
    const request = getLink(1000 + token, LO)
    socket.native.send(request, token)
    request.fill(0xff)
  }
  await socket.next(turn => {
    t.match(turn.messages, [{ sequence: 1000 + turn.token, name: 'lo' }])
    return turn.token === 500
  })
})

t.test('knows its interfaces', async t => {
  const socket = new (binding().Socket)(NETLINK_ROUTE, -1)
  t.teardown(() => socket.close())
  t.equal(socket.interfaceIndex('lo'), LO)
  t.equal(socket.interfaceName(LO), 'lo')
  t.equal(socket.interfaceIndex(''), 0)
  t.equal(socket.interfaceIndex('a-name-too-long-for-the-kernel'), 0)
  t.equal(socket.interfaceIndex('lo:1'), 0, 'the kernel would take it for lo')
  t.equal(socket.interfaceIndex('lo\0'), 0)
  t.equal(socket.interfaceName(0x7ffffff0), undefined)
})

t.test('sets its options', async t => {
  const socket = new (binding().Socket)(NETLINK_ROUTE, -1)
  t.teardown(() => socket.close())
  t.strictSame(socket.refusedOptions, [])
  t.equal(socket.setReceiveBuffer(50_000), 100_000, 'the kernel doubles it')
  t.equal(socket.setSendBuffer(60_000), 120_000)
  t.throws(() => socket.join(0x7fff), { code: 'EINVAL', syscall: 'setsockopt' })
  t.throws(() => new (binding().Socket)(1000, -1), { code: 'EPROTONOSUPPORT', syscall: 'socket' })
})

t.test('refuses the wrong order of calls', async t => {
  const socket = new (binding().Socket)(NETLINK_ROUTE, -1)
  t.throws(() => socket.send(dumpLinks(1), 1), /not started/)
  t.throws(() => socket.pause(), /not started/)
  socket.start(() => undefined)
  t.throws(() => socket.start(() => undefined), /is started/)
  t.throws(() => socket.exchangeSync(dumpLinks(1), 10), /is started/)
  t.throws(() => socket.receiveSync(10), /is started/)
  socket.close()
  socket.close()
  socket.ref()
  t.equal(socket.fd, -1)
  const calls: Record<string, (() => void)[]> = {
    sendto: [() => socket.send(dumpLinks(1), 1), () => socket.exchangeSync(dumpLinks(1), 10)],
    recvfrom: [() => socket.receiveSync(10), () => socket.pause(), () => socket.resume()],
    pthread_create: [() => socket.start(() => undefined)],
    setsockopt: [() => socket.join(1), () => socket.leave(1), () => socket.setReceiveBuffer(1)],
    ioctl: [() => socket.interfaceIndex('lo'), () => socket.interfaceName(1)],
  }
  for (const [syscall, closed] of Object.entries(calls)) {
    for (const call of closed) t.throws(call, { code: 'EBADF', syscall })
  }
})

t.test('in a namespace of its own', needsNamespaces(), async t => {
  await t.test('sees that namespace', async t => {
    const netns = await scratchNamespace(t)
    const socket = new StartedSocket(netns)
    t.teardown(() => socket.native.close())
    const { messages } = await socket.exchange(dumpLinks(1), 1)
    t.strictSame(messages.map(({ name }) => name).filter(name => name !== undefined)[0], 'lo')
    await socket.exchange(addVeth(2, { name: 'here', peer: 'there' }), 2)
    t.ok(socket.native.interfaceIndex('here') > 0)
    const outside = new (binding().Socket)(NETLINK_ROUTE, -1)
    t.teardown(() => outside.close())
    t.equal(outside.interfaceIndex('here'), 0)
  })

  await t.test('reports notifications until it leaves the group', async t => {
    const netns = await scratchNamespace(t)
    const monitor = new StartedSocket(netns)
    const actor = new StartedSocket(netns)
    t.teardown(() => [monitor, actor].forEach(({ native }) => native.close()))
    monitor.native.join(RTNLGRP_LINK)
    await actor.exchange(setLink(1, LO, true), 1)
    const turn = await monitor.next(() => true)
    t.match(turn, { token: 0, messages: [{ type: RTM_NEWLINK, name: 'lo' }] })
    monitor.native.leave(RTNLGRP_LINK)
    await actor.exchange(setLink(2, LO, false), 2)
    await sleep(20)
    t.strictSame(monitor.turns, [])
  })

  await t.test('pauses: the queue of the kernel overflows, which is reported', async t => {
    const netns = await scratchNamespace(t)
    const monitor = new StartedSocket(netns)
    const actor = new (binding().Socket)(NETLINK_ROUTE, netns)
    t.teardown(() => [monitor.native, actor].forEach(socket => socket.close()))
    monitor.native.setReceiveBuffer(4096)
    monitor.native.join(RTNLGRP_LINK)
    actor.exchangeSync(setLink(1, LO, true), 1000)
    await monitor.next(({ messages }) => messages.length > 0)

    monitor.native.pause()
    await sleep(20)
    monitor.turns.length = 0
    for (let i = 0; i < 50; i++) actor.exchangeSync(setLink(2, LO, i % 2 === 1), 1000)
    await sleep(20)
    t.strictSame(monitor.turns, [], 'nothing while paused, not even the overflow')

    monitor.native.resume()
    await monitor.next(({ receiveErrno }) => receiveErrno === ENOBUFS)
    await sleep(20)
    monitor.turns.length = 0
    actor.exchangeSync(setLink(3, LO, false), 1000)
    t.match(await monitor.next(() => true), { receiveErrno: 0, messages: [{ name: 'lo' }] }, 'and goes on')
  })

  await t.test('stops reading when the event loop does not follow', async t => {
    const LINKS = 120
    const DUMPS = 150
    const netns = await scratchNamespace(t)
    const socket = new StartedSocket(netns)
    t.teardown(() => socket.native.close())
    for (let i = 0; i < LINKS / 2; i++)
      socket.native.send(addVeth(1, { name: `a${i}`, peer: `b${i}` }), 1 + i)
    await socket.next(({ token }) => token === LINKS / 2)
    socket.turns.length = 0

    const before = process.memoryUsage.rss()
    for (let i = 0; i < DUMPS; i++) socket.native.send(dumpLinks(10_000 + i), 10_000 + i)
    const sleeper = new Int32Array(new SharedArrayBuffer(4))
    const deadline = performance.now() + 1500
    while (performance.now() < deadline) Atomics.wait(sleeper, 0, 0, 100)
    const grown = process.memoryUsage.rss() - before
    t.ok(grown > 4e6 && grown < 16e6, `8 MiB wait for the loop: ${(grown / 1e6).toFixed(1)} MB`)

    let links = 0
    await socket.next(({ messages, token }) => {
      links += messages.filter(({ type, name }) => type === RTM_NEWLINK && name !== 'lo').length
      return token === 10_000 + DUMPS - 1
    })
    t.equal(links, LINKS * DUMPS, 'and nothing is lost')
  })
})
