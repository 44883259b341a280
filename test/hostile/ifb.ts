/**
 * Frames that root in a container leads through an ifb on their way out: the kernel marks them (skb->tc_skip_classify), and
 * the next ingress hook, that of the host's end, does not see them.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { FrameTool } from '../helpers/frame-tool.js'
import { ipBatch, tcBatch } from '../helpers/iproute2.js'
import { udpSocketIn } from '../helpers/namespace-sockets.js'
import { ethernet } from '../helpers/packets.js'
import { HOST_IP, HOST_MAC, REMOTE_IP, REMOTE_MAC, WIRE, type NamespaceRef } from '../helpers/topology.js'
import { ported } from './frames.js'

/** What reads a random number and matches half of all frames: what comes out of the ifb must not go there for ever. */
const HALF_OF_ALL = '4,32 0 0 4294963256,37 0 1 2147483648,6 0 0 4294967295,6 0 0 0'

/** Of what a container sends, half goes through an ifb, and half of that comes out again. */
export async function leadThroughIfb({ name }: NamespaceRef): Promise<void> {
  await ipBatch(name, ['link add ifb9 type ifb', 'link set ifb9 up txqueuelen 2000'])
  await tcBatch(name, [
    `qdisc add dev ${WIRE} root handle 1: htb default 1`,
    `class add dev ${WIRE} parent 1: classid 1:1 htb rate 10gbit quantum 60000`,
    `filter add dev ${WIRE} parent 1: prio 1 protocol all bpf bytecode "${HALF_OF_ALL}" action mirred egress redirect dev ifb9`,
  ])
}

const CONNECTED = 5000
const WILDCARD = 5001
const ETH_P_802_3 = 1
const ETH_P_802_2 = 4

/** EtherTypes that a kernel, or a daemon of a host, listens to. */
const TYPES = {
  ipv6: 0x86dd,
  arp: 0x0806,
  rarp: 0x8035,
  lldp: 0x88cc,
  slow: 0x8809,
  eapol: 0x888e,
  mpls: 0x8847,
  'mpls multicast': 0x8848,
  'pppoe discovery': 0x8863,
  'pppoe session': 0x8864,
  loopback: 0x9000,
  pause: 0x8808,
  ptp: 0x88f7,
  fcoe: 0x8906,
  fip: 0x8914,
  profinet: 0x8892,
  ethercat: 0x88a4,
  tipc: 0x88ca,
  batman: 0x4305,
  macsec: 0x88e5,
  homeplug: 0x88e1,
  edsa: 0xdada,
  unknown: 0x88b5,
} as const

type Frame = (to: string, mark: Buffer) => Buffer

const typed =
  (type: number, begin = ''): Frame =>
  (to, mark) =>
    ethernet({ source: HOST_MAC, destination: to, type }, Buffer.concat([filled(begin), mark]))
const filled = (begin: string): Buffer => Buffer.concat([Buffer.from(begin, 'hex'), Buffer.alloc(46)])

const udp =
  (
    source: string,
    destination: string,
    sourcePort: number,
    destinationPort: number,
    vlans?: number[],
  ): Frame =>
  (to, mark) =>
    ported({ source, destination, to, sourcePort, destinationPort, ...(vlans && { vlans }) })(mark)

const FRAMES: Readonly<Record<string, Frame>> = {
  'udp to a connected socket': udp(REMOTE_IP, HOST_IP, 123, CONNECTED),
  'udp from nobody to all hosts': udp('0.0.0.0', '224.0.0.1', 68, WILDCARD),
  'udp from nobody to everybody': udp('0.0.0.0', '255.255.255.255', 68, WILDCARD),
  'udp in a VLAN': udp(REMOTE_IP, HOST_IP, 123, CONNECTED, [5]),
  'udp with a priority tag': udp(REMOTE_IP, HOST_IP, 123, CONNECTED, [0]),
  'udp in two VLANs': udp(REMOTE_IP, HOST_IP, 123, CONNECTED, [5, 6]),
  '802.2': typed(60, '424203'),
  SNAP: typed(60, 'aaaa030000000800'),
  '802.3': typed(60, 'ffff'),
  ...Object.fromEntries(Object.entries(TYPES).map(([name, type]) => [name, typed(type)])),
}

const DESTINATIONS: readonly string[] = [
  HOST_MAC,
  REMOTE_MAC,
  '02:00:00:00:00:77',
  'ff:ff:ff:ff:ff:ff',
  '01:00:5e:00:00:01',
  '33:33:00:00:00:01',
  '01:80:c2:00:00:21',
  ...Array.from({ length: 16 }, (_, i) => `01:80:c2:00:00:0${i.toString(16)}`),
]

const MARK = Buffer.from('ifb>')

/** What got into a host's stack, by what was sent and where to, and what two of its sockets were given. */
export interface Arrivals {
  readonly sent: number
  readonly frames: ReadonlyMap<string, number>
  /** Where they entered. */
  readonly devices: ReadonlySet<string>
  readonly datagrams: number
}

/** Sends `each` frames of every kind to every destination, and tells what of it enters the host's stack at `devices`. */
export async function sendMarkedFrames(
  tool: FrameTool,
  host: NamespaceRef,
  container: NamespaceRef,
  devices: readonly string[],
  each: number,
): Promise<Arrivals> {
  const protocols = [0x0800, 0x8100, ETH_P_802_2, ETH_P_802_3, ...Object.values(TYPES)]
  const observers = await Promise.all(
    devices.flatMap(device =>
      protocols.map(async protocol => ({
        device,
        socket: await tool.packetSocket({ netns: host.path, device, protocol }),
      })),
    ),
  )
  let datagrams = 0
  const sockets = await Promise.all([CONNECTED, WILDCARD].map(port => udpSocketIn(host, '0.0.0.0', port)))
  for (const socket of sockets) socket.on('message', () => datagrams++)
  await new Promise<void>(resolve => sockets[0]?.connect(123, REMOTE_IP, () => resolve()))
  const sender = await tool.packetSocket({ netns: container.path, device: WIRE, protocol: 0 })

  const cells = Object.entries(FRAMES).flatMap(([name, frame]) =>
    DESTINATIONS.map(to => ({ name, frame, to })),
  )
  const frames = new Map<string, number>()
  const entered = new Set<string>()
  const take = (): void => {
    for (const { device, socket } of observers) {
      for (const { bytes } of socket.take()) {
        const at = bytes.lastIndexOf(MARK)
        const cell = at < 0 ? undefined : cells[bytes.readUInt16BE(at + MARK.length)]
        if (!cell) continue
        entered.add(device)
        const key = `${cell.name} to ${cell.to}`
        frames.set(key, (frames.get(key) ?? 0) + 1)
      }
    }
  }
  for (const [i, { frame, to }] of cells.entries()) {
    const mark = Buffer.concat([MARK, Buffer.from([i >> 8, i & 255])])
    await sender.send(...Array<Buffer>(each).fill(frame(to, mark)))
    take()
  }
  await sleep(200)
  await tool.flush()
  take()
  await Promise.all([sender, ...observers.map(({ socket }) => socket)].map(socket => socket.close()))
  await Promise.all(sockets.map(socket => new Promise<void>(resolve => socket.close(() => resolve()))))
  return { sent: cells.length * each, frames, devices: entered, datagrams }
}
