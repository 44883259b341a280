import { ethernet, IPPROTO_UDP, ipv4, udp } from '../helpers/packets.js'
import { ipv6 } from '../helpers/packets6.js'
import { HOST_IP, HOST_MAC, REMOTE_IP, REMOTE_MAC } from '../helpers/topology.js'
import { HOST_IP6, REMOTE_IP6 } from '../isolator/inet6-topology.js'
import type { Check, Group } from './check.js'
import { body, datagram, FOREIGN, OWN, type Frame } from './frames.js'
import { datagram6, ELSEWHERE6 } from './frames6.js'

const IPIP = 4
const IPV6_IN = 41
const GRE = 47

const inner = (mark: Buffer): Buffer => udp({ sourcePort: FOREIGN, destinationPort: OWN }, body(mark))
const inner4 = (mark: Buffer): Buffer =>
  ipv4({ source: REMOTE_IP, destination: HOST_IP, protocol: IPPROTO_UDP }, inner(mark))
const inner6 = (mark: Buffer): Buffer =>
  ipv6({ source: ELSEWHERE6, destination: HOST_IP6, nextHeader: IPPROTO_UDP }, inner(mark))

/** Packets in packets: of what is inside, the outer header says nothing. */
const TUNNELS: readonly (readonly [
  id: string,
  what: string,
  frame: (ends: {
    mac: string
    to: string
    source6: string
    destination6: string
    source: string
    destination: string
  }) => Frame,
])[] = [
  ['TU1', '6in4', ends => mark => datagram(inner6(mark), { ...ends, protocol: IPV6_IN })],
  ['TU2', '4in6', ends => mark => over6(ends, IPIP, inner4(mark))],
  ['TU3', '6in6', ends => mark => over6(ends, IPV6_IN, inner6(mark))],
  ['TU4', '4in4', ends => mark => datagram(inner4(mark), { ...ends, protocol: IPIP })],
  [
    'TU5',
    'GRE of IPv6 over IPv6',
    ends => mark => over6(ends, GRE, Buffer.concat([Buffer.from([0, 0, 0x86, 0xdd]), inner6(mark)])),
  ],
  [
    'TU6',
    'GRE of IPv6 over IPv4',
    ends => mark =>
      datagram(Buffer.concat([Buffer.from([0, 0, 0x86, 0xdd]), inner6(mark)]), { ...ends, protocol: GRE }),
  ],
  [
    'TU7',
    'an Ethernet frame in IPv6 (143)',
    ends => mark =>
      over6(
        ends,
        143,
        Buffer.concat([
          Buffer.alloc(2),
          ethernet({ source: REMOTE_MAC, destination: HOST_MAC, type: 0x86dd }, inner6(mark)),
        ]),
      ),
  ],
]

const over6 = (
  { mac, to, source6, destination6 }: { mac: string; to: string; source6: string; destination6: string },
  protocol: number,
  payload: Buffer,
): Buffer => datagram6(payload, { mac, to, source: source6, destination: destination6, protocol })

const OUT = {
  mac: HOST_MAC,
  to: REMOTE_MAC,
  source: HOST_IP,
  destination: REMOTE_IP,
  source6: HOST_IP6,
  destination6: REMOTE_IP6,
}
const HERE = { ...OUT, to: HOST_MAC, destination: HOST_IP, destination6: HOST_IP6 }
const IN = {
  mac: REMOTE_MAC,
  to: HOST_MAC,
  source: REMOTE_IP,
  destination: HOST_IP,
  source6: REMOTE_IP6,
  destination6: HOST_IP6,
}

/** A container digs none, and none leads into a container. */
export const tunnels6: Group = {
  name: 'Tunnels',
  checks: TUNNELS.flatMap(([id, what, frame]): Check[] => [
    { id, rule: `${what} to a remote`, from: 'c1', never: ['wire'], frame: frame(OUT) },
    { id: `${id}h`, rule: `${what} to the host`, from: 'c1', never: ['host', 'c2'], frame: frame(HERE) },
    {
      id: `${id}i`,
      rule: `${what} from the wire: the host's, whatever is inside`,
      from: 'remote',
      frame: frame(IN),
      arrives: { c1: 0, c2: 0, host: 1 },
    },
  ]),
}
