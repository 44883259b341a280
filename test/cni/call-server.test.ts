import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { readCall, writeReply } from '../../cni/src/daemon/call-frame.js'
import { CallServer, type CallServerOptions } from '../../cni/src/daemon/call-server.js'
import type { Call } from '../../cni/src/spec/call.js'
import type { CniError } from '../../cni/src/spec/cni-error.js'
import { canConfine, type Confinement } from '../helpers/confinement.js'
import { hasClient, runClient } from './client-process.js'

interface Served {
  path: string
  calls: Call[]
  refusals: CniError[]
  server: CallServer
}

async function serving(t: Test, options: Partial<CallServerOptions> = {}): Promise<Served> {
  const folder = mkdtempSync(join(tmpdir(), 'calls-'))
  chmodSync(folder, 0o755)
  const path = join(folder, 'cni.sock')
  const calls: Call[] = []
  const refusals: CniError[] = []
  const server = new CallServer({
    answer: async call => {
      calls.push(call)
      return { status: 0, output: `{"calls":${calls.length}}\n` }
    },
    refused: error => refusals.push(error),
    ...options,
  })
  server.server.listen(path)
  await once(server.server, 'listening')
  t.teardown(async () => {
    await server.close()
    rmSync(folder, { recursive: true })
  })
  return { path, calls, refusals, server }
}

const call = (id: string, input = '{}'): string => `CNI_COMMAND=ADD\0CNI_CONTAINERID=${id}\0\0${input}`

/** What is answered to these bytes. */
async function said(path: string, bytes: string): Promise<string> {
  const socket = connect(path)
  socket.on('error', () => undefined)
  socket.end(bytes)
  return text(socket)
}

t.test('a call, read', async t => {
  t.strictSame(readCall(Buffer.from('CNI_COMMAND=ADD\0CNI_ARGS=A=1;B=ä\0SECRET=x\0PATH=/\0\0{"name":"é"}')), {
    environment: { CNI_COMMAND: 'ADD', CNI_ARGS: 'A=1;B=ä' },
    input: '{"name":"é"}',
  })
  t.strictSame(readCall(Buffer.from('\0')), { environment: {}, input: '' })
  for (const bytes of ['', 'CNI_COMMAND=ADD', 'CNI_COMMAND=ADD\0'])
    t.throws(() => readCall(Buffer.from(bytes)), { code: 4 }, bytes)
  t.equal(writeReply({ status: 1, output: '{}\n' }), '1\n{}\n\0')
})

t.test('a client and the server', hasClient(), async t => {
  const { path, calls } = await serving(t)
  const ended = await runClient(
    { CNI_COMMAND: 'ADD', CNI_NETNS: '/proc/self/ns/net', RTNETLINK_CNI_SOCKET: path },
    { input: '{"name":"x"}' },
  )
  t.strictSame(ended, { status: 0, output: { calls: 1 }, errors: '' })
  t.match(calls, [{ input: '{"name":"x"}', environment: { RTNETLINK_NETNS: /^\/proc\/\d+\/fd\/\d+$/ } }])
})

t.test('what is too large, too slow, or no call', async t => {
  const { path, calls, refusals } = await serving(t, { limits: { bytes: 1000, patience: 200 } })
  const code = (reply: string): unknown => (JSON.parse(reply.slice(2, -1)) as { code: unknown }).code
  t.equal(code(await said(path, call('web-1', 'x'.repeat(2000)))), 6)
  t.equal(code(await said(path, 'GET / HTTP/1.1\r\n\r\n')), 4)
  const slow = connect(path)
  slow.write('CNI_COMMAND=ADD')
  t.equal(code(await text(slow)), 11, 'nothing comes any more')
  t.strictSame(
    refusals.map(({ code }) => code),
    [6, 4, 11],
  )
  t.strictSame(calls, [])
  t.equal(await said(path, call('web-1', 'x'.repeat(900))), '0\n{"calls":1}\n\0', 'control')
})

t.test('a client that does not read its reply', async t => {
  const { path, server } = await serving(t, {
    answer: async () => ({ status: 0, output: 'x'.repeat(5_000_000) }),
    limits: { patience: 200 },
  })
  const socket = connect({ path, allowHalfOpen: true })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.pause()
  socket.end(call('web-1'))
  await sleep(50)
  await server.close()
  t.pass('does not keep the server for ever')
  socket.destroy()
})

t.test('a client that ends before its call is answered', async t => {
  let answered = 0
  const { path } = await serving(t, {
    answer: async () => {
      await sleep(100)
      return { status: 0, output: `${++answered}` }
    },
  })
  const gone = connect(path)
  gone.end(call('web-1'))
  await once(gone, 'finish')
  gone.destroy()
  t.equal(await said(path, call('web-1')), '0\n2\0', 'its call went on to its end, before the next one')
})

t.test('calls of one container one after the other, others at the same time', async t => {
  const log: string[] = []
  let most = 0
  let running = 0
  const { path } = await serving(t, {
    answer: async ({ environment: { CNI_CONTAINERID: id = '' }, input }) => {
      most = Math.max(most, ++running)
      log.push(`${id}${input} begins`)
      await sleep(20)
      log.push(`${id}${input} ends`)
      running--
      if (input === '1') throw new Error('it has failed')
      return { status: 0, output: '' }
    },
  })
  await Promise.all(['a', 'b', 'c'].flatMap(id => [0, 1, 2].map(n => said(path, call(id, `${n}`)))))
  for (const id of ['a', 'b', 'c']) {
    const own = log.filter(line => line.startsWith(id))
    t.equal(own.length, 6)
    own.forEach((line, i) => t.match(line, i % 2 === 0 ? 'begins' : `${own[i - 1]!.split(' ')[0]} ends`))
  }
  t.equal(most, 3)
})

t.test('more connections than places wait, and none is refused', async t => {
  let most = 0
  let running = 0
  const { path } = await serving(t, {
    answer: async () => {
      most = Math.max(most, ++running)
      await sleep(5)
      running--
      return { status: 0, output: '' }
    },
    limits: { connections: 4 },
  })
  const replies = await Promise.all(Array.from({ length: 60 }, (_, i) => said(path, call(`web-${i}`))))
  t.strictSame([...new Set(replies)], ['0\n\0'])
  t.equal(most, 4)
})

const asNobody: Confinement = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
t.test('another user than root', { ...canConfine(asNobody) }, async t => {
  const { path, calls, refusals } = await serving(t)
  chmodSync(path, 0o666)
  // Whoever is refused may find that nobody reads what it sends: it sends nothing.
  const asks = async (confinement: Confinement, call = ''): Promise<string> => {
    const program = `
      const socket = require('net').connect(${JSON.stringify(path)})
      socket.end('${call}').pipe(process.stdout)`
    const [command = '', ...args] = [...confinement, process.execPath, '-e', program]
    const child = spawn(command, args, { cwd: '/' })
    return text(child.stdout)
  }
  t.match(await asks(asNobody), /"code":5,"msg":"rtnetlinkd is for root: the caller has the user id 65534"/)
  t.strictSame(calls, [])
  t.match(refusals, [{ code: 5 }])
  t.match(await asks(['env'], 'CNI_COMMAND=STATUS\\0\\0'), '0\n', 'control')
})

t.test('the socket is closed while calls are under way', async t => {
  let release: () => void = () => undefined
  const held = new Promise<void>(resolve => {
    release = resolve
  })
  const { path, server } = await serving(t, {
    answer: async () => {
      await held
      return { status: 0, output: 'late' }
    },
  })
  const reply = said(path, call('web-1'))
  await sleep(50)
  const closed = server.close()
  const late: Socket = connect(path)
  const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException]
  t.match(error.code, /ENOENT|ECONNREFUSED/)
  release()
  await closed
  t.equal(await reply, '0\nlate\0')
})
