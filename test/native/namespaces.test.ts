import { once } from 'node:events'
import {
  closeSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { binding } from '../../src/native/binding.js'
import { SystemError } from '../../src/native/system-error.js'
import { expectHoldings, holdings } from './holdings.js'
import { needsNamespaces, scratchNamespace } from './scratch-namespace.js'
import { NETLINK_ROUTE, setLink } from './link-messages.js'

/** linux/socket.h, linux/net.h, linux/mount.h */
const AF_INET = 2
const SOCK_STREAM = 1
const MS_BIND = 0x1000

const LO = 1
const SYSCTL = '/proc/sys/net/ipv4/ip_local_port_range'
const RESERVED = '/proc/sys/net/ipv4/ip_local_reserved_ports'

const files = (netns: number, entries: [string, string | null][]): Promise<(string | Error)[]> =>
  new Promise((resolve, reject) => {
    binding().files(netns, entries, (error, results) => (error ? reject(error) : resolve(results)))
  })

/** Calls with a Node-style callback last; gives the error. */
const outcome = (call: (done: (error: Error | null) => void) => void): Promise<Error | null> =>
  new Promise(resolve => call(resolve))

function loopback(port: number): Buffer {
  const address = Buffer.alloc(16) // struct sockaddr_in
  address.set(new Uint8Array(Uint16Array.of(AF_INET).buffer))
  address.writeUInt16BE(port, 2)
  address.set([127, 0, 0, 1], 4)
  return address
}

t.test('reads files of the own namespace without privilege', async t => {
  const [own] = await files(-1, [[SYSCTL, null]])
  t.equal(own, readFileSync(SYSCTL, 'utf8'))
  t.strictSame(await files(-1, []), [])
  const large = readFileSync('/proc/kallsyms', 'utf8').length
  t.equal(((await files(-1, [['/proc/kallsyms', null]]))[0] as string).length, large)
})

t.test('reports each file that fails, and goes on', async t => {
  const [missing, directory, last] = await files(-1, [
    ['/proc/sys/net/nothing', null],
    ['/proc/sys/net', '1'],
    [SYSCTL, null],
  ])
  t.ok(missing instanceof SystemError)
  t.match(missing, { code: 'ENOENT', errno: -2, syscall: 'open', path: '/proc/sys/net/nothing' })
  t.match(directory, { code: 'EISDIR', syscall: 'open', path: '/proc/sys/net' })
  t.type(last, 'string')
})

t.test('refuses what is no namespace', async t => {
  const fd = openSync('/dev/null', 'r')
  t.teardown(() => closeSync(fd))
  t.throws(() => new (binding().Socket)(NETLINK_ROUTE, fd), { code: 'EINVAL', syscall: 'setns' })
  t.throws(() => binding().openSocket(fd, AF_INET, SOCK_STREAM, 0), { code: 'EINVAL', syscall: 'setns' })
  await t.rejects(files(fd, [[SYSCTL, null]]), { code: 'EINVAL', syscall: 'setns' })
  t.throws(() => new (binding().Socket)(NETLINK_ROUTE, 9999), { code: 'EBADF', syscall: 'setns' })
})

t.test('in a namespace of its own', needsNamespaces(), async t => {
  await t.test('is another one than the own', async t => {
    const netns = await scratchNamespace(t)
    t.not(fstatSync(netns).ino, statSync('/proc/self/ns/net').ino)
    t.equal(
      statSync('/proc/thread-self/ns/net').ino,
      statSync('/proc/self/ns/net').ino,
      'the thread did not move',
    )
  })

  await t.test('reads and writes sysctls of that one only', async t => {
    const netns = await scratchNamespace(t)
    const before = readFileSync(SYSCTL, 'utf8')
    const [written, read, refused] = await files(netns, [
      [SYSCTL, '41000 41999'],
      [SYSCTL, null],
      [SYSCTL, 'nonsense'],
    ])
    t.equal(written, '41000 41999')
    t.equal(read, '41000\t41999\n')
    t.match(refused, { code: 'EINVAL', syscall: 'write', path: SYSCTL })
    t.equal(readFileSync(SYSCTL, 'utf8'), before)
  })

  await t.test('reads and writes a list of ports of any length', async t => {
    const netns = await scratchNamespace(t)
    const ports = (first: number): string => Array.from({ length: 32767 }, (_, i) => first + 2 * i).join()
    const [odd, even] = [ports(1), ports(2)]
    t.ok(odd.length > 180_000)
    const file = (value: string | null): [string, string | null] => [RESERVED, value]
    t.strictSame(await files(netns, [file(odd), file(null)]), [odd, `${odd}\n`])
    t.strictSame(await files(netns, [file(even), file(null)]), [even, `${even}\n`], 'in place of the other')

    for (const wrong of [`${odd},nonsense`, `${odd},65536`, '7,nonsense', '7 8'])
      t.match(
        await files(netns, [file(wrong), file(null)]),
        [{ code: 'EINVAL', syscall: 'write', path: RESERVED }, `${even}\n`],
        'a value that is refused beyond its beginning changes nothing',
      )
    t.strictSame(await files(netns, [file('7,9-12'), file(null), file('\n'), file(null)]), [
      ...['7,9-12', '7,9-12\n'],
      ...['\n', '\n'],
    ])
  })

  await t.test(
    'a value that the kernel takes the beginning of is refused, and the old one stays',
    async t => {
      const netns = await scratchNamespace(t)
      const cases: [path: string, value: string][] = [
        ['net/ipv4/ip_forward', '1 1'],
        ['net/ipv4/ip_forward', '1 nonsense'],
        ['net/ipv4/ip_local_port_range', '41000 41999 3'],
        ['net/ipv4/tcp_rmem', '4096 5000 6000 7000'],
      ]
      for (const [name, value] of cases) {
        const path = `/proc/sys/${name}`
        const [before, refused, after] = await files(netns, [
          [path, null],
          [path, value],
          [path, null],
        ])
        t.match(refused, { code: 'EINVAL', syscall: 'write', path }, `${name} = ${value}`)
        t.equal(after, before)
      }
    },
  )

  await t.test('listens and connects where it was made', async t => {
    const netns = await scratchNamespace(t)
    const elsewhere = await scratchNamespace(t)
    for (const place of [netns, elsewhere]) {
      const rt = new (binding().Socket)(NETLINK_ROUTE, place)
      rt.exchangeSync(setLink(1, LO, true), 1000)
      rt.close()
    }
    const connect = (place: number): net.Socket => {
      const fd = binding().openSocket(place, AF_INET, SOCK_STREAM, 0).release()
      return new net.Socket({ fd, manualStart: true } as net.SocketConstructorOpts).connect(4242, '127.0.0.1')
    }

    const server = net.createServer(peer => peer.pipe(peer))
    t.teardown(() => server.close())
    const fd = binding().openSocket(netns, AF_INET, SOCK_STREAM, 0).release()
    binding().bind(fd, loopback(4242))
    t.throws(
      () => {
        binding().bind(fd, Buffer.alloc(3))
      },
      { code: 'EINVAL', syscall: 'bind' },
    )
    server.listen({ fd })
    await once(server, 'listening')

    const client = connect(netns)
    client.end('hello from inside')
    t.equal(Buffer.concat(await client.toArray()).toString(), 'hello from inside')

    const [error] = (await once(connect(elsewhere), 'error')) as [NodeJS.ErrnoException]
    t.equal(error.code, 'ECONNREFUSED', 'nobody listens elsewhere')
  })

  await t.test('a socket that cannot be made leaves nothing open', async t => {
    const netns = await scratchNamespace(t)
    const before = holdings()
    // Often enough to outweigh what earlier tests have given up and is about to go.
    for (let i = 0; i < 20; i++) {
      t.throws(() => binding().openSocket(netns, AF_INET, 99, 0), { code: 'EINVAL', syscall: 'socket' })
    }
    await expectHoldings(t, before)
  })

  await t.test('has a place in the file system for as long as it is mounted', async t => {
    const folder = mkdtempSync(join(tmpdir(), 'rtnetlink-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    const [first, second] = [join(folder, 'first'), join(folder, 'second')]
    writeFileSync(first, '')
    writeFileSync(second, '')
    const { unshareNetworkNamespace, mount, unmount } = binding()

    const netns = await new Promise<number>((resolve, reject) => {
      unshareNetworkNamespace(first, (error, fd) => (error ? reject(error) : resolve(fd)))
    })
    t.equal(statSync(first).ino, fstatSync(netns).ino)
    t.equal(await outcome(done => mount(`/proc/self/fd/${netns}`, second, MS_BIND, done)), null)
    t.equal(statSync(second).ino, fstatSync(netns).ino)
    closeSync(netns)

    const fd = openSync(second, 'r')
    t.equal(new (binding().Socket)(NETLINK_ROUTE, fd).interfaceIndex('lo'), LO, 'it lives on')
    closeSync(fd)
    for (const path of [first, second]) {
      t.equal(await outcome(done => unmount(path, done)), null)
      t.equal(statSync(path).size, 0)
    }
    t.match(await outcome(done => unmount(first, done)), { code: 'EINVAL', syscall: 'umount2', path: first })
    const nowhere = join(folder, 'nowhere')
    t.match(await outcome(done => mount(first, nowhere, MS_BIND, done)), {
      code: 'ENOENT',
      syscall: 'mount',
      path: nowhere,
    })
    const leaked = await new Promise<[Error | null, number]>(resolve => {
      unshareNetworkNamespace(nowhere, (error, fd) => resolve([error, fd]))
    })
    t.match(leaked, [{ code: 'ENOENT', syscall: 'mount' }, -1])
  })
})
