import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { PortMappingIsolator } from '../../../src/isolator/port-mapping-isolator.js'
import { SockDiagSocket } from '../../../src/sock-diag/index.js'
import { ip } from '../../helpers/iproute2.js'
import { tcpConnect, tcpEcho } from '../../helpers/tcp-traffic.js'
import { HOST_IP, REMOTE_IP, type NamespaceRef } from '../../helpers/topology.js'
import { HOST_IP6, HOST_LINK_LOCAL, preparedInet6, REMOTE_IP6 } from '../inet6-topology.js'
import { needsIsolation, OPTIONS, PATIENTLY, preparedTopology } from '../isolated-topology.js'
import { changesNothing } from '../kernel-state.js'

const script = fileURLToPath(new URL('../fixtures/holds-socket.py', import.meta.url))

/** Holds a socket of the host until the test, or `release`, ends it. Resolves to nothing where the kernel has no such socket. */
async function holds(t: Test, { path }: NamespaceRef, ...what: string[]) {
  const child = spawn('nsenter', [`--net=${path}`, 'python3', script, ...what], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  const release = async (): Promise<void> => {
    child.stdin.end()
    if (child.exitCode === null) await once(child, 'exit')
  }
  return said.toString().startsWith('holds') ? release : undefined
}

/** Since Linux 6.8. To be asked while there is one. */
async function listsBoundSockets({ name }: NamespaceRef): Promise<boolean> {
  await using sockets = await SockDiagSocket.open({ netns: name })
  return (await sockets.list({ protocol: 'tcp', states: ['bound-inactive'] })).length > 0
}

const PORT = 31_000

/** Kind of socket, where it is bound, and whether a container that has its port would take its packets. */
type Case = [kind: string, address: string, loses: boolean]
const CASES: Case[] = [
  ['tcp-listening', '0.0.0.0', true],
  ['tcp-listening', HOST_IP, true],
  ['tcp-listening', '127.0.0.1', true],
  ['tcp-listening', '::', true],
  ['tcp-listening', `::ffff:${HOST_IP}`, true],
  ['tcp-listening', '127.0.0.2', false],
  ['tcp-listening', '::1', false],
  ['tcp-listening-v6only', '::', false],
  ['tcp-listening', '10.9.0.77', false],
  ['tcp-bound', '0.0.0.0', true],
  ['tcp-connected', HOST_IP, true],
  ['tcp-connected', '10.9.0.77', false],
  ['tcp-time-wait', HOST_IP, true],
  ['udp-bound', '0.0.0.0', true],
  ['udp-bound', '127.0.0.2', false],
  ['udp-connected', HOST_IP, true],
  ['udp-connected-v6only', '::1', false],
  ['udplite-bound', '0.0.0.0', true],
  ['tcp-listening-on-other', '0.0.0.0', false],
]

const NOT_SHARED = '2001:db8:9::77'

/** Where containers have IPv6 too. */
const CASES6: Case[] = [
  ['tcp-listening', '::', true],
  ['tcp-listening-v6only', '::', true],
  ['tcp-listening', `::ffff:${HOST_IP}`, true],
  ['tcp-listening', HOST_IP6, true],
  ['tcp-listening-v6only', HOST_LINK_LOCAL, true],
  ['tcp-listening', '::1', true],
  ['tcp-listening', NOT_SHARED, false],
  ['tcp-bound-v6only', '::', true],
  ['tcp-connected', HOST_IP6, true],
  ['tcp-time-wait', HOST_IP6, true],
  ['udp-bound', '::', true],
  ['udp-bound-v6only', '::', true],
  ['udp-bound', NOT_SHARED, false],
  ['udp-connected', HOST_IP6, true],
  ['udplite-bound-v6only', '::', true],
  ['tcp-listening-on-other', '::', false],
  ['tcp-listening', '0.0.0.0', true],
]

for (const [ipv6, cases] of [
  [false, CASES],
  [true, CASES6],
] as const) {
  t.test(
    `a container gets no port on which a socket of the host would lose its packets, ipv6 ${ipv6}`,
    needsIsolation(),
    async t => {
      const { topology, host, remote, isolator } = ipv6
        ? await preparedInet6(t, { containers: 1, addresses6: [HOST_IP6] })
        : await preparedTopology(t, { containers: 1 })
      const [c1] = topology.containers as [NamespaceRef]
      await ip(host.name, 'addr add 10.9.0.77/24 dev eth0')
      if (ipv6) await ip(host.name, `addr add ${NOT_SHARED}/64 dev eth0 nodad`)
      await ip(host.name, 'link add other type veth peer name another')
      await using server = await tcpEcho(remote, '::', 40_000)
      for (const [i, [kind, address, loses]] of cases.entries()) {
        // Another one each time: what is left of a connection keeps its port for a minute.
        const port = PORT + 8 * i
        const isolate = () => isolator.isolate('web-1', { netns: c1.name, ports: `${port}-${port + 7}` })
        await t.test(`${kind} ${address}`, async t => {
          const release = await holds(
            t,
            host,
            kind,
            address,
            `${port}`,
            address.includes(':') ? REMOTE_IP6 : REMOTE_IP,
            `${server.port}`,
          )
          if (!release || (kind.startsWith('tcp-bound') && !(await listsBoundSockets(host))))
            return t.skip('this kernel has no such socket, or does not list it', () => undefined)
          if (loses) {
            const refused = () =>
              t.rejects(isolate(), {
                code: 'ERR_PORTS_IN_USE',
                message: new RegExp(
                  `'web-1' cannot have port ${port}: .*See who: ss -anp[tu] 'sport = ${port}'`,
                ),
                details: { port },
              })
            // To look at all of the kernel takes a second: once is enough, since all are refused in one place.
            await (i === 0 ? changesNothing(t, [host], refused) : refused())
          } else {
            await isolate()
            t.strictSame(await isolator.verify(), [])
            await isolator.cleanup('web-1')
          }
          await release()
        })
      }
    },
  )
}

t.test("with hostSockets: 'ignore' it does", needsIsolation(), async t => {
  const { topology, host, remote, isolator } = await preparedTopology(t, {
    containers: 1,
    hostSockets: 'ignore',
  })
  const [c1] = topology.containers as [NamespaceRef]
  const release = await holds(t, host, 'tcp-bound', '0.0.0.0', `${PORT}`, REMOTE_IP, '9')
  await isolator.isolate('web-1', { netns: c1.name, ports: `${PORT}` })
  await isolator.update('web-1', { ports: `${PORT},${PORT + 1}` })
  await using server = await tcpEcho(c1, '0.0.0.0', PORT)
  t.equal(await tcpConnect(remote, HOST_IP, server.port, PATIENTLY), 'connected')
  t.strictSame(await isolator.verify(), [])
  await release?.()
})

t.test('what the host binds later is reported', needsIsolation(), async t => {
  const { topology, host, isolator } = await preparedTopology(t, { containers: 1 })
  const [c1] = topology.containers as [NamespaceRef]
  await isolator.isolate('web-1', { netns: c1.name, ports: `${PORT}` })
  t.strictSame(await isolator.verify(), [])
  const release = await holds(t, host, 'udp-bound', '0.0.0.0', `${PORT}`, REMOTE_IP, '9')
  const difference = {
    id: 'web-1',
    kind: 'deaf',
    object: `ss -anpu 'sport = ${PORT}'`,
    found: `a udp socket of the host (uid 0) on 0.0.0.0:${PORT}, which gets no packets`,
    foreign: true,
  }
  t.strictSame(await isolator.verify(), [difference])
  t.strictSame(await isolator.verify('web-1'), [difference])
  t.strictSame(await isolator.repair(), { repaired: [], left: [difference] })
  const alsoTcp = await holds(t, host, 'tcp-listening', '0.0.0.0', `${PORT}`, REMOTE_IP, '9')
  t.match(await isolator.verify(), [{ object: `ss -anpt 'sport = ${PORT}'` }, difference])
  await alsoTcp?.()
  await release?.()
  t.strictSame(await isolator.verify(), [])
})

t.test(
  'a connection of before the ephemeral range was squeezed keeps its port',
  needsIsolation(),
  async t => {
    const { topology, host, remote, isolator: other } = await preparedTopology(t, { containers: 1 })
    await other.destroy()
    const [c1] = topology.containers as [NamespaceRef]
    const [first] = (OPTIONS.ephemeralPorts as unknown as string).split('-').map(Number) as [number]
    await using server = await tcpEcho(remote, REMOTE_IP, 40_000)
    const release = await holds(
      t,
      host,
      'tcp-connected',
      HOST_IP,
      `${first + 5}`,
      REMOTE_IP,
      `${server.port}`,
    )
    const isolator = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
    const info = await isolator.isolate('web-1', { netns: c1.name })
    t.ok(info.ephemeralPorts[0] > first + 5, 'the container gets the next range')
    await release?.()
    await isolator.destroy()
  },
)
