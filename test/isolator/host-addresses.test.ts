import t, { type Test } from 'tap'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { NetworkNamespace } from '../../src/netns/network-namespace.js'
import { ip } from '../helpers/iproute2.js'
import { tcpConnect, tcpEcho, tcpExchange } from '../helpers/tcp-traffic.js'
import { HOST_IP, REMOTE_IP, type NamespaceRef } from '../helpers/topology.js'
import { udpEcho, udpExchange } from '../helpers/udp-traffic.js'
import {
  needsIsolation,
  OPTIONS,
  PATIENTLY,
  twoContainers,
  type TopologyOfIsolator,
} from './isolated-topology.js'
import { talks, type Talk } from './talks.js'

const LOCALHOST = '127.0.0.1'
/** Where systemd-resolved answers, where Debian has the host's name, and the last one. */
const OTHER_LOOPBACKS = ['127.0.0.53', '127.0.1.1', '127.255.255.254'] as const
const BLOCKED = { timeout: 300 }
const PAYLOAD = Buffer.alloc(50_000, 'rtnetlink')

/** Neither TCP nor UDP gets there. */
async function isSilent(
  t: Test,
  name: string,
  { from, to, address, port }: Omit<Talk, 'seenAs'>,
): Promise<void> {
  await using tcp = await tcpEcho(to, address, port)
  await using udp = await udpEcho(to, address, port)
  const outcomes = await Promise.all([
    tcpExchange(from, address, port, PAYLOAD, BLOCKED).then(({ outcome }) => outcome),
    udpExchange(from, address, port, BLOCKED),
  ])
  t.strictSame(outcomes, ['timeout', 'timeout'], `${name}: TCP and UDP`)
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

/** On the wire, of its prefix and of another; of a bridge without ports, as Docker makes it; of lo. */
const OTHERS = ['10.9.0.7', '192.0.2.7', '172.17.0.1', '198.51.100.1'] as const
const HOST_LINES = [
  'addr add 10.9.0.7/24 dev eth0',
  'addr add 192.0.2.7/24 dev eth0',
  'link add docker0 type bridge',
  'addr add 172.17.0.1/16 dev docker0',
  'link set docker0 up',
  'addr add 198.51.100.1/32 dev lo',
]

for (const options of VARIANTS) {
  t.test(`other addresses of the host: ${JSON.stringify(options)}`, needsIsolation(), async t => {
    const { isolator, remote, host, c1, c2 } = await twoContainers(t, { hostLines: HOST_LINES, ...options })
    // As distributions set it, for the container as well.
    await using inside = NetworkNamespace.open(c1.name)
    for (const dev of ['all', 'eth0', 'lo']) await inside.writeSysctl(`net.ipv4.conf.${dev}.rp_filter`, '1')
    for (const address of OTHERS) {
      const toHost = { from: c1, to: host, address, port: 80, seenAs: HOST_IP }
      await talks(t, `container to host at ${address}`, toHost)
      await talks(t, `host at ${address} to container`, {
        ...{ from: host, localAddress: address, to: c1, address: HOST_IP, port: c1.port, seenAs: address },
      })

      await using _tcp = await tcpEcho(c2, '0.0.0.0', c2.port)
      await using _udp = await udpEcho(c2, '0.0.0.0', c2.port)
      await talks(t, `container to a port of another at ${address}`, { ...toHost, port: c2.port })
      await using own = await tcpEcho(c1, '0.0.0.0', c1.port)
      t.equal(await tcpConnect(c1, address, own.port, PATIENTLY), 'connected', 'to itself')
    }
    for (const address of OTHERS.slice(0, 1))
      await talks(t, `remote to host at ${address}, a port of a container`, {
        ...{ from: remote, to: host, address, port: c2.port, seenAs: REMOTE_IP },
      })
    await talks(t, 'container to remote', {
      from: c1,
      to: remote,
      address: REMOTE_IP,
      port: 80,
      seenAs: HOST_IP,
    })
    t.strictSame(await isolator.verify(), [])
    const lines = isolator.explain('web-1')
    for (const address of OTHERS)
      t.ok(
        lines.some(line => line.includes(`route add local ${address} proto 112 src ${HOST_IP} dev eth0`)),
        `explain() has the route to ${address}`,
      )
  })
}

t.test('a shared address that is not the first of its prefix', needsIsolation(), async t => {
  const { isolator, host, c1 } = await twoContainers(t, { hostLines: HOST_LINES, address: '10.9.0.7' })
  // The kernel gives the host's connection the first address of the prefix.
  const shared = { address: '10.9.0.7', seenAs: HOST_IP }
  await talks(t, 'host to container', { from: host, to: c1, port: c1.port, ...shared })
  await talks(t, 'container to host', { from: c1, to: host, port: 80, address: HOST_IP, seenAs: '10.9.0.7' })
  t.strictSame(await isolator.verify(), [])
})

t.test('hostAccess holds for other addresses', needsIsolation(), async t => {
  for (const hostAccess of ['deny', '53,443'] as const) {
    const { host, c1, c2 } = await twoContainers(t, { hostAccess, hostLines: HOST_LINES })
    for (const address of ['127.0.0.53', '10.9.0.7', '172.17.0.1']) {
      const isLoopback = address.startsWith('127.')
      const shared = isLoopback ? LOCALHOST : HOST_IP
      const toHost = { from: c1, to: host, address, seenAs: shared }
      const name = `${hostAccess}: ${address}`
      if (hostAccess === 'deny') await isSilent(t, name, { ...toHost, port: 53 })
      else await talks(t, name, { ...toHost, port: 53 })
      await isSilent(t, name, { ...toHost, port: 22 })
      // Not a container's there, but the host's.
      await isSilent(t, `${name}, a port of a container`, { ...toHost, port: c2.port })
      await talks(t, `${name} as a client`, {
        ...{ from: host, localAddress: address, to: c1, address: shared, port: c1.port, seenAs: address },
      })
    }
  }
})

/** An address that moves from one machine to another, as those of keepalived do. */
const MOVES = '10.9.0.9'
const isAt = (holder: NamespaceRef, other: NamespaceRef): Promise<unknown> =>
  ip(other.name, `addr del ${MOVES}/24 dev eth0`)
    .catch(() => undefined)
    .then(() => ip(holder.name, `addr add ${MOVES}/24 dev eth0`))

/** Whether a datagram to the address that moves is answered there. */
async function answers(from: NamespaceRef, at: NamespaceRef): Promise<boolean> {
  await using _server = await udpEcho(at, MOVES, 53)
  return (await udpExchange(from, MOVES, 53, BLOCKED)) === 'answered'
}

async function eventually(condition: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + 10_000
  while (performance.now() < deadline) if (await condition()) return true
  return false
}

t.test('an address that comes and goes', needsIsolation(), async t => {
  const { topology, isolator, remote, host, c1 } = await twoContainers(t, { containers: 3 })
  const isSettled = async (holder: NamespaceRef, what: string): Promise<void> => {
    t.ok(await answers(c1, holder), `${what}: the container reaches it`)
    t.strictSame(await isolator.verify(), [], `${what}: nothing to report`)
  }
  await isAt(remote, host)
  await isSettled(remote, 'on the wire')

  await isAt(host, remote)
  const missing = (await isolator.verify('web-1')).map(({ kind, object }) => `${kind} ${object}`)
  t.ok(
    missing.some(line => line.startsWith(`missing ip route add local ${MOVES} `)),
    'verify() reports the route',
  )
  t.notOk(await answers(c1, host), 'nobody follows the host')
  t.strictSame((await isolator.repair()).left, [])
  await isSettled(host, 'repaired')

  await isAt(remote, host)
  t.notOk(await answers(c1, remote), 'nobody follows the host')
  const { name: netns } = topology.containers[2] as NamespaceRef
  await isolator.isolate('web-3', { netns })
  await isSettled(remote, 'after isolate(), which looks')

  isolator.on('repaired', () => undefined)
  for (const [holder, other] of [
    [host, remote],
    [remote, host],
    [host, remote],
  ] as const) {
    await isAt(holder, other)
    t.ok(await eventually(() => answers(c1, holder)), 'with a listener it is followed')
  }
})

t.test('an address that moves while no isolator runs', needsIsolation(), async t => {
  const { isolator: first, remote, host, c1, c2 } = await twoContainers(t)
  let isolator = first
  for (const [holder, other] of [
    [host, remote],
    [remote, host],
  ] as const) {
    await isolator.close()
    await isAt(holder, other)
    isolator = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name })
    await isolator.recover('all')
    for (const container of [c1, c2]) t.ok(await answers(container, holder), 'the container reaches it')
    t.strictSame(await isolator.verify(), [])
  }
  await isolator.close()
})

t.test('the option hostAddresses', needsIsolation(), async t => {
  const chosen = ['172.17.0.1', MOVES]
  const { isolator, remote, host, c1 } = await twoContainers(t, {
    hostLines: HOST_LINES,
    hostAddresses: chosen,
  })
  await talks(t, 'one of the list', {
    ...{ from: c1, to: host, address: '172.17.0.1', port: 80, seenAs: HOST_IP },
  })
  await isSilent(t, 'one that is not', { from: c1, to: host, address: '10.9.0.7', port: 80 })
  await isAt(remote, host)
  t.ok(await answers(c1, remote), 'one that the host does not have is on the wire')
  const { settings } = await PortMappingIsolator.inspect({ netns: host.name })
  t.match(settings, { hostAddresses: ['172.17.0.1'], hostAccess: 'allow' })
  t.strictSame(await isolator.verify(), [])
  await isAt(host, remote)
  await isolator.repair()
  t.ok(await answers(c1, host), 'followed')
})

t.test('no other addresses, and too many', needsIsolation(), async t => {
  const none = await twoContainers(t, { hostLines: HOST_LINES, hostAddresses: [] })
  await isSilent(t, 'none', { from: none.c1, to: none.host, address: '172.17.0.1', port: 80 })
  await talks(t, 'loopback addresses all the same', {
    ...{ from: none.c1, to: none.host, address: '127.0.0.53', port: 53, seenAs: LOCALHOST },
  })

  const warned = new Promise<Error>(resolve => process.once('warning', resolve))
  const hostLines = Array.from({ length: 33 }, (_, i) => `addr add 198.51.100.${i + 1}/32 dev lo`)
  const { isolator, host, c1 } = await twoContainers(t, { hostLines })
  const message =
    /more than 32 other addresses, of which containers reach only those .* before: 'hostAddresses' takes a list/
  t.match(await warned, { code: 'RTNETLINK_ROUTES', message })
  await isSilent(t, 'too many', { from: c1, to: host, address: '198.51.100.1', port: 80 })
  t.match(await isolator.verify('web-1'), [])
  t.match(await isolator.verify(), [
    { kind: 'missing', object: 'ip route show table local type local', found: /more than 32/, foreign: true },
  ])
  await ip(host.name, 'addr del 198.51.100.33/32 dev lo')
  t.strictSame((await isolator.repair()).left, [])
  const first = { from: c1, to: host, address: '198.51.100.1', port: 80, seenAs: HOST_IP }
  await talks(t, 'as many as there is room for', first)
  await ip(host.name, 'addr add 198.51.100.33/32 dev lo')
  await isolator.repair()
  await talks(t, 'one more takes none away', first)
})

t.test('a new address, and the repair of one container alone', needsIsolation(), async t => {
  const { isolator, host, c1 } = await twoContainers(t, { hostLines: HOST_LINES })
  await ip(host.name, 'addr add 203.0.113.7/32 dev lo')
  await isolator.repair('web-1')
  t.strictSame(await isolator.verify(), [], 'the host and the other container have followed')
  await talks(t, 'the new one', { from: c1, to: host, address: '203.0.113.7', port: 80, seenAs: HOST_IP })
})

t.test('a list of addresses that is none', async t => {
  const { parseOptions } = await import('../../src/isolator/options/options.js')
  const base = { ephemeralPorts: '20480-28671' }
  const many = Array.from({ length: 33 }, (_, i) => `198.51.100.${i}`)
  for (const [hostAddresses, message] of [
    ['host', /hostAddresses is 'host'/],
    [['10.9.0'], /hostAddresses\[0\] is '10.9.0'/],
    [['10.9.0.7', '127.0.0.53'], /hostAddresses\[1\].*no loopback address/],
    [['10.9.0.7', '10.9.0.7'], /hostAddresses\[1\].*each address once/],
    [many, /hostAddresses.*32 addresses at most/],
  ] as const)
    t.throws(() => parseOptions({ ...base, hostAddresses } as never), { code: 'ERR_INVALID_OPTION', message })
  t.equal(parseOptions(base).routing.hostAddresses, 'all')
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
