import { setTimeout as sleep } from 'node:timers/promises'
import { anyLike } from '../helpers/namespace-sockets.js'
import { resolveNeighbour, neighbour } from '../helpers/neighbours.js'
import { ip, runIn } from '../helpers/iproute2.js'
import {
  arp,
  BROADCAST,
  ETH_P_ARP,
  ethernet,
  IPPROTO_ICMP,
  IPPROTO_UDP,
  ipv4,
  udp,
} from '../helpers/packets.js'
import { ping } from '../helpers/ping.js'
import { tcpEcho, tcpExchange } from '../helpers/tcp-traffic.js'
import { HOST_IP, REMOTE_IP, REMOTE_MAC, WIRE, type NamespaceRef } from '../helpers/topology.js'
import { udpEcho, udpExchange } from '../helpers/udp-traffic.js'
import type { Check, Group, Scenario } from './check.js'
import { INET, type Family } from './family.js'
import { C1, C2 } from './frames.js'
import type { World } from './world.js'

const SMALL = Buffer.alloc(20_000, 'rtnetlink')
/** More than two Ethernet frames hold. */
const LARGE = Buffer.alloc(4000, 'rtnetlink')
export const CLOSED = 9
const ICMP_TIME_EXCEEDED = 11 // linux/icmp.h

interface Talk {
  /** Default: TCP and UDP. A server on all addresses answers UDP from another than 127.0.0.2. */
  readonly tcpOnly?: boolean
  readonly from: NamespaceRef
  readonly to: NamespaceRef
  readonly address: string
  readonly port: number
}

/** TCP and UDP, with an answer. */
async function talk(
  { patience }: World,
  { from, to, address, port, tcpOnly = false }: Talk,
): Promise<string | undefined> {
  await using _tcp = await tcpEcho(to, anyLike(address), port)
  await using _udp = await udpEcho(to, anyLike(address), port)
  const { outcome, answer } = await tcpExchange(from, address, port, SMALL, patience)
  if (outcome !== 'connected' || !answer.equals(SMALL)) return `TCP by ${address}: ${outcome}`
  if (tcpOnly) return undefined
  const udp = await udpExchange(from, address, port, patience)
  return udp === 'answered' ? undefined : `UDP by ${address}: ${udp}`
}

/** One after the other: the first that goes wrong. */
export async function firstWrong(
  talks: readonly (() => Promise<string | undefined>)[],
): Promise<string | undefined> {
  for (const one of talks) {
    const wrong = await one()
    if (wrong !== undefined) return wrong
  }
  return undefined
}

export const path = (id: string, rule: string, talks: (world: World) => Talk[]): Scenario => ({
  id,
  rule,
  run: world => firstWrong(talks(world).map(one => () => talk(world, one))),
})

export const expect = <T>(found: T, wanted: T, what = ''): string | undefined =>
  found === wanted ? undefined : `${what}${String(found)} instead of ${String(wanted)}`

const refused = (
  id: string,
  rule: string,
  ask: (world: World) => { from: NamespaceRef; port: number; addresses: string[] },
): Scenario => ({
  id,
  rule,
  run: async world => {
    const { from, port, addresses } = ask(world)
    return firstWrong(
      addresses.map(
        address => async () =>
          expect(await udpExchange(from, address, port, world.patience), 'refused', `${address}: `),
      ),
    )
  },
})

/** Fragmented UDP between two places. */
const fragmented = (id: string, rule: string, talks: (world: World) => Talk): Scenario => ({
  id,
  rule,
  run: async world => {
    const { from, to, address, port } = talks(world)
    await using _server = await udpEcho(to, anyLike(address), port)
    return expect(await udpExchange(from, address, port, { payload: LARGE, timeout: 600 }), 'answered')
  },
})

/** With real sockets, what both families have. */
export const pathsOf = (family: Family): Check[] => {
  const local = [family.host, family.loopback]
  return [
    path('L01s', 'remote to container', ({ remote, c1 }) => [
      { from: remote, to: c1, address: family.host, port: C1.first },
      { from: remote, to: c1, address: family.host, port: C1.ephemeral[1] },
    ]),
    path('L02s', 'container to remote', ({ remote, c1 }) => [
      { from: c1, to: remote, address: family.remote, port: 80 },
    ]),
    path('L03', "container to container by the host's address", ({ c1, c2 }) => [
      { from: c1, to: c2, address: family.host, port: C2.first },
      { from: c2, to: c1, address: family.host, port: C1.first },
    ]),
    path('L04', 'container to container by the loopback address', ({ c1, c2 }) => [
      { from: c1, to: c2, address: family.loopback, port: C2.first },
    ]),
    path('L05', 'container to host and back, both addresses', ({ host, c1 }) =>
      local.flatMap(address => [
        { from: c1, to: host, address, port: 80 },
        { from: host, to: c1, address, port: C1.first },
      ]),
    ),
    path('L06', 'container to itself', ({ c1 }) =>
      local.map(address => ({ from: c1, to: c1, address, port: C1.first })),
    ),
    path('L15', "the host's own traffic", ({ remote, host }) => [
      { from: host, to: remote, address: family.remote, port: 80 },
      { from: remote, to: host, address: family.host, port: 80 },
      { from: host, to: host, address: family.loopback, port: 80 },
    ]),
    refused('L08s', 'a closed port of a remote refuses a container', ({ c1 }) => ({
      from: c1,
      port: CLOSED,
      addresses: [family.remote],
    })),
    refused('L09', 'a closed port of a container refuses a remote', ({ remote }) => ({
      from: remote,
      port: C1.first + 1,
      addresses: [family.host],
    })),
    refused('L23', 'a closed port of the host refuses a container', ({ c1 }) => ({
      from: c1,
      port: CLOSED,
      addresses: local,
    })),
    refused('L27s', 'a closed port of a container refuses the host', ({ host }) => ({
      from: host,
      port: C1.first + 1,
      addresses: local,
    })),
    refused('L28s', 'a closed port of a container refuses another', ({ c2 }) => ({
      from: c2,
      port: C1.first + 1,
      addresses: local,
    })),
    fragmented('L12', 'fragmented UDP into a container', ({ remote, c1 }) => ({
      from: remote,
      to: c1,
      address: family.host,
      port: C1.first,
    })),
    fragmented('L13', 'fragmented UDP out of a container', ({ remote, c1 }) => ({
      from: c1,
      to: remote,
      address: family.remote,
      port: 53,
    })),
    fragmented('L16', 'fragmented UDP between containers', ({ c1, c2 }) => ({
      from: c1,
      to: c2,
      address: family.host,
      port: C2.first,
    })),
    fragmented('L19', 'fragmented UDP of a container to itself', ({ c1 }) => ({
      from: c1,
      to: c1,
      address: family.host,
      port: C1.first,
    })),
    fragmented('L31', "the host's own fragmented UDP", ({ remote, host }) => ({
      from: remote,
      to: host,
      address: family.host,
      port: 80,
    })),
  ]
}

/** Everything that a container and a host may expect to work, with real sockets. */
export const paths: Group = {
  name: 'Legitimate paths',
  checks: [
    ...pathsOf(INET),
    path('L32', "the host's own 127.0.0.2, by a port that a container has on 127.0.0.1", ({ host }) => [
      { from: host, to: host, address: '127.0.0.2', port: C1.first, tcpOnly: true },
    ]),
    {
      id: 'L07s',
      rule: 'ping out, small and large',
      run: async ({ tool, c1, c2, patience }) => {
        for (const from of [c1, c2]) {
          for (const size of [0, 56, 1400]) {
            const outcome = await ping(tool, from, REMOTE_IP, { size, ...patience })
            if (outcome !== 'answered') return `${from.name}, ${size} bytes: ${outcome}`
          }
        }
        return undefined
      },
    },
    {
      id: 'L14',
      rule: 'the host pings itself, 60 times',
      run: async ({ tool, host, patience }) => {
        const outcomes = await Promise.all(
          Array.from({ length: 60 }, (_, i) =>
            ping(tool, host, HOST_IP, { size: 40 + i, timeout: patience.timeout }),
          ),
        )
        return expect(outcomes.filter(outcome => outcome === 'timeout').length, 0, 'lost: ')
      },
    },
    {
      id: 'L11',
      rule: 'traceroute: a router\'s "time exceeded" reaches the container that asked',
      run: async ({ tool, remote, c1, patience }) => {
        await ip(remote.name, `route replace 203.0.113.0/24 dev ${WIRE}`)
        await runIn(remote.path, 'sysctl', '-qw', 'net.ipv4.ip_forward=1')
        const errors = await tool.rawSocket({ netns: c1.path, protocol: IPPROTO_ICMP })
        const probes = await tool.rawSocket({ netns: c1.path, protocol: IPPROTO_UDP })
        const probe = udp({ sourcePort: C1.first, destinationPort: 33_434 }, Buffer.from('traceroute'))
        await probes.send(
          ipv4({ source: HOST_IP, destination: '203.0.113.9', protocol: IPPROTO_UDP, ttl: 1 }, probe),
        )
        const exceeded = await errors.next(({ bytes }) => bytes[20] === ICMP_TIME_EXCEEDED, patience.timeout)
        await Promise.all([errors.close(), probes.close()])
        await runIn(remote.path, 'sysctl', '-qw', 'net.ipv4.ip_forward=0')
        return expect(exceeded !== undefined, true, 'seen: ')
      },
    },
    {
      id: 'L17s',
      rule: 'ARP from an empty table',
      run: async ({ c1, c2, host, remote, patience: { timeout } }) =>
        firstWrong(
          [c1, c2, host].map(
            from => async () =>
              expect(await resolveNeighbour(from, WIRE, REMOTE_IP, timeout), REMOTE_MAC, `${from.name}: `),
          ),
        ).then(
          async wrong =>
            wrong ??
            expect((await resolveNeighbour(remote, WIRE, HOST_IP, timeout)) !== undefined, true, 'remote: '),
        ),
    },
    {
      id: 'L18s',
      rule: 'the gateway announces another MAC, and everyone learns it',
      run: async ({ c1, c2, host, remote, tool }) => {
        const standby = '02:00:0a:09:00:99'
        for (const from of [c1, c2]) await udpExchange(from, REMOTE_IP, CLOSED, { timeout: 200 })
        const wire = await tool.packetSocket({ netns: remote.path, device: WIRE, protocol: 0 })
        const announce = (mac: string): Promise<void> =>
          wire.send(
            ethernet(
              { destination: BROADCAST, source: mac, type: ETH_P_ARP },
              arp({
                operation: 'reply',
                senderMac: mac,
                senderIp: REMOTE_IP,
                targetMac: mac,
                targetIp: REMOTE_IP,
              }),
            ),
          )
        // An entry that was confirmed a moment ago is not overwritten (locktime, 1 s).
        await sleep(1100)
        await announce(standby)
        const learned = async (): Promise<boolean> => {
          const macs = await Promise.all([c1, c2].map(namespace => neighbour(namespace, REMOTE_IP)))
          return macs.every(mac => mac === standby)
        }
        let done = false
        for (let i = 0; i < 50 && !done; i++) {
          done = await learned()
          if (!done) await sleep(40)
        }
        await wire.close()
        for (const { name } of [c1, c2, host]) await ip(name, `neigh flush dev ${WIRE}`)
        return expect(done, true, 'learned: ')
      },
    },
  ],
}
