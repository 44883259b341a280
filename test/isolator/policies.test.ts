import t, { type Test } from 'tap'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { udpSocketIn } from '../helpers/namespace-sockets.js'
import { tcpConnect, tcpEcho } from '../helpers/tcp-traffic.js'
import { createTopology, HOST_IP, REMOTE_IP, WIRE, type NamespaceRef } from '../helpers/topology.js'
import { ipBatch, run, tcBatch } from '../helpers/iproute2.js'
import { udpEcho, udpExchange } from '../helpers/udp-traffic.js'
import { needsIsolation, OPTIONS, PATIENTLY, twoContainers } from './isolated-topology.js'

const ANY = '0.0.0.0'
const LOCALHOST = '127.0.0.1'
/** More than two Ethernet frames hold. */
const LARGE = { payload: Buffer.alloc(4000, 'rtnetlink'), ...PATIENTLY }
const BLOCKED = { timeout: 300 }

t.test('fragments', needsIsolation(), async t => {
  for (const fragments of ['drop', 'allow'] as const) {
    const { remote, host, c1, c2 } = await twoContainers(t, { fragments })
    const large = fragments === 'allow' ? LARGE : { ...LARGE, ...BLOCKED }
    const outcome = fragments === 'allow' ? 'answered' : 'timeout'
    for (const container of [c1, c2]) {
      await using inside = await udpEcho(container, ANY, container.port)
      await using outside = await udpEcho(remote, ANY, 53)
      t.equal(await udpExchange(remote, HOST_IP, inside.port, PATIENTLY), 'answered', 'whole ones pass')
      t.equal(await udpExchange(container, REMOTE_IP, outside.port, PATIENTLY), 'answered')
      const into = await udpExchange(remote, HOST_IP, inside.port, large)
      // Without fragments the host puts them together, and owns no such port.
      t.equal(into, fragments === 'allow' ? 'answered' : 'refused', `${fragments}: into a container`)
      t.equal(await udpExchange(container, REMOTE_IP, outside.port, large), outcome, `${fragments}: out`)
    }
    await using hosts = await udpEcho(host, ANY, 53)
    t.equal(await udpExchange(remote, HOST_IP, hosts.port, LARGE), 'answered', "the host's pass either way")
  }
})

t.test('fragments on a shared qdisc', needsIsolation(), async t => {
  await using topology = await createTopology({ containers: 0, prefix: 'p' })
  const { name } = topology.host
  await tcBatch(name, [`qdisc add dev ${WIRE} clsact`])
  const isolator = await PortMappingIsolator.create({ ...OPTIONS, netns: name, fragments: 'allow' })
  await t.rejects(PortMappingIsolator.create({ ...OPTIONS, netns: name }), { code: 'ERR_FOREIGN_STATE' })
  await isolator.destroy()
  t.equal(await run('tc', ['-n', name, 'filter', 'show', 'dev', WIRE, 'ingress']), '', 'nothing stays behind')
})

t.test('multicast', needsIsolation(), async t => {
  for (const multicast of ['drop', 'allow'] as const) {
    const { remote, c1 } = await twoContainers(t, { multicast })
    for (const [group, from] of [
      ['224.0.0.251', c1.port],
      ['239.1.2.3', c1.info.ephemeralPorts[0]],
      ['255.255.255.255', c1.port + 1],
    ] as const) {
      await using asked = await responder(remote, group, 5353)
      const answer = await ask(c1, { group, port: 5353, localPort: from })
      t.equal(answer, multicast === 'allow' ? REMOTE_IP : undefined, `${multicast}: ${group}, and the answer`)
      if (multicast === 'drop') t.equal(asked.peers.length, 0)
      const foreign = await ask(c1, { group, port: 5353, localPort: 5353 })
      t.equal(foreign, undefined, 'not from a port of another')
    }
    await using server = await udpEcho(remote, ANY, 53)
    t.equal(await udpExchange(c1, REMOTE_IP, server.port, PATIENTLY), 'answered', 'unicast')
  }
})

/** A socket that answers what it gets by multicast or broadcast. */
async function responder(namespace: NamespaceRef, group: string, port: number) {
  await ipBatch(namespace.name, [`route replace 224.0.0.0/4 dev ${WIRE}`])
  const socket = await udpSocketIn(namespace, ANY, port)
  const peers: string[] = []
  socket.on('message', (message, { address, port }) => {
    peers.push(address)
    socket.send(message, port, address)
  })
  if (!group.startsWith('255')) socket.addMembership(group, REMOTE_IP)
  return { peers, [Symbol.asyncDispose]: () => new Promise<void>(resolve => socket.close(() => resolve())) }
}

/** Who else answers to a datagram to a group; undefined where nobody does. */
async function ask(
  from: NamespaceRef,
  { group, port, localPort }: { group: string; port: number; localPort: number },
): Promise<string | undefined> {
  const socket = await udpSocketIn(from, ANY, localPort)
  socket.setBroadcast(true)
  try {
    return await new Promise(resolve => {
      setTimeout(() => resolve(undefined), 400)
      socket.on('message', (_, { address }) => {
        if (address !== HOST_IP) resolve(address)
      })
      socket.send('who is there', port, group, () => undefined)
    })
  } finally {
    await new Promise<void>(resolve => socket.close(() => resolve()))
  }
}

t.test('hostAccess', needsIsolation(), async t => {
  for (const hostAccess of ['allow', 'deny', '80,443'] as const) {
    const { remote, host, c1, c2 } = await twoContainers(t, { hostAccess })
    const may = (port: number): boolean => hostAccess === 'allow' || (hostAccess !== 'deny' && port === 80)
    for (const address of [HOST_IP, LOCALHOST]) {
      for (const port of [80, 22]) {
        await using tcp = await tcpEcho(host, ANY, port)
        await using udp = await udpEcho(host, ANY, port)
        const options = may(port) ? PATIENTLY : BLOCKED
        const name = `${hostAccess}: ${address}:${port}`
        t.equal(await tcpConnect(c1, address, tcp.port, options), may(port) ? 'connected' : 'timeout', name)
        t.equal(await udpExchange(c1, address, udp.port, options), may(port) ? 'answered' : 'timeout', name)
        if (!may(port)) t.strictSame([tcp.peers, udp.peers], [[], []], name)
      }
      await talksBothWays(t, { hostAccess, host, c1, c2, address })
    }
    await using service = await tcpEcho(remote, ANY, 22)
    t.equal(await tcpConnect(c1, REMOTE_IP, service.port, PATIENTLY), 'connected', 'elsewhere as ever')
  }
})

/** What no policy takes away: the host's clients, other containers, and "refused". */
async function talksBothWays(
  t: Test,
  {
    hostAccess,
    host,
    c1,
    c2,
    address,
  }: { hostAccess: string; address: string } & Record<'host' | 'c1' | 'c2', NamespaceRef> & {
      c1: { port: number }
      c2: { port: number }
    },
): Promise<void> {
  await using tcp = await tcpEcho(c1, ANY, c1.port)
  await using udp = await udpEcho(c1, ANY, c1.port)
  for (const from of [host, c2]) {
    const name = `${hostAccess}: ${from === host ? 'host' : 'container'} to container, ${address}`
    t.equal(await tcpConnect(from, address, tcp.port, PATIENTLY), 'connected', name)
    t.equal(await udpExchange(from, address, udp.port, PATIENTLY), 'answered', name)
    t.equal(await udpExchange(from, address, c1.port + 1, PATIENTLY), 'refused', name)
  }
}

t.test('a policy that is none', async t => {
  const { parseOptions } = await import('../../src/isolator/options/options.js')
  const base = { ephemeralPorts: '20480-28671' }
  for (const bad of [
    { fragments: 'maybe' },
    { multicast: true },
    { hostAccess: 'some' },
    { hostAccess: [[80, 70]] },
  ]) {
    t.throws(() => parseOptions({ ...base, ...bad } as never), {
      code: 'ERR_INVALID_OPTION',
      message: Object.keys(bad)[0],
    })
  }
  t.match(parseOptions(base), { fragments: 'drop', multicast: 'drop', hostServices: undefined })
})
