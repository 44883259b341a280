import {
  argument,
  boolean,
  list,
  object,
  oneOf,
  optional,
  tuple,
  whole,
  type Declaration,
  type InputOf,
} from '../input/index.js'
import { ipAddress, type Infer, type InferInput } from '../netlink/codec/index.js'
import { nameOrNumber } from '../netlink/codec/named.js'
import { NLM_F_DUMP } from '../netlink/constants.js'
import type { Request } from '../netlink/message.js'
import type { inetDiagReply } from './inet-diag.js'
import { inetDiagRequest, socketProtocols, type skMeminfo, type socketFamilies } from './inet-diag.js'
import { localPortFilter } from './port-filter.js'
import { socketStates, stateMask, type SocketState } from './socket-states.js'
import { tcpInfo, type TcpInfo } from './tcp-info.js'

export type SocketFamily = keyof typeof socketFamilies.numbers
export type SocketProtocol = keyof typeof socketProtocols.numbers | number

const port = whole(0, 0xffff)

const query = object({
  /** Default: `'tcp'`. Others need their part of inet_diag in the kernel (`udp_diag`, …), else `ENOENT`. */
  protocol: optional<SocketProtocol>(nameOrNumber(socketProtocols, 0, 0xff)),
  /** Default: both. An IPv6 socket may take IPv4 connections too. */
  family: optional(oneOf('inet', 'inet6')),
  /** Default: all. A UDP socket is `'closed'`, or `'established'` once it is connected. */
  states: optional(list<SocketState>(nameOrNumber(socketStates, 0, 31), 'a list of socket states')),
  localPort: optional(port),
  /** First and last of a range of local ports. */
  localPorts: optional<readonly [first: number, last: number]>(
    tuple('the first and the last of a range of ports', port, port),
  ),
  remotePort: optional(port),
  /** Asks for `memory`, `tos`, `congestion` and `tcpInfo` too. Default: false. */
  details: optional(boolean),
})

/** Which sockets to list. */
export interface InetSocketQuery extends InputOf<typeof query> {}
export const inetSocketQueryInput: Declaration<InetSocketQuery> = query

const checkQuery = argument('socketRequests', 'query', query)

/** A socket of TCP, UDP or a protocol like them, as `ss` lists it. */
export interface InetSocket {
  family: SocketFamily
  protocol: SocketProtocol
  state: SocketState
  localAddress: string
  localPort: number
  /** The zero address of a socket that is not connected. */
  remoteAddress: string
  remotePort: number
  /** The device that the socket is bound to; 0 for none. */
  ifindex: number
  uid: number
  /** 0 for a socket that no process has any more. */
  inode: number
  /** The kernel's own number of the socket. */
  cookie: bigint
  /** Bytes that wait to be read; of a listener connections that wait to be accepted. */
  receiveQueue: number
  /** Bytes that are not acknowledged yet; of a listener the length of its backlog. */
  sendQueue: number
  /** Retransmissions or probes without an answer. */
  retransmissions: number
  /** Milliseconds until the socket's timer runs out; 0 where there is none. */
  timerExpires: number
  /** True for an IPv6 socket that takes no IPv4. */
  v6only?: boolean
  /** Only with CAP_NET_ADMIN. */
  mark?: number
  cgroupId?: bigint
  tos?: number
  /** Congestion control algorithm. */
  congestion?: string
  memory?: Infer<typeof skMeminfo>
  tcpInfo?: TcpInfo
}

type Body = Infer<typeof inetDiagReply.body>

/** INET_DIAG_* as `idiag_ext` takes them: one bit each, linux/inet_diag.h. */
const extension = (attribute: number): number => 1 << (attribute - 1)
const DETAILS = [2, 4, 5, 6, 7].reduce((bits, attribute) => bits | extension(attribute), 0)

/** The dumps that answer a query, one per family. Throws RangeError or TypeError for a query that makes no sense. */
export function socketRequests(query: InetSocketQuery): Request<never>[] {
  checkQuery(query)
  const families: readonly SocketFamily[] = query.family === undefined ? ['inet', 'inet6'] : [query.family]
  return families.map(family => ({
    type: inetDiagRequest,
    flags: NLM_F_DUMP,
    body: requestBody(family, query) as never,
  }))
}

function requestBody(family: SocketFamily, query: InetSocketQuery): InferInput<typeof inetDiagRequest.body> {
  const { protocol = 'tcp', states, localPort, localPorts, remotePort, details = false } = query
  return {
    family,
    protocol,
    ext: details ? DETAILS : 0,
    states: stateMask(states),
    id: { sport: localPort, dport: remotePort },
    attributes: localPorts ? { bytecode: localPortFilter(localPorts) } : undefined,
  }
}

/** The typed form of an answer to a query. */
export function socketFrom({ id, attributes: a, ...body }: Body, protocol: SocketProtocol): InetSocket {
  const family = body.family === 'inet' ? 'inet' : 'inet6'
  const tos = family === 'inet' ? a.tos : (a.tclass ?? a.tos)
  const [low = 0, high = 0] = id.cookie
  return {
    family,
    protocol,
    state: body.state,
    localAddress: addressText(id.src, family),
    localPort: id.sport,
    remoteAddress: addressText(id.dst, family),
    remotePort: id.dport,
    ifindex: id.if,
    uid: body.uid,
    inode: body.inode,
    cookie: (BigInt(high) << 32n) | BigInt(low),
    receiveQueue: body.rqueue,
    sendQueue: body.wqueue,
    retransmissions: body.retrans,
    timerExpires: body.expires,
    ...(a.skv6only === undefined ? {} : { v6only: a.skv6only !== 0 }),
    ...(a.mark === undefined ? {} : { mark: a.mark }),
    ...(a.cgroupId === undefined ? {} : { cgroupId: a.cgroupId }),
    ...(tos === undefined ? {} : { tos }),
    ...(a.cong === undefined ? {} : { congestion: a.cong }),
    ...(a.skmeminfo === undefined ? {} : { memory: a.skmeminfo }),
    ...(a.info === undefined || protocol !== 'tcp'
      ? {}
      : { tcpInfo: tcpInfo.get(viewOf(a.info), 0, a.info.length) }),
  }
}

const addressText = (bytes: Uint8Array, family: SocketFamily): string =>
  ipAddress.get(viewOf(bytes), 0, family === 'inet' ? 4 : 16)

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
