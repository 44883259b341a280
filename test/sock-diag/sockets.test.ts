import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { SockDiagSocket, type InetSocket } from '../../src/sock-diag/index.js'
import { run } from '../helpers/iproute2.js'
import { canCreateNamespaces } from '../helpers/privilege.js'

async function open(t: Test): Promise<SockDiagSocket> {
  const diag = await SockDiagSocket.open()
  t.teardown(() => {
    diag.close()
  })
  return diag
}

async function listen(t: Test, host: string): Promise<number> {
  const server: Server = createServer({ pauseOnConnect: true }).listen(0, host)
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

async function connected(t: Test, port: number): Promise<Socket> {
  const client = connect(port, '127.0.0.1')
  await once(client, 'connect')
  t.teardown(() => client.destroy())
  return client
}

async function bound(t: Test): Promise<number> {
  const udp: UdpSocket = createSocket('udp4')
  await new Promise<void>(resolve => udp.bind(0, '127.0.0.1', resolve))
  t.teardown(() => {
    udp.close()
  })
  return udp.address().port
}

/** `ss` of one protocol: local and remote address with port, as it prints them. */
async function ss(...args: string[]): Promise<string[]> {
  const lines = (await run('ss', ['-H', '-n', '-O', ...args])).trim().split('\n')
  return lines.map(line => line.trim().split(/\s+/).slice(-2).join(' ')).sort()
}

/** The same of a socket. */
function asSs({ family, localAddress, localPort, remoteAddress, remotePort }: InetSocket): string {
  const text = (address: string, port: number): string =>
    `${family === 'inet6' ? (address === '::' && port === 0 ? '[::]' : `[${address}]`) : address}:${port === 0 ? '*' : port}`
  return `${text(localAddress, localPort)} ${text(remoteAddress, remotePort)}`
}

t.test('listeners and connections of TCP', async t => {
  const diag = await open(t)
  const port = await listen(t, '127.0.0.1')
  const other = await listen(t, '127.0.0.1')
  const client = await connected(t, port)

  const states = async (query: Parameters<typeof diag.list>[0]): Promise<unknown[]> =>
    (await diag.list(query)).map(({ state }) => state).sort()
  t.strictSame(await states({ localPort: port }), ['established', 'listening'])
  t.strictSame(await states({ localPort: port, states: ['listening'] }), ['listening'])
  t.strictSame(await states({ remotePort: port }), ['established'])
  t.strictSame(await states({ localPort: port, family: 'inet6' }), [])

  const [listening] = await diag.list({ localPort: port, states: ['listening'] })
  t.match(listening, {
    localAddress: '127.0.0.1',
    remoteAddress: '0.0.0.0',
    uid: process.getuid?.(),
    family: 'inet',
  })
  const [own] = await diag.list({ remotePort: port })
  t.equal(own?.localPort, client.localPort)

  const inRange = async (first: number, last: number): Promise<number[]> => {
    const found = await diag.list({ localPorts: [first, last], states: ['listening'], family: 'inet' })
    return found.map(({ localPort }) => localPort)
  }
  t.strictSame(await inRange(port, port), [port])
  t.notOk((await inRange(port + 1, 65535)).includes(port))
  t.notOk((await inRange(0, port - 1)).includes(port))
  t.strictSame((await inRange(0, 65535)).filter(found => found === port || found === other).length, 2)
})

t.test('what was sent and received', async t => {
  const diag = await open(t)
  const port = await listen(t, '127.0.0.1')
  const client = await connected(t, port)
  await new Promise(resolve => client.write('x'.repeat(1000), resolve))
  const [own] = await diag.list({ remotePort: port, details: true })
  t.equal(own?.tcpInfo?.bytesSent, 1000n)
  t.equal(own?.tcpInfo?.state, 'established')
  t.ok((own?.tcpInfo?.sndCwnd ?? 0) > 0)
  t.type(own?.congestion, 'string')
  t.ok((own?.memory?.sndbuf ?? 0) > 0)
  const [peer] = await diag.list({ localPort: port, states: ['established'], details: true })
  t.equal(peer?.tcpInfo?.bytesReceived, 1000n)
  t.equal(peer?.receiveQueue, 1000, 'nobody has read')
  const [plain] = await diag.list({ remotePort: port })
  t.equal(plain?.tcpInfo, undefined, 'only where details are asked for')
})

t.test('UDP', async t => {
  const diag = await open(t)
  const port = await bound(t)
  t.match(await diag.list({ protocol: 'udp', localPort: port }), [
    { state: 'closed', localAddress: '127.0.0.1', protocol: 'udp' },
  ])
  t.match(await diag.list({ protocol: 'udp', localPorts: [port, port] }), [{ localPort: port }])
  t.strictSame(await diag.list({ protocol: 'tcp', localPort: port, states: ['listening'] }), [])
})

t.test('as ss lists them', async t => {
  const diag = await open(t)
  const port = await listen(t, '127.0.0.1')
  await listen(t, '::1')
  await connected(t, port)
  await bound(t)
  const ours = async (query: Parameters<typeof diag.list>[0]): Promise<string[]> =>
    (await diag.list(query)).map(asSs).sort()
  t.strictSame(await ours({ states: ['listening'] }), await ss('-t', '-l'))
  t.strictSame(
    await ours({ states: ['established'], localPort: port }),
    await ss('-t', 'state', 'established', `sport = ${port}`),
  )
  t.strictSame(await ours({ protocol: 'udp', states: ['closed'] }), await ss('-u', '-l'))
})

t.test('sockets of another namespace', canCreateNamespaces(), async t => {
  const name = `r${process.pid}${Date.now().toString(36)}`
  await run('ip', ['netns', 'add', name])
  t.teardown(() => run('ip', ['netns', 'del', name]))
  await using there = await SockDiagSocket.open({ netns: name })
  t.strictSame(await there.list(), [])
  await listen(t, '127.0.0.1')
  t.strictSame(await there.list({ states: ['listening'] }), [])
  t.ok((await (await open(t)).list({ states: ['listening'] })).length > 0)
})

t.test('what the kernel cannot list', async t => {
  const diag = await open(t)
  await t.rejects(diag.list({ protocol: 250 }), { name: 'NetlinkError', code: /ENOENT|EINVAL/ })
  await t.rejects(diag.list({ localPorts: [2, 1] }), { name: 'RangeError' })
  diag.close()
  await t.rejects(diag.list(), { name: 'NetlinkClosedError' })
})
