import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { binding, type NativeSocket } from '../../src/native/binding.js'
import { expectHoldings, holdings, settledHoldings, type Holdings } from './holdings.js'
import { dumpLinks, getLink, NETLINK_ROUTE, RTNLGRP_LINK } from './link-messages.js'
import { StartedSocket } from './started-socket.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Finalizers run between turns of the event loop. */
async function collected(): Promise<void> {
  for (let i = 0; i < 5; i++) {
    collectGarbage()
    await sleep(5)
  }
}

const LO = 1
const openDescriptors = (): Omit<Holdings, 'threads'> => {
  const { sockets, eventfds } = holdings()
  return { sockets, eventfds }
}
const open = (): NativeSocket => new (binding().Socket)(NETLINK_ROUTE, -1)

t.test('opening and closing leaves nothing behind', async t => {
  const before = holdings()
  for (let i = 0; i < 200; i++) {
    const synchronous = open()
    synchronous.exchangeSync(getLink(1, LO), 1000)
    synchronous.close()
    const started = new StartedSocket()
    if (i % 2 === 0) await started.exchange(getLink(1, LO), 1)
    started.native.close()
  }
  await expectHoldings(t, before)
})

t.test('a thousand sockets at once', async t => {
  const before = holdings()
  const sockets = Array.from({ length: 1000 }, () => new StartedSocket())
  t.equal(holdings().threads, before.threads + 1000)
  await Promise.all(sockets.map((socket, i) => socket.exchange(getLink(1, LO), 1 + i)))
  for (const { native } of sockets) native.close()
  await expectHoldings(t, before)
})

t.test('a close that is awaited leaves nothing open', async t => {
  await settledHoldings()
  const before = openDescriptors()
  for (let i = 0; i < 100; i++) {
    const started = new StartedSocket()
    if (i % 2 === 0) await started.exchange(getLink(1, LO), 1)
    else started.native.send(dumpLinks(1), 1)
    if (i % 3 === 0) started.native.close()
    await started.native[Symbol.asyncDispose]()
    t.strictSame(openDescriptors(), before)
    await started.native[Symbol.asyncDispose]()
  }
  const synchronous = open()
  await synchronous[Symbol.asyncDispose]()
  t.equal(synchronous.fd, -1)
  t.strictSame(openDescriptors(), before)
})

t.test('closing with a request under way reports nothing more', async t => {
  const before = holdings()
  for (let i = 0; i < 100; i++) {
    let events = 0
    const socket = open()
    socket.start(() => events++)
    socket.ref()
    for (let token = 1; token <= 10; token++) socket.send(dumpLinks(token), token)
    if (i % 2 === 0) await sleep(0)
    const seen = events
    socket.close()
    t.equal(socket.fd, -1)
    await sleep(1)
    t.equal(events, seen)
  }
  await expectHoldings(t, before)
})

t.test('a socket that is lost while idle is closed', async t => {
  const before = holdings()
  await (async () => {
    for (let i = 0; i < 20; i++) {
      const socket = new StartedSocket() // its callback refers back to it
      await socket.exchange(getLink(1, LO), 1)
      open().exchangeSync(getLink(1, LO), 1000)
    }
  })()
  await collected()
  await expectHoldings(t, before)
})

t.test('an event that comes after collection and before the finalizer', async t => {
  const before = holdings()
  let told = 0
  for (let i = 0; i < 20; i++) {
    const child = spawn('sleep', ['600'])
    await once(child, 'spawn')
    const lost = new WeakRef(watching(child.pid!, () => told++))
    // Finalizers run in a later turn of the event loop than what a thread has posted by then.
    await new Promise(resolve => setImmediate(resolve))
    collectGarbage()
    t.equal(lost.deref(), undefined)
    process.kill(child.pid!, 'SIGKILL')
    spawnSync('sleep', ['0.01'])
    await once(child, 'exit')
  }
  t.equal(told, 0)
  await collected()
  await expectHoldings(t, before)
})

/** Waits for the end of a process in a way that nobody else refers to. */
function watching(pid: number, onEnd: () => void): object {
  const ends = new (binding().ProcessEnds)(onEnd)
  ends.add(pid)
  return ends
}

t.test('a socket that is lost while in use is not', async t => {
  const before = holdings()
  const sockets: WeakRef<NativeSocket>[] = []
  let answered = false
  const inUse = (use: (socket: NativeSocket) => void): void => {
    const socket = open()
    socket.start((_, token) => (answered ||= token === 4))
    use(socket)
    sockets.push(new WeakRef(socket))
  }
  inUse(socket => socket.ref())
  inUse(socket => socket.join(RTNLGRP_LINK))
  inUse(socket => [1, 2, 3, 4].forEach(token => socket.send(dumpLinks(token), token)))
  await collected()
  t.ok(answered)
  t.equal(holdings().threads, before.threads + 2, 'the third one has become idle')
  for (const socket of sockets) socket.deref()?.close()
  await expectHoldings(t, before)
})
