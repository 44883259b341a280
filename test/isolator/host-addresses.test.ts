import t, { type Test } from 'tap'
import { tcpEcho, tcpExchange } from '../helpers/tcp-traffic.js'
import { HOST_IP, type NamespaceRef } from '../helpers/topology.js'
import { udpEcho, udpExchange } from '../helpers/udp-traffic.js'
import { needsIsolation, PATIENTLY, twoContainers, type TopologyOfIsolator } from './isolated-topology.js'

const LOCALHOST = '127.0.0.1'
/** Where systemd-resolved answers, where Debian has the host's name, and the last one. */
const OTHER_LOOPBACKS = ['127.0.0.53', '127.0.1.1', '127.255.255.254'] as const
const BLOCKED = { timeout: 300 }
const PAYLOAD = Buffer.alloc(50_000, 'rtnetlink')

interface Talk {
  readonly from: NamespaceRef
  /** Default: the one that the kernel chooses. */
  readonly localAddress?: string
  readonly to: NamespaceRef
  /** Where the server listens, and is asked. */
  readonly address: string
  readonly port: number
  /** The address that the server sees. */
  readonly seenAs: string
}

/** TCP and UDP with answers; and "refused" while nobody listens. */
async function talks(t: Test, name: string, { from, localAddress, to, address, port, seenAs }: Talk) {
  const options = { ...PATIENTLY, ...(localAddress !== undefined && { localAddress }) }
  t.equal(await udpExchange(from, address, port, options), 'refused', `${name}: UDP, nobody listens`)
  t.equal(
    (await tcpExchange(from, address, port, PAYLOAD, options)).outcome,
    'refused',
    `${name}: TCP, nobody listens`,
  )
  await using tcp = await tcpEcho(to, address, port)
  await using udp = await udpEcho(to, address, port)
  const { outcome, answer } = await tcpExchange(from, address, port, PAYLOAD, options)
  t.equal(outcome, 'connected', `${name}: TCP`)
  t.ok(answer.equals(PAYLOAD), `${name}: TCP data`)
  t.equal(await udpExchange(from, address, port, options), 'answered', `${name}: UDP`)
  const peers = [tcp, udp].map(({ peers: [peer = ''] }) => peer.replace(/:.*/, ''))
  t.strictSame(peers, [seenAs, seenAs], `${name}: the source address`)
}

/** Neither TCP nor UDP gets there. */
async function isSilent(
  t: Test,
  name: string,
  { from, to, address, port }: Omit<Talk, 'seenAs'>,
): Promise<void> {
  await using tcp = await tcpEcho(to, address, port)
  await using udp = await udpEcho(to, address, port)
  t.equal((await tcpExchange(from, address, port, PAYLOAD, BLOCKED)).outcome, 'timeout', `${name}: TCP`)
  t.equal(await udpExchange(from, address, port, BLOCKED), 'timeout', `${name}: UDP`)
  t.strictSame([tcp.peers, udp.peers], [[], []], `${name}: nothing arrives`)
}

const VARIANTS: TopologyOfIsolator[] = [{}, { egressEnforcement: 'host' }, { neighbours: 'gateway' }]

for (const options of VARIANTS) {
  t.test(`other loopback addresses of the host: ${JSON.stringify(options)}`, needsIsolation(), async t => {
    const { isolator, host, c1, c2 } = await twoContainers(t, options)
    for (const address of OTHER_LOOPBACKS) {
      const toHost = { from: c1, to: host, address, port: 53, seenAs: LOCALHOST }
      await talks(t, `container to host at ${address}`, toHost)
      const fromShared = { ...toHost, localAddress: HOST_IP, seenAs: HOST_IP }
      await talks(t, `the same, bound to the shared address`, fromShared)
      for (const shared of [LOCALHOST, HOST_IP])
        await talks(t, `host at ${address} to container at ${shared}`, {
          ...{ from: host, localAddress: address, to: c1, address: shared, port: c1.port, seenAs: address },
        })

      // A port that a container has is its own at the addresses that it has; at this one it is the host's.
      await using _tcp = await tcpEcho(c2, '0.0.0.0', c2.port)
      await using _udp = await udpEcho(c2, '0.0.0.0', c2.port)
      const taken = { from: c1, to: host, address, port: c2.port, seenAs: LOCALHOST }
      await talks(t, `container to a port of another at ${address}`, taken)
      await talks(t, `host to itself by a port of a container`, { ...taken, from: host })
      const own = { from: c1, to: c1, address, port: c1.port, seenAs: LOCALHOST }
      await talks(t, `container to itself at ${address}`, own)
    }
    t.strictSame(await isolator.verify(), [])
  })
}

t.test('between loopback and shared addresses', needsIsolation(), async t => {
  const { host, c1, c2 } = await twoContainers(t)
  for (const [localAddress, address] of [
    [HOST_IP, LOCALHOST],
    [LOCALHOST, HOST_IP],
  ] as const) {
    const seenAs = localAddress
    const name = `from ${localAddress} to ${address}`
    await talks(t, `container to host, ${name}`, {
      from: c1,
      to: host,
      address,
      localAddress,
      port: 80,
      seenAs,
    })
    await talks(t, `host to container, ${name}`, {
      ...{ from: host, to: c1, address, localAddress, port: c1.port, seenAs },
    })
    await talks(t, `container to container, ${name}`, {
      ...{ from: c1, to: c2, address, localAddress, port: c2.port, seenAs },
    })
  }
})

t.test('hostAccess holds for other loopback addresses', needsIsolation(), async t => {
  for (const hostAccess of ['deny', '53,443'] as const) {
    const { host, c1, c2 } = await twoContainers(t, { hostAccess })
    for (const address of OTHER_LOOPBACKS) {
      const toHost = { from: c1, to: host, address, seenAs: LOCALHOST }
      const name = `${hostAccess}: ${address}`
      if (hostAccess === 'deny') await isSilent(t, name, { ...toHost, port: 53 })
      else await talks(t, name, { ...toHost, port: 53 })
      await isSilent(t, name, { ...toHost, port: 22 })
      // Not a container's there, but the host's.
      await isSilent(t, `${name}, a port of a container`, { ...toHost, port: c2.port })
      await talks(t, `${name} as a client`, {
        ...{ from: host, localAddress: address, to: c1, address: LOCALHOST, port: c1.port, seenAs: address },
      })
    }
  }
})

t.test('a container speaks as itself only', needsIsolation(), async t => {
  const { host, c1, c2 } = await twoContainers(t)
  for (const localAddress of OTHER_LOOPBACKS) {
    for (const [to, port] of [
      [host, 53],
      [c2, c2.port],
    ] as const) {
      await using udp = await udpEcho(to, LOCALHOST, port)
      const name = `from ${localAddress} to 127.0.0.1:${port}`
      t.equal(await udpExchange(c1, LOCALHOST, port, PATIENTLY), 'answered', 'the server answers')
      const before = udp.peers.length
      t.equal(await udpExchange(c1, LOCALHOST, port, { localAddress, ...BLOCKED }), 'timeout', name)
      t.equal(udp.peers.length, before, `${name}: nothing arrives`)
    }
  }
})
