import t from 'tap'
import { SystemError } from '../../src/native/system-error.js'
import { NetlinkError } from '../../src/netlink/errors.js'
import { NetlinkSocket } from '../../src/netlink/socket.js'
import { NetworkNamespace } from '../../src/netns/network-namespace.js'
import { RtnetlinkSocket } from '../../src/rtnetlink-socket.js'
import { RtnetlinkSocketSync } from '../../src/rtnetlink-socket-sync.js'
import { add, protocol } from '../helpers/sample-protocol.js'
import { ScriptedTransport } from '../helpers/scripted-transport.js'

const EBADF = -9
const missing = 999_999

t.test('an error has the frame of the call that it is the outcome of', async t => {
  const rt = await RtnetlinkSocket.open()
  const sync = RtnetlinkSocketSync.open()
  const netns = NetworkNamespace.current()
  const calls: Record<string, () => unknown> = {
    async request() {
      await rt.links.delete(missing)
    },
    promised: () => rt.links.delete(missing),
    async batched() {
      const [result] = await rt.batch(b => b.links.delete(missing))
      throw result?.error ?? new Error('carried out')
    },
    synchronous: () => sync.links.delete(missing),
    synchronousBatch() {
      throw sync.batch(b => b.links.delete(missing))[0]?.error ?? new Error('carried out')
    },
    sysctl: () => netns.readSysctl('net.no.such'),
  }
  for (const [name, call] of Object.entries(calls)) {
    const error: unknown = await Promise.resolve()
      .then(call)
      .catch((error: unknown) => error)
    const { stack = '', message } = error as Error
    t.match(error, { code: name === 'sysctl' ? 'ENOENT' : 'ENODEV' })
    t.match(stack, new RegExp(`at [^\n]*\\b${name}\\b[^\n]*call-site\\.test`), name)
    t.ok(stack.startsWith(`${(error as Error).name}: ${message}\n    at `), 'name and message come first')
  }
  const closed = await (() => {
    const waiting = rt.links.list({}).catch((error: unknown) => error)
    rt.close()
    return waiting
  })()
  t.match((closed as Error).stack, /call-site\.test/)
  t.notOk(closed instanceof NetlinkError)
  sync.close()
  netns.close()
})

t.test('one that fails while it is sent has that frame too', async t => {
  const failures = { send: new SystemError(EBADF, 'sendto') }
  const socket = new NetlinkSocket(new ScriptedTransport({ failures }), protocol)
  const calls: Record<string, () => Promise<unknown>> = {
    request: async () => await socket.request(add(1)),
    batched: async () => await socket.batch([add(1), add(2)]),
  }
  for (const [name, call] of Object.entries(calls)) {
    const error: unknown = await call().catch((error: unknown) => error)
    t.match(error, { code: 'EBADF', syscall: 'sendto' })
    t.match((error as Error).stack, new RegExp(`at [^\n]*\\b${name}\\b[^\n]*call-site\\.test`), name)
  }
})
