import t from 'tap'
import { HOST_IP, REMOTE_IP, type NamespaceRef } from '../helpers/topology.js'
import { tcpConnect, tcpEcho, tcpExchange } from '../helpers/tcp-traffic.js'
import { udpEcho, udpExchange } from '../helpers/udp-traffic.js'
import { needsIsolation, twoContainers, type IsolatedContainer, PATIENTLY } from './isolated-topology.js'

const ANY = '0.0.0.0'
const LOCALHOST = '127.0.0.1'
const PAYLOAD = Buffer.alloc(200_000, 'rtnetlink')

for (const neighbours of ['prefix', 'gateway'] as const) {
  t.test(`TCP and UDP, neighbours: '${neighbours}'`, needsIsolation(), async t => {
    const { remote, host, c1, c2 } = await twoContainers(t, { neighbours })

    /** Both protocols from one place to a server at another, with enough data to fill windows. */
    const talks = async (
      name: string,
      from: NamespaceRef,
      to: NamespaceRef,
      address: string,
      port: number,
    ) => {
      await using tcp = await tcpEcho(to, ANY, port)
      await using udp = await udpEcho(to, ANY, port)
      const { outcome, answer } = await tcpExchange(from, address, port, PAYLOAD, { timeout: 5000 })
      t.equal(outcome, 'connected', `${name}, TCP`)
      t.ok(answer.equals(PAYLOAD), `${name}, TCP data`)
      t.equal(await udpExchange(from, address, port, PATIENTLY), 'answered', `${name}, UDP`)
      return { tcp: tcp.peers, udp: udp.peers }
    }
    const isOf = (t_: typeof t, { info }: IsolatedContainer, peer: string | undefined, address: string) => {
      const [from, port = ''] = (peer ?? '').split(':')
      const [first, last] = info.ephemeralPorts
      t_.equal(from, address, 'with the shared address')
      t_.ok(Number(port) >= first && Number(port) <= last, `from an ephemeral port of its own: ${port}`)
    }

    await talks('remote to container', remote, c1, HOST_IP, c1.port)
    await talks('remote to the other container', remote, c2, HOST_IP, c2.port + 7)
    await talks('remote to an ephemeral port of a container', remote, c2, HOST_IP, c2.info.ephemeralPorts[1])
    const { tcp, udp } = await talks('container to remote', c1, remote, REMOTE_IP, 80)
    isOf(t, c1, tcp[0], HOST_IP)
    isOf(t, c1, udp[0], HOST_IP)
    for (const address of [HOST_IP, LOCALHOST]) {
      const { tcp } = await talks(`container to container by ${address}`, c1, c2, address, c2.port)
      isOf(t, c1, tcp[0], address)
      await talks(`and the other way round by ${address}`, c2, c1, address, c1.port)
      await talks(`container to host by ${address}`, c1, host, address, 80)
      await talks(`host to container by ${address}`, host, c2, address, c2.port)
      await talks(`container to itself by ${address}`, c1, c1, address, c1.port)
      await talks(`host to itself by ${address}`, host, host, address, 80)
    }
    await talks('remote to host', remote, host, HOST_IP, 80)
    await talks('host to remote', host, remote, REMOTE_IP, 80)
    await talks('host to remote, same port as a container listens on', host, remote, REMOTE_IP, c1.port)
  })
}

t.test('what is dropped', needsIsolation(), async t => {
  const { remote, host, c1, c2 } = await twoContainers(t)

  await t.test("a container's port that is not its own is not reached", async t => {
    await using tcp = await tcpEcho(c1, ANY, 8080)
    await using udp = await udpEcho(c1, ANY, 8080)
    await using own = await tcpEcho(c1, ANY, c1.port)
    await using ownUdp = await udpEcho(c1, ANY, c1.port)
    t.equal(await tcpConnect(remote, HOST_IP, own.port, PATIENTLY), 'connected', 'its own is')
    t.equal(await udpExchange(remote, HOST_IP, ownUdp.port, PATIENTLY), 'answered')
    for (const from of [remote, host, c2]) {
      // The host owns the port, and says so.
      t.equal(await tcpConnect(from, HOST_IP, 8080), 'refused')
      t.equal(await udpExchange(from, HOST_IP, 8080), 'refused')
    }
    t.strictSame([tcp.peers, udp.peers], [[], []])
    t.equal(
      await tcpConnect(c1, HOST_IP, 8080),
      'refused',
      "from itself by the shared address the port is the host's",
    )
  })

  await t.test('a managed port that nobody has is not reached', async t => {
    await using server = await tcpEcho(c1, ANY, 31_500)
    t.equal(await tcpConnect(remote, HOST_IP, 31_500), 'refused')
    t.strictSame(server.peers, [])
  })

  await t.test('a container listens on all ports of another in vain', async t => {
    await using thief = await tcpEcho(c2, ANY, c1.port)
    t.equal(await tcpConnect(remote, HOST_IP, c1.port), 'refused', 'by the closed port of its owner')
    await using owner = await tcpEcho(c1, ANY, c1.port)
    t.equal(await tcpConnect(remote, HOST_IP, c1.port, PATIENTLY), 'connected')
    t.strictSame(thief.peers, [])
    t.equal(owner.peers.length, 1)
  })

  await t.test('a source port that is not its own does not leave', async t => {
    await using tcp = await tcpEcho(remote, ANY, 80)
    await using udp = await udpEcho(remote, ANY, 80)
    await using local = await udpEcho(c2, ANY, c2.port)
    await using hosts = await udpEcho(host, ANY, 80)
    const [first, last] = c1.info.ephemeralPorts
    for (const localPort of [c1.port, c1.port + 7, first, last]) {
      t.equal(
        await tcpConnect(c1, REMOTE_IP, 80, { localPort, ...PATIENTLY }),
        'connected',
        `TCP from ${localPort}`,
      )
      t.equal(
        await udpExchange(c1, REMOTE_IP, 80, { localPort, ...PATIENTLY }),
        'answered',
        `UDP from ${localPort}`,
      )
      t.equal(
        await udpExchange(c1, HOST_IP, c2.port, { localPort }),
        'answered',
        `to the other from ${localPort}`,
      )
      t.equal(
        await udpExchange(c1, HOST_IP, 80, { localPort, ...PATIENTLY }),
        'answered',
        `to the host from ${localPort}`,
      )
    }
    const arrived = [tcp, udp, local, hosts].map(({ peers }) => peers.length)
    const timeout = 150
    for (const localPort of [c1.port - 1, c1.port + 8, first - 1, last + 1, 53]) {
      t.equal(await tcpConnect(c1, REMOTE_IP, 80, { localPort, timeout }), 'timeout', `TCP from ${localPort}`)
      t.equal(
        await udpExchange(c1, REMOTE_IP, 80, { localPort, timeout }),
        'timeout',
        `UDP from ${localPort}`,
      )
      t.equal(
        await udpExchange(c1, HOST_IP, c2.port, { localPort, timeout }),
        'timeout',
        `to the other from ${localPort}`,
      )
      t.equal(
        await udpExchange(c1, HOST_IP, 80, { localPort, timeout }),
        'timeout',
        `to the host from ${localPort}`,
      )
    }
    t.strictSame(
      [tcp, udp, local, hosts].map(({ peers }) => peers.length),
      arrived,
    )
  })
})

t.test('port 0 is a port of its own', needsIsolation(), async t => {
  const { remote, c1, c2 } = await twoContainers(t)
  for (const { info, ...container } of [c1, c2]) {
    const [first, last] = info.ephemeralPorts
    await using tcp = await tcpEcho(container, ANY, 0)
    await using udp = await udpEcho(container, ANY, 0)
    for (const { port } of [tcp, udp]) t.ok(port >= first && port <= last, `${port} in ${first}-${last}`)
    t.equal(await tcpConnect(remote, HOST_IP, tcp.port, PATIENTLY), 'connected')
    t.equal(await udpExchange(remote, HOST_IP, udp.port, PATIENTLY), 'answered')
  }
})
