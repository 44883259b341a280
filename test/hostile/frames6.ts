/** Frames of IPv6 as containers and the wire send them, by default as they should be; each check forges one thing. */
import { ethernet, IPPROTO_TCP, IPPROTO_UDP, tcp, TCP_SYN, udp } from '../helpers/packets.js'
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
import { HOST_MAC, REMOTE_MAC } from '../helpers/topology.js'
import { HOST_IP6, HOST_LINK_LOCAL, REMOTE_IP6, REMOTE_LINK_LOCAL } from '../isolator/inet6-topology.js'
import { body, OWN, REMOTE_PORT, type Frame } from './frames.js'

/** An address that nobody has. */
export const ELSEWHERE6 = '2001:db8:66::9'
/** A neighbour on the same prefix. */
export const NEIGHBOUR6 = '2001:db8:9::77'
export const ALL_NODES = 'ff02::1'
export const ALL_ROUTERS = 'ff02::2'

/** The MAC address of a group (RFC 2464, section 7). */
export const groupMac = (group: string): string =>
  `33:33:${ipv6Bytes(group).subarray(12).toString('hex').match(/../g)!.join(':')}`

export const TO_ALL_NODES = { destination: ALL_NODES, to: groupMac(ALL_NODES) } as const

/** As those of IPv4; `protocol` is the next header. */
export interface Fields6 extends Partial<Omit<Ipv6Fields, 'nextHeader'>> {
  mac?: string
  to?: string
  vlans?: number[]
  protocol?: number
  sourcePort?: number
  destinationPort?: number
}

/** An IPv6 datagram in a frame; from a container to the remote unless the fields say otherwise. */
export function datagram6(payload: Uint8Array, fields: Fields6 = {}): Buffer {
  const { mac = HOST_MAC, to = REMOTE_MAC, vlans, protocol = IPPROTO_UDP, ...header } = fields
  const { sourcePort: _source, destinationPort: _destination, ...rest } = header
  return ethernet(
    { source: mac, destination: to, type: ETH_P_IPV6, ...(vlans && { vlans }) },
    ipv6({ source: HOST_IP6, destination: REMOTE_IP6, nextHeader: protocol, ...rest }, payload),
  )
}

const portsOf = ({ sourcePort = OWN, destinationPort = REMOTE_PORT }: Fields6) => ({
  sourcePort,
  destinationPort,
})

/** A datagram of any protocol that begins with ports, as UDP does. */
export const ported6 =
  (fields: Fields6 = {}): Frame =>
  mark =>
    datagram6(udp(portsOf(fields), body(mark)), fields)

export const segment6 =
  (flags: number, fields: Fields6 = {}): Frame =>
  mark =>
    datagram6(tcp({ ...portsOf(fields), flags }, body(mark)), { ...fields, protocol: IPPROTO_TCP })
export const syn6 = (fields: Fields6 = {}): Frame => segment6(TCP_SYN, fields)

/** UDP behind extension headers, outermost first: the number of each, and its bytes behind the next header. */
export const extended =
  (headers: readonly (readonly [number: number, bytes: readonly number[]])[], fields: Fields6 = {}): Frame =>
  mark => {
    const inner: { protocol: number; payload: Buffer } = {
      protocol: fields.protocol ?? IPPROTO_UDP,
      payload: udp(portsOf(fields), body(mark)),
    }
    const { protocol, payload } = headers.reduceRight(
      ({ protocol, payload }, [number, bytes]) => ({
        protocol: number,
        payload: Buffer.concat([Buffer.from([protocol, ...bytes]), payload]),
      }),
      inner,
    )
    return datagram6(payload, { ...fields, protocol })
  }

/** The checksum covers the addresses. */
const endsOf = ({ source = HOST_IP6, destination = REMOTE_IP6 }: Fields6) => ({ source, destination })

export const icmp6Of =
  (message: Icmpv6Fields, fields: Fields6 = {}, payload: (mark: Buffer) => Uint8Array = body): Frame =>
  mark =>
    datagram6(icmpv6(message, payload(mark), endsOf(fields)), { protocol: IPPROTO_ICMPV6, ...fields })

export interface Quoted6 extends Partial<Omit<Ipv6Fields, 'nextHeader'>> {
  protocol?: number
  sourcePort?: number
  destinationPort?: number
}

/** An ICMPv6 error; what it quotes is by default a datagram from the remote to a port of the container. */
export const errorAbout6 = (
  message: Icmpv6Fields,
  { sourcePort = REMOTE_PORT, destinationPort = OWN, protocol = IPPROTO_UDP, ...quoted }: Quoted6,
  fields: Fields6 = {},
): Frame =>
  icmp6Of(message, fields, mark =>
    ipv6(
      { source: REMOTE_IP6, destination: HOST_IP6, nextHeader: protocol, ...quoted },
      udp({ sourcePort, destinationPort }, body(mark)),
    ),
  )

/** Messages of neighbour discovery have a length of their own, so that the mark is behind them in the frame. */
const padded =
  (frame: Buffer): Frame =>
  mark =>
    Buffer.concat([frame, Buffer.alloc(8), mark])

/** Sent on this link, as neighbour discovery asks for (RFC 4861, section 7.1). */
const ON_LINK = { hopLimit: 255 } as const

export interface Discovery extends Fields6 {
  target?: string
  options?: Uint8Array
  code?: number
  /** The four bytes behind the checksum. */
  rest?: Uint8Array
}

const discovery = (type: number, { target, options, code = 0, rest, ...fields }: Discovery): Frame =>
  padded(
    icmp6Of({ type, code, ...(rest && { rest }) }, { ...ON_LINK, ...fields }, () =>
      Buffer.concat([target === undefined ? Buffer.alloc(0) : ipv6Bytes(target), options ?? Buffer.alloc(0)]),
    )(Buffer.alloc(0)),
  )

/** A question for the gateway as the host sends it. */
export function solicitation6({ target = REMOTE_LINK_LOCAL, ...fields }: Discovery = {}): Frame {
  const { group, mac } = solicitedNode(target)
  return discovery(135, {
    ...{ source: HOST_LINK_LOCAL, destination: group, to: mac, options: macOption(1, HOST_MAC) },
    target,
    ...fields,
  })
}

/** R, S and O of an advertisement (RFC 4861, section 4.4). */
const OVERRIDE = Buffer.from([0x20, 0, 0, 0])
export const SOLICITED = Buffer.from([0x60, 0, 0, 0])

/** To all nodes: an address, by default a shared one, has the host's MAC. */
export const advertisement6 = ({ target = HOST_IP6, ...fields }: Discovery = {}): Frame =>
  discovery(136, { ...TO_ALL_NODES, options: macOption(2, HOST_MAC), rest: OVERRIDE, target, ...fields })

/** Of a router, for half an hour, with its MAC. */
export const routerAdvertisement = (fields: Discovery = {}): Frame =>
  discovery(134, {
    ...{ source: HOST_LINK_LOCAL, ...TO_ALL_NODES },
    rest: Buffer.from([64, 0, 0x07, 0x08]),
    options: Buffer.concat([Buffer.alloc(8), macOption(1, HOST_MAC)]),
    ...fields,
  })

/** That another neighbour is the way to the destination. */
export const redirect6 = (fields: Discovery = {}): Frame =>
  discovery(137, {
    source: HOST_LINK_LOCAL,
    target: HOST_LINK_LOCAL,
    options: ipv6Bytes(ELSEWHERE6),
    ...fields,
  })

export const routerSolicitation = (fields: Discovery = {}): Frame =>
  discovery(133, {
    source: HOST_LINK_LOCAL,
    destination: ALL_ROUTERS,
    to: groupMac(ALL_ROUTERS),
    options: macOption(1, HOST_MAC),
    ...fields,
  })

/** Any message that is about a group, of the versions of MLD. */
export const listener = (type: number, fields: Discovery = {}): Frame =>
  discovery(type, { source: HOST_LINK_LOCAL, ...TO_ALL_NODES, target: ALL_NODES, hopLimit: 1, ...fields })

/** From the wire to the host's address. */
export const INBOUND6 = {
  mac: REMOTE_MAC,
  to: HOST_MAC,
  source: REMOTE_IP6,
  destination: HOST_IP6,
} as const
/** The same between the link-local addresses. */
export const WITHIN_LINK = { ...INBOUND6, source: REMOTE_LINK_LOCAL, destination: HOST_LINK_LOCAL } as const
