import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { createServer as createHttpServer, get, type IncomingMessage } from 'node:http'
import {
  createConnection,
  createServer,
  type AddressInfo,
  type ListenOptions,
  type Server,
  type Socket,
} from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { peerCredentials, type PeerCredentials } from '../../src/native/peer-credentials.js'

const own: PeerCredentials = { pid: process.pid, uid: process.geteuid!(), gid: process.getegid!() }
const folder = mkdtempSync(join(tmpdir(), 'peer-'))
chmodSync(folder, 0o755)
t.teardown(() => rmSync(folder, { recursive: true }))
const path = join(folder, 'socket')

async function listening(t: Test, at: ListenOptions): Promise<Server> {
  const server = createServer()
  t.teardown(() => server.close())
  await once(server.listen({ ...at, writableAll: true }), 'listening')
  return server
}

async function accepted(t: Test, server: Server): Promise<Socket> {
  const [socket] = (await once(server, 'connection')) as [Socket]
  t.teardown(() => socket.destroy())
  return socket
}

t.test('of this process, at both ends', async t => {
  const server = await listening(t, { path })
  const client = createConnection({ path })
  const [socket] = await Promise.all([accepted(t, server), once(client, 'connect')])
  t.strictSame(peerCredentials(socket), own)
  t.strictSame(peerCredentials(client), own)
  const { fd } = (client as unknown as { _handle: { fd: number } })._handle
  t.strictSame(peerCredentials(fd), own, 'by its number')
  client.destroy()
  await once(client, 'close')
  t.throws(() => peerCredentials(client), { name: 'SystemError', code: 'EBADF' })
})

t.test('of an HTTP request', async t => {
  const server = createHttpServer((request, response) =>
    response.end(String(peerCredentials(request.socket).uid)),
  )
  t.teardown(() => server.close())
  await once(server.listen({ path }), 'listening')
  const [response] = (await once(get({ socketPath: path }), 'response')) as [IncomingMessage]
  t.equal(Buffer.concat(await response.toArray()).toString(), String(own.uid))
})

const become = 'import os, socket, sys; os.setgroups([]); os.setgid(23456); os.setuid(12345)'
const { status } = spawnSync('python3', ['-c', become])
t.test('of another user', { skip: status !== 0 && 'this user cannot become another' }, async t => {
  const server = await listening(t, { path })
  const program = `${become}; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); sys.stdin.read()`
  const child = spawn('python3', ['-c', program, path], { stdio: ['pipe', 'inherit', 'inherit'] })
  t.teardown(() => child.kill())
  t.strictSame(peerCredentials(await accepted(t, server)), { pid: child.pid, uid: 12345, gid: 23456 })
})

t.test('of what has no peer', async t => {
  const server = await listening(t, { port: 0, host: '127.0.0.1' })
  const client = createConnection((server.address() as AddressInfo).port, '127.0.0.1')
  const [socket] = await Promise.all([accepted(t, server), once(client, 'connect')])
  client.resume()
  t.throws(() => peerCredentials(socket), { code: 'ENOTCONN', syscall: 'getsockopt' }, 'TCP')
  client.end()
  const file = openSync('/dev/null', 'r')
  t.throws(() => peerCredentials(file), { code: 'ENOTSOCK' }, 'a file')
  closeSync(file)
  t.throws(() => peerCredentials(-1), { code: 'EBADF' }, 'nothing')
})
