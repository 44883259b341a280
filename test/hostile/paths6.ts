import { udpSocketIn } from '../helpers/namespace-sockets.js'
import { neighbour, resolveNeighbour } from '../helpers/neighbours.js'
import { ip, runIn } from '../helpers/iproute2.js'
import { IPPROTO_ICMPV6, macOption } from '../helpers/packets6.js'
import { HOST_MAC, REMOTE_MAC, WIRE, type NamespaceRef } from '../helpers/topology.js'
import { udpExchange } from '../helpers/udp-traffic.js'
import { HOST_IP6, REMOTE_IP6, REMOTE_LINK_LOCAL } from '../isolator/inet6-topology.js'
import { sendFrom } from './acts.js'
import type { Group } from './check.js'
import { INET6, twins } from './family.js'
import { C1, C2 } from './frames.js'
import { advertisement6, ported6 } from './frames6.js'
import { CLOSED, expect, firstWrong, path, pathsOf } from './paths.js'

const ICMPV6_TIME_EXCEED = 3 // linux/icmpv6.h
/** Beyond the remote, which forwards to nowhere. */
const FAR_AWAY = '2001:db8:ffff::9'

/** Prints how many of the echo requests were lost. */
const lost = async ({ path }: NamespaceRef, address: string, ...options: string[]): Promise<string> => {
  const text = await runIn(path, 'sh', '-c', `ping ${options.join(' ')} ${address} || true`)
  return /(\d+)% packet loss/.exec(text)?.[1] ?? text
}

/** Everything that a container and a host may expect of IPv6, with real sockets. */
export const paths6: Group = {
  name: 'Legitimate paths, IPv6',
  checks: [
    ...twins([
      ...pathsOf(INET6),
      {
        id: 'L07s',
        rule: 'ping out, small and large',
        run: async ({ c1, c2 }) =>
          firstWrong(
            [c1, c2].flatMap(from =>
              [0, 56, 1400].map(
                size => async () =>
                  expect(
                    await lost(from, REMOTE_IP6, '-c1', '-W3', `-s${size}`),
                    '0',
                    `${from.name}, ${size} bytes: `,
                  ),
              ),
            ),
          ),
      },
      {
        id: 'L14',
        rule: 'the host pings itself, 60 times',
        run: async ({ host }) => expect(await lost(host, HOST_IP6, '-c60', '-i0.002', '-W3'), '0', 'lost: '),
      },
      {
        id: 'L11',
        rule: 'traceroute: a router\'s "time exceeded" reaches the container that asked',
        run: async world => {
          const { tool, remote, c1, patience } = world
          await ip(remote.name, `route replace ${FAR_AWAY}/128 dev ${WIRE}`)
          const forwards = (value: 0 | 1): Promise<string> =>
            runIn(remote.path, 'sysctl', '-qw', `net.ipv6.conf.all.forwarding=${value}`)
          await forwards(1)
          const errors = await tool.rawSocket6({ netns: c1.path, protocol: IPPROTO_ICMPV6 })
          const inside = await world.eth0(c1, { protocol: 0 })
          await inside.send(ported6({ destination: FAR_AWAY, hopLimit: 1 })(world.mark()))
          const exceeded = await errors.next(({ bytes }) => bytes[0] === ICMPV6_TIME_EXCEED, patience.timeout)
          await Promise.all([errors, inside].map(socket => socket.close()))
          await forwards(0)
          return expect(exceeded !== undefined, true, 'seen: ')
        },
      },
      {
        id: 'L17s',
        rule: 'neighbours from an empty table',
        run: async ({ c1, c2, host, remote, patience: { timeout } }) =>
          firstWrong([
            ...[c1, c2].map(
              from => async () =>
                expect(
                  await resolveNeighbour(from, WIRE, REMOTE_LINK_LOCAL, timeout, REMOTE_IP6),
                  REMOTE_MAC,
                  `${from.name}: `,
                ),
            ),
            async () => expect(await resolveNeighbour(host, WIRE, REMOTE_IP6, timeout), REMOTE_MAC, 'host: '),
            async () => expect(await resolveNeighbour(remote, WIRE, HOST_IP6, timeout), HOST_MAC, 'remote: '),
          ]),
      },
      {
        id: 'L18s',
        rule: 'the gateway announces another MAC, and everyone learns it',
        run: async world => {
          const { c1, c2, host, remote } = world
          const standby = '02:00:0a:09:00:99'
          for (const from of [c1, c2]) await udpExchange(from, REMOTE_IP6, CLOSED, { timeout: 200 })
          const wire = await world.eth0(remote, { protocol: 0 })
          const announcement = advertisement6({
            ...{ mac: standby, source: REMOTE_LINK_LOCAL, target: REMOTE_LINK_LOCAL },
            options: macOption(2, standby),
          })
          await wire.send(announcement(world.mark()))
          await wire.close()
          const found = await learned(standby, [c1, c2])
          for (const { name } of [c1, c2, host]) await ip(name, `neigh flush dev ${WIRE}`)
          return expect(found, true, 'learned: ')
        },
      },
    ]),
    path('L40', 'by mapped addresses, which is IPv4', ({ host, remote, c1, c2 }) => [
      { from: c1, to: host, address: '::ffff:10.9.0.2', port: 80 },
      { from: c1, to: c2, address: '::ffff:127.0.0.1', port: C2.first },
      { from: c1, to: remote, address: '::ffff:10.9.0.1', port: 80 },
    ]),
    {
      id: 'L41',
      rule: 'a datagram from ::1 to another container comes from there',
      run: async ({ c1, c2, patience }) => {
        const server = await udpSocketIn(c2, '::1', C2.first)
        const heard = new Promise<string>(resolve => {
          server.on('message', (_, { address }) => resolve(address))
          setTimeout(() => resolve('nobody'), patience.timeout).unref()
        })
        await sendFrom(c1, '::1', C1.first, ['::1', C2.first])
        const source = await heard
        await new Promise<void>(resolve => server.close(() => resolve()))
        return expect(source, '::1', 'from ')
      },
    },
  ],
}

async function learned(mac: string, namespaces: readonly NamespaceRef[]): Promise<boolean> {
  for (let i = 0; i < 50; i++) {
    const macs = await Promise.all(namespaces.map(namespace => neighbour(namespace, REMOTE_LINK_LOCAL)))
    if (macs.every(found => found === mac)) return true
    await new Promise(resolve => setTimeout(resolve, 40))
  }
  return false
}
