import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { NetworkNamespace, referencePath } from '../../src/netns/network-namespace.js'
import { expectSame, snapshot } from '../helpers/leaks.js'
import { canCreateNamespaces } from '../helpers/privilege.js'

const unique = `l${randomBytes(4).toString('hex')}`
const PORT_RANGE = 'net.ipv4.ip_local_port_range'
const needsNamespaces = canCreateNamespaces()

const names: string[] = []
const newName = (): string => {
  const name = `${unique}-${names.length}`
  names.push(name)
  return name
}

t.teardown(() => {
  for (const name of names) if (existsSync(`/run/netns/${name}`)) spawnSync('ip', ['netns', 'del', name])
})

async function scratch(t: Test): Promise<NetworkNamespace> {
  const netns = await NetworkNamespace.create()
  t.teardown(() => netns.close())
  return netns
}

const ip = (...args: string[]): string => spawnSync('ip', args, { encoding: 'utf8' }).stdout
const inodeOf = (path: string): string => `${statSync(path).dev}:${statSync(path).ino}`
const mounts = (): number =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter(line => line.includes(' /run/netns ')).length

t.test('unnamed', needsNamespaces, async t => {
  const own = readlinkSync('/proc/self/ns/net')
  const netns = await scratch(t)
  t.equal(netns.name, undefined)
  t.equal(readlinkSync('/proc/thread-self/ns/net'), own, 'this thread has stayed where it was')
  const links = await netns.accessFiles([['/proc/thread-self/net/dev', null]])
  t.match(links, [/lo:/])
  t.notMatch(links, [/eth0:/])
  netns.close()
  t.ok(netns.closed)
  netns.close()
  t.throws(() => netns.fd, { message: 'the network namespace is closed' })
  await t.rejects(netns.readSysctl(PORT_RANGE), { message: 'the network namespace is closed' })
})

t.test('named: `ip netns` knows it', needsNamespaces, async t => {
  const name = newName()
  const netns = await NetworkNamespace.create(name)
  t.equal(netns.name, name)
  t.ok(ip('netns', 'list').split(/\s/).includes(name))
  t.equal(ip('-n', name, '-o', 'link').split('\n').length, 2, 'one link and it is lo')
  t.equal(inodeOf(`/run/netns/${name}`), netns.identity)
  await netns.delete()
  t.ok(netns.closed)
  t.notOk(existsSync(`/run/netns/${name}`))
  t.notOk(ip('netns', 'list').includes(name))
  await t.rejects(netns.delete(), { code: 'ENOENT' })
})

t.test('a name that is taken', needsNamespaces, async t => {
  const name = newName()
  const netns = await NetworkNamespace.create(name)
  t.teardown(() => netns.delete())
  const before = await snapshot()
  await t.rejects(NetworkNamespace.create(name), { code: 'EEXIST' })
  await t.rejects(netns.attach(name), { code: 'EEXIST' })
  t.equal(inodeOf(`/run/netns/${name}`), netns.identity, 'is left alone')
  await expectSame(t, before)
  const plain = newName()
  writeFileSync(`/run/netns/${plain}`, '')
  await t.rejects(NetworkNamespace.create(plain), { code: 'EEXIST' })
  t.throws(() => NetworkNamespace.open(plain), {
    name: 'TypeError',
    message: `'/run/netns/${plain}' is not a network namespace, but an empty file, as a namespace that is gone leaves behind`,
  })
  await NetworkNamespace.deleteName(plain)
  t.notOk(existsSync(`/run/netns/${plain}`), 'a handle that was left behind can be deleted')
})

t.test('names that are none', needsNamespaces, async t => {
  for (const name of ['', '.', '..', 'a/b', '../x', 'a\0b']) {
    const expected = { name: 'TypeError', message: /(name for|name of) a network namespace/ }
    await t.rejects(NetworkNamespace.create(name), expected)
    await t.rejects(NetworkNamespace.deleteName(name), expected)
  }
  t.throws(() => NetworkNamespace.open(''), { name: 'TypeError' })
  t.throws(() => NetworkNamespace.open('..'), { name: 'TypeError' })
})

t.test('many at once', needsNamespaces, async t => {
  await (await NetworkNamespace.create(newName())).delete()
  const before = mounts()
  const made = await Promise.all(Array.from({ length: 8 }, () => NetworkNamespace.create(newName())))
  t.equal(new Set(made.map(({ identity }) => identity)).size, 8)
  t.equal(mounts(), before, 'without a further mount of the directory')
  await Promise.all(made.map(netns => netns.delete()))
})

// In a mount namespace of its own: `ip netns add` has made it one here.
const inSandbox = (...options: string[]): readonly [command: string, args: string[]] => [
  'unshare',
  [...options, '--net', '--mount', 'sh', '-ec', 'mount -t tmpfs tmpfs /run && exec "$@"', 'sh'],
]
const sandboxes = { root: inSandbox(), 'root of a user namespace': inSandbox('--user', '--map-root-user') }

for (const [who, [command, args]] of Object.entries(sandboxes)) {
  const { status, stderr } = spawnSync(command, [...args, 'true'], { encoding: 'utf8' })
  t.test(`${who} makes a shared mount of /run/netns, once`, { skip: status !== 0 && stderr }, async t => {
    const program = fileURLToPath(new URL('fixtures/create-many.ts', import.meta.url))
    const node = [process.execPath, ...process.execArgv, program]
    const { stdout, stderr } = spawnSync(command, [...args, ...node], { encoding: 'utf8' })
    t.equal(stdout, '4 namespaces, 1 new mount, 1 shared\n', stderr)
  })
}

t.test('open', needsNamespaces, async t => {
  const name = newName()
  const netns = await NetworkNamespace.create(name)
  t.teardown(() => netns.delete())
  const byName = NetworkNamespace.open(name)
  const byPath = NetworkNamespace.open(`/run/netns/${name}`)
  const child = spawn('ip', ['netns', 'exec', name, 'sleep', '100'], { stdio: 'ignore' })
  t.teardown(() => child.kill())
  while (!existsSync(`/proc/${child.pid}/ns/net`) || inodeOf(`/proc/${child.pid}/ns/net`) !== netns.identity)
    await sleep(5)
  const byPid = NetworkNamespace.open(child.pid!)
  const again = NetworkNamespace.resolve(netns)
  for (const other of [byName, byPath, byPid, again]) {
    t.ok(other.equals(netns))
    t.equal(other.identity, netns.identity)
    other.close()
  }
  t.equal(byName.name, name)
  t.equal(byPath.name, undefined)
  t.notOk(netns.closed)
  const current = NetworkNamespace.current()
  t.notOk(current.equals(netns))
  t.equal(current.identity, inodeOf('/proc/self/ns/net'))
  current.close()
  child.kill()
  await once(child, 'exit')
  t.throws(() => NetworkNamespace.open(child.pid!), { code: 'ENOENT' })
})

t.test('open what is none', async t => {
  const before = await snapshot()
  t.throws(() => NetworkNamespace.open(`${unique}-none`), { code: 'ENOENT' })
  t.throws(() => NetworkNamespace.open('/no/such/file'), { code: 'ENOENT' })
  t.throws(() => NetworkNamespace.open('/etc/passwd'), {
    name: 'TypeError',
    message: "'/etc/passwd' is not a network namespace, but a file",
  })
  await expectSame(t, before)
})

t.test('sysctls are those inside', needsNamespaces, async t => {
  const netns = await scratch(t)
  const outside = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
  await netns.writeSysctl(PORT_RANGE, '40000 40099')
  t.equal((await netns.readSysctl(PORT_RANGE)).replace(/\s+/, ' '), '40000 40099')
  t.equal(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), outside, 'and not outside')
  await netns.writeSysctl('net/ipv4/ip_forward', 1)
  t.equal(await netns.readSysctl('net.ipv4.ip_forward'), '1', 'without the final newline')
  await t.rejects(netns.readSysctl('net.ipv4.nonsense'), {
    code: 'ENOENT',
    syscall: 'open',
    path: '/proc/sys/net/ipv4/nonsense',
  })
  await t.rejects(netns.writeSysctl('net.ipv4.nonsense', 1), { code: 'ENOENT' })
  await t.rejects(netns.writeSysctl('net.ipv4.ip_forward', 'nonsense'), { code: 'EINVAL', syscall: 'write' })
  await t.rejects(netns.readSysctl('../etc/passwd'), { name: 'TypeError' })
})

t.test('many files, in order, each with its own outcome', needsNamespaces, async t => {
  const netns = await scratch(t)
  const forward = '/proc/sys/net/ipv4/ip_forward'
  const results = await netns.accessFiles([
    [forward, null],
    [forward, '1'],
    ['/proc/sys/net/nonsense', null],
    [forward, null],
  ])
  t.match(results, ['0\n', '1', { code: 'ENOENT' }, '1\n'])
})

t.test('closing while it is used', needsNamespaces, async t => {
  const netns = await scratch(t)
  await netns.writeSysctl('net.ipv4.ip_forward', 1)
  const reads = Array.from({ length: 20 }, () => netns.readSysctl('net.ipv4.ip_forward'))
  netns.close()
  t.throws(() => netns.fd)
  const other = await Promise.all(Array.from({ length: 20 }, () => NetworkNamespace.create()))
  t.same(await Promise.all(reads), Array(20).fill('1'), 'all have read the namespace they were meant for')
  for (const each of other) each.close()
})

t.test('names given and taken', needsNamespaces, async t => {
  const name = newName()
  const netns = await NetworkNamespace.create()
  const { identity } = netns
  await netns.writeSysctl('net.ipv4.ip_forward', 1)
  await netns.attach(name)
  netns.close()
  const again = NetworkNamespace.open(name)
  t.equal(again.identity, identity, 'the name has kept it')
  t.equal(await again.readSysctl('net.ipv4.ip_forward'), '1')
  await NetworkNamespace.deleteName(name)
  t.equal(await again.readSysctl('net.ipv4.ip_forward'), '1', 'it lives on while it is open')
  again.close()
  await t.rejects(NetworkNamespace.deleteName(name), { code: 'ENOENT' })
})

t.test('closing while a name is being given', needsNamespaces, async t => {
  const name = newName()
  const netns = await NetworkNamespace.create()
  const { identity } = netns
  const attaching = netns.attach(name)
  netns.close()
  await attaching
  t.equal(inodeOf(`/run/netns/${name}`), identity)
  await NetworkNamespace.deleteName(name)
})

t.test('sockets inside', needsNamespaces, async t => {
  const netns = await scratch(t)
  spawnSync('nsenter', [`--net=/proc/${process.pid}/fd/${netns.fd}`, 'ip', 'link', 'set', 'lo', 'up'])
  await netns.writeSysctl(PORT_RANGE, '40000 40099')
  const server = createServer(socket => socket.end('inside'))
  server.listen({ fd: netns.openSocket({ type: 'tcp', address: '127.0.0.1' }) })
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  t.ok(port >= 40000 && port <= 40099, `port ${port} is of its range`)
  t.throws(() => netns.openSocket({ type: 'tcp', address: '127.0.0.1', port }), { code: 'EADDRINUSE' })
  t.throws(() => netns.openSocket({ type: 'tcp', address: '192.0.2.1' }), {
    code: 'EADDRNOTAVAIL',
    syscall: 'bind',
  })
  t.throws(() => netns.openSocket({ type: 'udp', address: 'localhost' }), { name: 'TypeError' })
  t.throws(() => netns.openSocket({ type: 'udp', port: 65536 }), { name: 'RangeError' })
  server.close()
})

t.test('where others find a reference', needsNamespaces, async t => {
  const [unnamed, name] = [await scratch(t), newName()]
  const named = await NetworkNamespace.create(name)
  t.equal(referencePath(unnamed), `/proc/${process.pid}/fd/${unnamed.fd}`)
  t.equal(referencePath(named), `/run/netns/${name}`)
  t.equal(referencePath(name), `/run/netns/${name}`)
  t.equal(referencePath('/some/where'), '/some/where')
  t.equal(referencePath(42), '/proc/42/ns/net')
  t.equal(inodeOf(referencePath(unnamed)), unnamed.identity)
  const byPath = NetworkNamespace.open(`/run/netns/${name}`)
  t.equal(referencePath(byPath), `/run/netns/${name}`)
  const again = NetworkNamespace.resolve(byPath)
  byPath.close()
  t.equal(referencePath(again), `/run/netns/${name}`, 'whichever handle is open')
  again.close()
  const byPid = NetworkNamespace.open(process.pid)
  t.equal(referencePath(byPid), `/proc/${process.pid}/ns/net`)
  byPid.close()
  const current = NetworkNamespace.current()
  t.equal(referencePath(current), `/proc/${process.pid}/fd/${current.fd}`, 'self is another one elsewhere')
  current.close()
  await named.delete()
})

t.test('await using closes, and leaves the name', needsNamespaces, async t => {
  const name = newName()
  let used: NetworkNamespace
  {
    await using netns = await NetworkNamespace.create(name)
    used = netns
  }
  t.ok(used.closed)
  t.ok(existsSync(`/run/netns/${name}`))
  await NetworkNamespace.deleteName(name)
})

t.test('nothing is left behind', needsNamespaces, async t => {
  const use = async (name: string): Promise<void> => {
    const netns = await NetworkNamespace.create(name)
    const second = NetworkNamespace.open(name)
    await second.readSysctl(PORT_RANGE)
    await NetworkNamespace.create(name).catch(() => undefined)
    await second.readSysctl('net.nonsense.x').catch(() => undefined)
    second.close()
    await netns.delete()
    const unnamed = await NetworkNamespace.create()
    await unnamed.attach(name)
    unnamed.close()
    await NetworkNamespace.deleteName(name)
  }
  const name = newName()
  await use(name)
  const before = await snapshot({ names: new RegExp(name) })
  for (let i = 0; i < 10; i++) await use(name)
  await expectSame(t, before)
})
