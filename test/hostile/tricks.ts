import { setTimeout as sleep } from 'node:timers/promises'
import { ip, ipJson, runIn, tc } from '../helpers/iproute2.js'
import { udpSocketIn } from '../helpers/namespace-sockets.js'
import { ETH_P_ALL, udp } from '../helpers/packets.js'
import { tcpConnect, tcpEcho } from '../helpers/tcp-traffic.js'
import { HOST_IP, HOST_MAC, REMOTE_IP, WIRE, type NamespaceRef } from '../helpers/topology.js'
import { udpEcho, udpExchange } from '../helpers/udp-traffic.js'
import { MOMENT, received } from './acts.js'
import type { Check, Group } from './check.js'
import { INET, INET6, type Family } from './family.js'
import { C1, datagram, FOREIGN, INBOUND, OWN } from './frames.js'
import type { World } from './world.js'

async function packetsFrom({ host, veths }: World): Promise<number> {
  const [link] = await ipJson<{ stats64: { rx: { packets: number } } }>(
    host.name,
    `-s link show dev ${veths[0]}`,
  )
  return link!.stats64.rx.packets
}

const neighbours = async ({ name }: NamespaceRef): Promise<number> =>
  (await ipJson(name, 'neigh show nud all')).length

/** A datagram of two fragments, the second of which `tail` is. */
const fragment = (
  payload: Buffer,
  fields: { mac: string; to: string; first: boolean; length: number },
): Buffer =>
  datagram(payload, {
    mac: fields.mac,
    to: fields.to,
    source: REMOTE_IP,
    destination: HOST_IP,
    id: 0x4711,
    moreFragments: fields.first,
    fragmentOffset: fields.first ? 0 : fields.length,
  })

interface OnLink {
  /** As tc calls it. */
  readonly protocol: 'ip' | 'ipv6'
  /** The i-th address on the host's prefix that nobody has. */
  readonly onLink: (i: number) => string
}

/** What both families have. */
const tricksOf = ({ protocol, onLink, ...family }: Family & OnLink): Check[] => [
  {
    id: 'A35s',
    rule: 'one frame to itself, sent back by tc for ever',
    control: 'classic',
    run: async world => {
      const { c1, tool } = world
      await tc(
        c1.name,
        `filter add dev ${WIRE} ingress priority 1 protocol ${protocol} u32 match u32 0 0 action mirred egress redirect dev ${WIRE}`,
      )
      const before = await packetsFrom(world)
      const socket = await tool.packetSocket({ netns: c1.path, device: WIRE, protocol: 0 })
      await socket.send(
        family.ported({ to: HOST_MAC, destination: family.host, destinationPort: OWN + 1 })(world.mark()),
      )
      await sleep(MOMENT)
      await tc(c1.name, `filter del dev ${WIRE} ingress priority 1`)
      await socket.close()
      const packets = (await packetsFrom(world)) - before
      return packets > 10 ? `${packets} packets in ${MOMENT} ms` : undefined
    },
  },
  {
    id: 'A37',
    rule: 'a wider ip_local_port_range',
    control: 'open',
    run: async ({ remote, c1 }) => {
      await runIn(c1.path, 'sysctl', '-qw', 'net.ipv4.ip_local_port_range=1024 65535')
      await using server = await udpEcho(remote, family.any, 53)
      await udpExchange(c1, family.remote, 53, { localPort: 40_000, timeout: MOMENT })
      await runIn(c1.path, 'sysctl', '-qw', `net.ipv4.ip_local_port_range=${C1.ephemeral.join(' ')}`)
      return server.peers.length > 0 ? `the remote has heard ${server.peers[0]}` : undefined
    },
  },
  {
    id: 'A39',
    rule: "entries in the kernel's one neighbour table, by a program without privileges",
    control: 'classic',
    run: async ({ c1 }) => {
      const before = await neighbours(c1)
      const socket = await udpSocketIn(c1, family.any)
      for (let i = 0; i < 200; i++) {
        await new Promise<void>(resolve => socket.send('x', 9, onLink(i), () => resolve()))
      }
      await new Promise<void>(resolve => socket.close(() => resolve()))
      const added = (await neighbours(c1)) - before
      await ip(c1.name, `neigh flush dev ${WIRE} nud all`).catch(() => undefined)
      return added > 10 ? `${added} entries of 200 addresses` : undefined
    },
  },
  {
    id: 'A49',
    rule: "connections to the host's own services",
    control: 'classic',
    run: async ({ host, c1, patience }) => {
      await using server = await tcpEcho(host, family.any, 22)
      const outcome = await tcpConnect(c1, family.loopback, server.port, patience)
      return outcome === 'connected' ? 'port 22 of the host answers' : undefined
    },
  },
  {
    id: 'T1',
    rule: "a forged frame, seen by a tap of the host's on the veth",
    control: 'classic',
    run: async world => {
      const { host, c1, tool, veths } = world
      const tap = await tool.packetSocket({ netns: host.path, device: veths[0], protocol: ETH_P_ALL })
      const socket = await tool.packetSocket({ netns: c1.path, device: WIRE, protocol: 0 })
      const mark = world.mark()
      await socket.send(family.ported({ source: family.elsewhere })(mark))
      const seen = await tap.next(({ bytes }) => bytes.includes(mark), 1000)
      await Promise.all([tap.close(), socket.close()])
      return seen ? 'seen: packet sockets for all protocols come before tc' : undefined
    },
  },
]

export const sharedTricks6 = tricksOf({
  ...INET6,
  protocol: 'ipv6',
  onLink: i => `2001:db8:9::${(0x100 + i).toString(16)}`,
})

/** What takes more than one frame to try, or leaves the layout changed. */
export const tricks: Group = {
  name: 'Tricks of more than one frame',
  checks: [
    {
      id: 'A17',
      rule: 'the tail of a datagram from a remote to another container, with bytes like ports',
      control: 'classic',
      run: async ({ tool, remote, c1, c2 }) => {
        const [wire, inside] = await Promise.all(
          [remote, c1].map(({ path }) => tool.packetSocket({ netns: path, device: WIRE, protocol: 0 })),
        )
        const whole = udp({ sourcePort: 53, destinationPort: FOREIGN }, Buffer.alloc(992, 'true '))
        const forged = Buffer.concat([
          Buffer.from([OWN >> 8, OWN & 255, FOREIGN >> 8, FOREIGN & 255]),
          Buffer.alloc(196, 'forged '),
        ])
        whole.writeUInt16BE(whole.length + forged.length, 4)
        const length = whole.length
        const messages = await received(c2, FOREIGN, async () => {
          await wire!.send(fragment(whole, { ...INBOUND, first: true, length }))
          await inside!.send(fragment(forged, { mac: HOST_MAC, to: HOST_MAC, first: false, length }))
        })
        await Promise.all([wire!.close(), inside!.close()])
        return messages.length > 0 ? `got ${messages[0]!.length} bytes, the end of them forged` : undefined
      },
    },
    {
      id: 'R05',
      rule: "the tail of a datagram to the host, with bytes like a container's port",
      control: 'classic',
      run: async ({ remote, host }) => {
        await using _server = await udpEcho(host, INET.any, 80)
        const payload = Buffer.alloc(4000, Buffer.from([OWN >> 8, OWN & 255]))
        const outcome = await udpExchange(remote, HOST_IP, 80, { payload, timeout: 1500 })
        return outcome === 'answered' ? undefined : `the host's datagram: ${outcome}`
      },
    },
    ...tricksOf({ ...INET, protocol: 'ip', onLink: i => `10.9.0.${50 + i}` }),
  ],
}
