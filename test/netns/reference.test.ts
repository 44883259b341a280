import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { NetworkNamespace, type NetnsReference } from '../../src/netns/network-namespace.js'
import { RtnetlinkSocket } from '../../src/rtnetlink-socket.js'
import { expectSame, snapshot } from '../helpers/leaks.js'
import { canCreateNamespaces } from '../helpers/privilege.js'

const unique = `r${process.pid}`
const none = 2 ** 22 + 1 // beyond the largest pid

/** Wrong in itself, or naming what is no network namespace: each with what its error says. */
const wrong: [reference: unknown, error: { name: string; code?: string }, says: string][] = [
  ...['', null, true, 10n, {}, [], { pid: 1 }, Symbol('x')].map(
    reference => [reference, { name: 'TypeError' }, ': expected '] satisfies [unknown, object, string],
  ),
  ...[0, -1, 1.5, NaN, Infinity].map(
    reference =>
      [reference, { name: 'RangeError' }, 'the pid of a process'] satisfies [unknown, object, string],
  ),
  [none, { name: 'SystemError', code: 'ENOENT' }, `no process ${none}`],
  [`${unique}-no`, { name: 'SystemError', code: 'ENOENT' }, `no network namespace '${unique}-no'`],
  ['/no/such/file', { name: 'SystemError', code: 'ENOENT' }, `'/no/such/file'`],
  [
    '/etc/passwd/x',
    { name: 'SystemError', code: 'ENOTDIR' },
    `'/etc/passwd/x'; a part of this path is a file`,
  ],
  ['/etc/passwd', { name: 'TypeError' }, `'/etc/passwd' is not a network namespace, but a file`],
  ['/etc/', { name: 'TypeError' }, 'a directory'],
  ['/dev/null', { name: 'TypeError' }, 'a device'],
  ['/proc/self/ns/mnt', { name: 'TypeError' }, 'one of another kind'],
  ['..', { name: 'TypeError' }, `'..'`],
  ['a\0b', { name: 'TypeError' }, 'not a name'],
]

t.test('a reference that is wrong in any way', async t => {
  const before = await snapshot()
  for (const [reference, error, says] of wrong) {
    const thrown = { ...error, message: new RegExp(says.replace(/[.[\]()]/g, '\\$&')) }
    const netns = reference as NetnsReference
    t.throws(() => NetworkNamespace.open(netns as string), thrown, String(reference))
    t.throws(() => NetworkNamespace.resolve(netns), thrown)
    await t.rejects(RtnetlinkSocket.open({ netns }), thrown)
  }
  await expectSame(t, before)
})

t.test('a FIFO and a socket are told, and nobody waits for them', async t => {
  const folder = mkdtempSync(join(tmpdir(), unique)) // short: the path of a socket is
  t.teardown(() => rmSync(folder, { recursive: true }))
  const [fifo, socket] = [join(folder, 'fifo'), join(folder, 'socket')]
  spawnSync('mkfifo', [fifo])
  const server = createServer().listen(socket)
  await once(server, 'listening')
  t.throws(() => NetworkNamespace.open(fifo), {
    name: 'TypeError',
    message: `'${fifo}' is not a network namespace, but a FIFO`,
  })
  t.throws(() => NetworkNamespace.open(socket), { name: 'TypeError', message: /but a socket$/ })
  server.close()
})

t.test('names that others have put something else at', canCreateNamespaces(), async t => {
  const made = await NetworkNamespace.create(`${unique}-control`)
  const at = (name: string): string => `/run/netns/${name}`
  spawnSync('mkfifo', [at(`${unique}-fifo`)])
  mkdirSync(at(`${unique}-folder`))
  writeFileSync(at(`${unique}-text`), 'of somebody')
  for (const kind of ['fifo', 'folder', 'text']) {
    const name = `${unique}-${kind}`
    t.throws(() => NetworkNamespace.open(name), { name: 'TypeError', message: new RegExp(at(name)) })
    await t.rejects(NetworkNamespace.create(name), { code: 'EEXIST' })
    await t.rejects(made.attach(name), { code: 'EEXIST' })
    await t.rejects(NetworkNamespace.deleteName(name), { name: 'TypeError', message: new RegExp(at(name)) })
    t.ok(statSync(at(name)), 'is left alone')
    rmSync(at(name), { recursive: true })
  }
  symlinkSync(at(`${unique}-control`), at(`${unique}-link`))
  const byLink = NetworkNamespace.open(`${unique}-link`)
  t.ok(byLink.equals(made), 'a symbolic link is followed')
  byLink.close()
  await NetworkNamespace.deleteName(`${unique}-link`)
  NetworkNamespace.open(`${unique}-control`).close()
  t.pass('and what it leads to stays when the link is deleted')
  await made.delete()
  await t.rejects(NetworkNamespace.create({ name: 'x' } as unknown as string), {
    name: 'TypeError',
    message: /name is an object/,
  })
})

const inSandbox = (script: string) =>
  spawnSync(
    'unshare',
    [
      '--net',
      '--mount',
      'sh',
      '-ec',
      `mount -t tmpfs tmpfs /run; ${script}`,
      'sh',
      process.execPath,
      ...process.execArgv,
      new URL('fixtures/create-one.ts', import.meta.url).pathname,
    ],
    { encoding: 'utf8' },
  )

t.test('/run/netns is a file', canCreateNamespaces(), async t => {
  const { stdout, stderr } = inSandbox('touch /run/netns; exec "$@" named')
  t.match(stdout, /^ENOTDIR: not a directory, mkdir '\/run\/netns'; .* an empty file/, stderr)
  t.match(inSandbox('exec "$@" named').stdout, /^made/, 'control')
})

t.test('without descriptors to spare nothing stays', canCreateNamespaces(), async t => {
  const { stdout, stderr } = inSandbox('ulimit -n 100; exec "$@" exhausted')
  t.match(stdout, /^made 0\n(EMFILE[^\n]*\n)+made 0\n0 names, 0 mounts\n$/, stderr)
})

t.test('a process whose main thread has ended', async t => {
  const program = `import ctypes, threading, time
threading.Thread(target=time.sleep, args=(100,)).start()
print('begun', flush=True)
ctypes.CDLL(None).syscall(${process.arch === 'x64' ? 60 : 93}, 0)`
  const child = spawn('python3', ['-c', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  while (!/^State:\s+Z/m.test(readFileSync(`/proc/${child.pid}/status`, 'utf8'))) await sleep(5)
  const netns = NetworkNamespace.open(child.pid!)
  const own = NetworkNamespace.current()
  t.ok(netns.equals(own), 'its namespace is that of its other threads')
  netns.close()
  own.close()
  child.kill('SIGKILL')
  await once(child, 'exit')
  t.throws(() => NetworkNamespace.open(child.pid!), { code: 'ENOENT' }, 'control')
})

/** Runs a command as somebody without any privilege. */
const asNobody = (command: readonly string[]) =>
  spawnSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', ...command], { encoding: 'utf8' })
const canBecome = asNobody(['unshare', '-Urnm', 'true'])

t.test(
  'without rights the error says what would help, and that works word for word',
  { skip: canBecome.status !== 0 && `no user namespaces for others: ${canBecome.stderr}` },
  async t => {
    const program = [
      process.execPath,
      ...process.execArgv,
      new URL('fixtures/create-one.ts', import.meta.url).pathname,
    ]
    for (const how of ['named', 'unnamed']) {
      const { stdout, stderr } = asNobody([...program, how])
      t.match(stdout, /^E(PERM|ACCES): .*is needed/, stderr)
      const recipe = /start the program in a user namespace: (.*)\n/.exec(stdout)?.[1] ?? ''
      const line = recipe.replace('node program.js', [...program, how].map(word => `'${word}'`).join(' '))
      t.equal(asNobody(['sh', '-c', line]).stdout, 'made 0\n', recipe)
    }
  },
)
