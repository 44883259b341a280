/** Frames of a container with IPv6, and whether they may pass: for the programs alone, and for the kernel. */
import { HOST_MAC, REMOTE_MAC } from '../helpers/topology.js'
import {
  ETH_P_IPV6,
  icmpv6,
  IPPROTO_ICMPV6,
  ipv6,
  ipv6Bytes,
  macOption,
  solicitedNode,
  type Icmpv6Fields,
  type Ipv6Fields,
} from '../helpers/packets6.js'
import { ethernet, IPPROTO_TCP, IPPROTO_UDP, udp } from '../helpers/packets.js'
import {
  ELSEWHERE_ON_HOST,
  HOST_IP6,
  HOST_LINK_LOCAL,
  NOT_SHARED,
  REMOTE_IP6,
  REMOTE_LINK_LOCAL,
} from './inet6-topology.js'

/** Ports of the container, of another container, and of the host. */
export const OWN = 31_000
export const FOREIGN = 31_008
export const HOST_PORT = 22
export const LOOPBACK6 = '::1'
const ELSEWHERE = '2001:db8:9::66'
const ALL_NODES = 'ff02::1'
const ALL_NODES_MAC = '33:33:00:00:00:01'
const OTHER_MAC = '02:00:00:00:00:66'

// Next headers (IANA).
const [HOP_BY_HOP, IPIP, IPV6_IN, ROUTING, FRAGMENT, ESP, NONE, OPTIONS] = [0, 4, 41, 43, 44, 50, 59, 60]
const [DCCP, SCTP, UDPLITE] = [33, 132, 136]
const OWN_PORTS = udp({ sourcePort: OWN, destinationPort: 53 }, Buffer.alloc(8))

type Fields = Partial<Ipv6Fields> & { mac?: string; to?: string; vlans?: number[] }

/** A frame of the container: UDP from a port of its own to the remote, but for what is said. */
export function frame(
  payload: Uint8Array = OWN_PORTS,
  { mac = HOST_MAC, to = REMOTE_MAC, vlans = [], ...fields }: Fields = {},
): Buffer {
  const header = { source: HOST_IP6, destination: REMOTE_IP6, nextHeader: IPPROTO_UDP, ...fields }
  return ethernet({ source: mac, destination: to, type: ETH_P_IPV6, vlans }, ipv6(header, payload))
}

/** ICMPv6 of the container. */
export function icmpFrame(
  fields: Icmpv6Fields,
  payload: Uint8Array = Buffer.alloc(8),
  about: Fields = {},
): Buffer {
  const { source = HOST_IP6, destination = REMOTE_IP6 } = about
  return frame(icmpv6(fields, payload, { source, destination }), { ...about, nextHeader: IPPROTO_ICMPV6 })
}

/** An error about a packet that came from `source` to a port of the host. */
export function errorFrame(
  type: number,
  code: number,
  quotedPort: number,
  { from = REMOTE_IP6, sourcePort = 53, ...about }: Fields & { from?: string; sourcePort?: number } = {},
): Buffer {
  const { source = HOST_IP6 } = about
  const quoted = ipv6(
    { source: from, destination: source, nextHeader: IPPROTO_UDP },
    udp({ sourcePort, destinationPort: quotedPort }, Buffer.alloc(8)),
  )
  return icmpFrame({ type, code }, quoted, { destination: from, ...about })
}

interface Solicitation extends Fields {
  target?: string
  options?: Uint8Array
  code?: number
}

/** A neighbour solicitation for the gateway as the host sends it, but for what is said. */
export function solicitation({
  target = REMOTE_LINK_LOCAL,
  options = macOption(1, HOST_MAC),
  code = 0,
  ...about
}: Solicitation = {}): Buffer {
  const { group, mac } = solicitedNode(target)
  const payload = Buffer.concat([ipv6Bytes(target), options])
  return icmpFrame({ type: 135, code }, payload, {
    ...{ source: HOST_LINK_LOCAL, destination: group, to: mac, hopLimit: 255, ...about },
  })
}

/** An advertisement that the target has a MAC address. */
const advertisement = (target: string, about: Fields = {}): Buffer =>
  icmpFrame(
    { type: 136, rest: Buffer.from([0x20, 0, 0, 0]) },
    Buffer.concat([ipv6Bytes(target), macOption(2, HOST_MAC)]),
    { destination: ALL_NODES, to: ALL_NODES_MAC, hopLimit: 255, ...about },
  )

const toAll = { destination: ALL_NODES, to: ALL_NODES_MAC, source: HOST_LINK_LOCAL, hopLimit: 255 }
/** An extension header of 8 bytes before UDP. */
const extended = (bytes: number[] = []): Buffer =>
  Buffer.concat([
    Buffer.from([IPPROTO_UDP, 0, ...bytes, ...Array<number>(6 - bytes.length).fill(0)]),
    OWN_PORTS,
  ])

type Row = readonly [about: string, frame: Buffer]

/** What goes out to the wire. */
export const OUT: readonly Row[] = [
  ['UDP', frame()],
  ...(
    [
      ['TCP', IPPROTO_TCP],
      ['SCTP', SCTP],
      ['DCCP', DCCP],
      ['UDP-Lite', UDPLITE],
    ] as const
  ).map(([name, nextHeader]): Row => [
    name,
    frame(Buffer.concat([OWN_PORTS, Buffer.alloc(8)]), { nextHeader }),
  ]),
  [
    'UDP between link-local addresses',
    frame(OWN_PORTS, { source: HOST_LINK_LOCAL, destination: REMOTE_LINK_LOCAL }),
  ],
  ['an echo request', icmpFrame({ type: 128 })],
  ['a solicitation of the gateway', solicitation()],
  ['one from a shared address', solicitation({ source: HOST_IP6 })],
  ['one to the gateway alone', solicitation({ destination: REMOTE_LINK_LOCAL, to: REMOTE_MAC })],
  ['port unreachable about an own port', errorFrame(1, 4, OWN)],
  ['unrecognized next header about one', errorFrame(4, 1, OWN)],
]

/** What goes nowhere. */
export const NOWHERE: readonly Row[] = [
  ['UDP from a port of another', frame(udp({ sourcePort: FOREIGN, destinationPort: 53 }, Buffer.alloc(8)))],
  [
    'UDP from a port of the host',
    frame(udp({ sourcePort: HOST_PORT, destinationPort: 53 }, Buffer.alloc(8))),
  ],
  ['another source', frame(OWN_PORTS, { source: ELSEWHERE })],
  ["the remote's source", frame(OWN_PORTS, { source: REMOTE_IP6 })],
  ['an address of the host that is not shared', frame(OWN_PORTS, { source: NOT_SHARED })],
  ['another link-local source', frame(OWN_PORTS, { source: 'fe80::66', destination: REMOTE_LINK_LOCAL })],
  ['no source', frame(OWN_PORTS, { source: '::' })],
  ['the loopback address as source', frame(OWN_PORTS, { source: LOOPBACK6 })],
  ['a mapped source', frame(OWN_PORTS, { source: '::ffff:10.9.0.2' })],
  ['another MAC', frame(OWN_PORTS, { mac: OTHER_MAC })],
  ['a link-local source to elsewhere', frame(OWN_PORTS, { source: HOST_LINK_LOCAL })],
  ["to the host's address that is not shared", frame(OWN_PORTS, { destination: NOT_SHARED })],
  ["to the host's address on another interface", frame(OWN_PORTS, { destination: ELSEWHERE_ON_HOST })],
  ['an echo request to it', icmpFrame({ type: 128 }, undefined, { destination: ELSEWHERE_ON_HOST })],
  [
    "to the host's link-local address",
    frame(OWN_PORTS, { source: HOST_LINK_LOCAL, destination: HOST_LINK_LOCAL }),
  ],
  ['to no address', frame(OWN_PORTS, { destination: '::' })],
  ['to a mapped address', frame(OWN_PORTS, { destination: '::ffff:10.9.0.1' })],
  ['to a compatible address', frame(OWN_PORTS, { destination: '::10.9.0.1' })],
  ['to a group', frame(OWN_PORTS, { destination: ALL_NODES, to: ALL_NODES_MAC })],
  ['to one in a frame for many', frame(OWN_PORTS, { to: ALL_NODES_MAC })],
  ['a VLAN', frame(OWN_PORTS, { vlans: [7] })],
  ['a priority tag', frame(OWN_PORTS, { vlans: [0] })],
  ['version 5', frame(OWN_PORTS, { version: 5 })],
  ['a length that does not cover the ports', frame(OWN_PORTS, { length: 7 })],
  ['a jumbogram', frame(OWN_PORTS, { length: 0 })],
  ['hop-by-hop options', frame(extended([1, 4]), { nextHeader: HOP_BY_HOP })],
  ['a jumbo option', frame(extended([0xc2, 4, 0, 1, 0, 0]), { nextHeader: HOP_BY_HOP, length: 0 })],
  ['destination options', frame(extended([1, 4]), { nextHeader: OPTIONS })],
  ['a routing header', frame(extended([0, 0]), { nextHeader: ROUTING })],
  ['a first fragment', frame(extended([0, 1]), { nextHeader: FRAGMENT })],
  ['a later fragment', frame(extended([1, 0]), { nextHeader: FRAGMENT })],
  ['an atomic fragment', frame(extended(), { nextHeader: FRAGMENT })],
  ['IPv4 inside', frame(Buffer.alloc(40, 0x45), { nextHeader: IPIP })],
  ['IPv6 inside', frame(frame().subarray(14), { nextHeader: IPV6_IN })],
  ['ESP', frame(Buffer.alloc(40), { nextHeader: ESP })],
  ['nothing inside', frame(Buffer.alloc(8), { nextHeader: NONE })],
  ['IPv4 ICMP', frame(Buffer.from([8, 0, 0, 0, 0, 0, 0, 0]), { nextHeader: 1 })],
  ['an echo reply', icmpFrame({ type: 129 })],
  ['an echo request with a code', icmpFrame({ type: 128, code: 1 })],
  [
    'an echo request to a group',
    icmpFrame({ type: 128 }, undefined, { destination: ALL_NODES, to: ALL_NODES_MAC }),
  ],
  ['port unreachable about a port of another', errorFrame(1, 4, FOREIGN)],
  ['port unreachable about what others got', errorFrame(1, 4, OWN, { destination: ELSEWHERE })],
  ['no route', errorFrame(1, 0, OWN)],
  ['administratively prohibited', errorFrame(1, 1, OWN)],
  ['packet too big', errorFrame(2, 0, OWN)],
  ['time exceeded', errorFrame(3, 0, OWN)],
  ['an erroneous header', errorFrame(4, 0, OWN)],
  ['a router solicitation', icmpFrame({ type: 133 }, Buffer.alloc(0), toAll)],
  ['a router advertisement', icmpFrame({ type: 134 }, Buffer.alloc(8), toAll)],
  [
    'a redirect',
    icmpFrame({ type: 137 }, Buffer.concat([ipv6Bytes(HOST_LINK_LOCAL), ipv6Bytes(REMOTE_IP6)]), {
      source: HOST_LINK_LOCAL,
      hopLimit: 255,
    }),
  ],
  ['an advertisement of the gateway', advertisement(REMOTE_LINK_LOCAL)],
  ['an advertisement of a shared address', advertisement(HOST_IP6)],
  ['a solicited one', advertisement(HOST_IP6, { destination: REMOTE_IP6, to: REMOTE_MAC })],
  ['a report of a group (MLD)', icmpFrame({ type: 131 }, ipv6Bytes(ALL_NODES), { ...toAll, hopLimit: 1 })],
  [
    'a report of groups (MLDv2)',
    icmpFrame({ type: 143 }, Buffer.alloc(20), { ...toAll, destination: 'ff02::16', hopLimit: 1 }),
  ],
  ['a query of groups', icmpFrame({ type: 130 }, ipv6Bytes('::'), { ...toAll, hopLimit: 1 })],
  ['a solicitation of another neighbour', solicitation({ target: ELSEWHERE })],
  ['of the host itself', solicitation({ target: HOST_IP6 })],
  [
    'for the detection of duplicates',
    solicitation({ source: '::', target: HOST_IP6, options: Buffer.alloc(0) }),
  ],
  ['with the MAC of another', solicitation({ options: macOption(1, OTHER_MAC) })],
  ['without a MAC', solicitation({ options: Buffer.alloc(0) })],
  ["with a target's MAC", solicitation({ options: macOption(2, HOST_MAC) })],
  ['with two', solicitation({ options: Buffer.concat([macOption(1, HOST_MAC), macOption(1, OTHER_MAC)]) })],
  ['through a router', solicitation({ hopLimit: 64 })],
  ['with a code', solicitation({ code: 1 })],
  ['to another group', solicitation({ destination: ALL_NODES, to: ALL_NODES_MAC })],
  ['in a frame for another group', solicitation({ to: ALL_NODES_MAC })],
  ['to somebody else', solicitation({ destination: REMOTE_IP6, to: REMOTE_MAC })],
  ['from the address of the gateway', solicitation({ source: REMOTE_LINK_LOCAL })],
]

/** What goes to the host or other containers, by an address that both have. */
const local = (payload: Uint8Array, about: Fields = {}): Buffer =>
  frame(payload, { destination: HOST_IP6, to: HOST_MAC, ...about })
const toForeign = udp({ sourcePort: OWN, destinationPort: FOREIGN }, Buffer.alloc(8))

export const LOCAL: readonly Row[] = [
  ['UDP to another container', local(toForeign)],
  ['UDP to the host', local(udp({ sourcePort: OWN, destinationPort: HOST_PORT }, Buffer.alloc(8)))],
  ['UDP by the loopback address', local(toForeign, { source: LOOPBACK6, destination: LOOPBACK6 })],
  [
    'port unreachable to another container',
    errorFrame(1, 4, OWN, { from: HOST_IP6, sourcePort: FOREIGN, to: HOST_MAC }),
  ],
]

export const NOT_LOCAL: readonly Row[] = [
  [
    'UDP from a port of another',
    local(udp({ sourcePort: FOREIGN, destinationPort: HOST_PORT }, Buffer.alloc(8))),
  ],
  ['UDP to an own port', local(udp({ sourcePort: OWN, destinationPort: OWN + 1 }, Buffer.alloc(8)))],
  ['UDP of somebody else', local(toForeign, { source: REMOTE_IP6 })],
  ['UDP to an address that is not shared', local(toForeign, { destination: NOT_SHARED })],
  ['a fragment', local(extended([0, 1]), { nextHeader: FRAGMENT })],
  ['hop-by-hop options', local(extended([1, 4]), { nextHeader: HOP_BY_HOP })],
  ['an echo request', icmpFrame({ type: 128 }, undefined, { destination: HOST_IP6, to: HOST_MAC })],
  [
    'port unreachable about a port of another',
    errorFrame(1, 4, FOREIGN, { from: HOST_IP6, sourcePort: HOST_PORT, to: HOST_MAC }),
  ],
  [
    'port unreachable about what it sent itself',
    errorFrame(1, 4, OWN, { from: HOST_IP6, sourcePort: OWN + 1, to: HOST_MAC }),
  ],
  ['packet too big', errorFrame(2, 0, OWN, { from: HOST_IP6, sourcePort: FOREIGN, to: HOST_MAC })],
]

/** From the wire, in the name of the host or of nobody: dropped before anybody sees it. */
const fromWire = (
  about: Fields,
  payload: Uint8Array = udp({ sourcePort: 53, destinationPort: OWN }, Buffer.alloc(8)),
): Buffer =>
  frame(payload, { source: REMOTE_IP6, destination: HOST_IP6, mac: REMOTE_MAC, to: HOST_MAC, ...about })

export const TO_CONTAINER = fromWire({})
export const MARTIANS: readonly Row[] = [
  ['a shared address as source', fromWire({ source: HOST_IP6 })],
  ['the link-local one', fromWire({ source: HOST_LINK_LOCAL, destination: HOST_LINK_LOCAL })],
  ['one that is not shared', fromWire({ source: NOT_SHARED })],
  ['one of another interface', fromWire({ source: ELSEWHERE_ON_HOST })],
  ['the loopback address', fromWire({ source: LOOPBACK6 })],
  ['a mapped one', fromWire({ source: '::ffff:10.9.0.2' })],
  ['to the loopback address', fromWire({ destination: LOOPBACK6 })],
]
/** Of an address of the host, from somebody who has it too. */
export const DUPLICATE = advertisement(HOST_IP6, { mac: OTHER_MAC, source: HOST_IP6 })
/** That nobody has an address yet is what the detection of duplicates begins with. */
export const UNSPECIFIED = solicitation({
  mac: REMOTE_MAC,
  source: '::',
  target: HOST_IP6,
  options: Buffer.alloc(0),
})
