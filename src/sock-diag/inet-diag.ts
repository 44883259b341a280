import {
  array,
  attributes,
  be16,
  binary,
  reserved,
  struct,
  text,
  u16,
  u32,
  u64,
  u8,
} from '../netlink/codec/index.js'
import { copyOf, fixed, type FixedCodec } from '../netlink/codec/codec.js'
import { named, namedNumbers } from '../netlink/codec/named.js'
import { PORT_PROTOCOL_NUMBERS } from '../netlink/ip-protocols.js'
import { messageBody, type AnyMessageType } from '../netlink/message-type.js'
import { socketStates } from './socket-states.js'

/** AF_INET and AF_INET6, linux/socket.h */
export const socketFamilies = namedNumbers('socket family', { inet: 2, inet6: 10 })

/** IPPROTO_*, linux/in.h, of the protocols that have inet_diag. */
export const socketProtocols = namedNumbers('socket protocol', {
  ...PORT_PROTOCOL_NUMBERS,
  raw: 255,
})

/** `__be32[4]`: an IPv4 address in the first four bytes, or an IPv6 address. */
const addressBytes: FixedCodec<Uint8Array> = fixed(
  16,
  4,
  (view, at) => copyOf(view, at, at + 16),
  (view, at, value) => {
    new Uint8Array(view.buffer, view.byteOffset + at, 16).set(value)
  },
)

/** struct inet_diag_sockid, linux/inet_diag.h */
export const inetDiagSockid = struct({
  sport: be16,
  dport: be16,
  src: addressBytes,
  dst: addressBytes,
  if: u32,
  cookie: array(u32, 2),
})

/** struct inet_diag_req_v2, linux/inet_diag.h */
export const inetDiagReqV2 = struct({
  family: named(u8, socketFamilies),
  protocol: named(u8, socketProtocols),
  ext: u8,
  pad: reserved(1),
  states: u32,
  id: inetDiagSockid,
})

/** struct inet_diag_msg, linux/inet_diag.h */
export const inetDiagMsg = struct({
  family: named(u8, socketFamilies),
  state: named(u8, socketStates),
  timer: u8,
  retrans: u8,
  id: inetDiagSockid,
  expires: u32,
  rqueue: u32,
  wqueue: u32,
  uid: u32,
  inode: u32,
})

/** struct inet_diag_meminfo, linux/inet_diag.h: bytes. */
export const inetDiagMeminfo = struct({ rmem: u32, wmem: u32, fmem: u32, tmem: u32 })

/** SK_MEMINFO_*, linux/sock_diag.h: bytes, but for the drops. */
export const skMeminfo = struct({
  rmemAlloc: u32,
  rcvbuf: u32,
  wmemAlloc: u32,
  sndbuf: u32,
  fwdAlloc: u32,
  wmemQueued: u32,
  optmem: u32,
  backlog: u32,
  drops: u32,
})

/** struct tcpvegas_info, struct tcp_dctcp_info and struct tcp_bbr_info, linux/inet_diag.h */
export const tcpvegasInfo = struct({ enabled: u32, rttcnt: u32, rtt: u32, minrtt: u32 })
export const tcpDctcpInfo = struct({ enabled: u16, ceState: u16, alpha: u32, abEcn: u32, abTot: u32 })
export const tcpBbrInfo = struct({ bwLo: u32, bwHi: u32, minRtt: u32, pacingGain: u32, cwndGain: u32 })

/** INET_ULP_INFO_*, linux/inet_diag.h: what runs on top of TCP. */
export const ulpInfo = attributes({
  name: ['INET_ULP_INFO_NAME', 1, text],
  tls: ['INET_ULP_INFO_TLS', 2, binary],
  mptcp: ['INET_ULP_INFO_MPTCP', 3, binary],
})

/** INET_DIAG_REQ_*, linux/inet_diag.h */
export const inetDiagRequestAttributes = attributes({
  bytecode: ['INET_DIAG_REQ_BYTECODE', 1, binary],
  protocol: ['INET_DIAG_REQ_PROTOCOL', 3, u32],
})

/** INET_DIAG_*, linux/inet_diag.h. What `info` is depends on the protocol asked for: struct tcp_info of TCP. */
export const inetDiagAttributes = attributes({
  meminfo: ['INET_DIAG_MEMINFO', 1, inetDiagMeminfo],
  info: ['INET_DIAG_INFO', 2, binary],
  vegas: ['INET_DIAG_VEGASINFO', 3, tcpvegasInfo],
  cong: ['INET_DIAG_CONG', 4, text],
  tos: ['INET_DIAG_TOS', 5, u8],
  tclass: ['INET_DIAG_TCLASS', 6, u8],
  skmeminfo: ['INET_DIAG_SKMEMINFO', 7, skMeminfo],
  shutdown: ['INET_DIAG_SHUTDOWN', 8, u8],
  dctcp: ['INET_DIAG_DCTCPINFO', 9, tcpDctcpInfo],
  protocol: ['INET_DIAG_PROTOCOL', 10, u8],
  skv6only: ['INET_DIAG_SKV6ONLY', 11, u8],
  locals: ['INET_DIAG_LOCALS', 12, binary],
  peers: ['INET_DIAG_PEERS', 13, binary],
  mark: ['INET_DIAG_MARK', 15, u32],
  bbr: ['INET_DIAG_BBRINFO', 16, tcpBbrInfo],
  classId: ['INET_DIAG_CLASS_ID', 17, u32],
  md5sig: ['INET_DIAG_MD5SIG', 18, binary],
  ulpInfo: ['INET_DIAG_ULP_INFO', 19, ulpInfo],
  cgroupId: ['INET_DIAG_CGROUP_ID', 21, u64],
  sockopt: ['INET_DIAG_SOCKOPT', 22, binary],
})

/** What is asked, and what is answered: both have the number of SOCK_DIAG_BY_FAMILY, linux/sock_diag.h. */
export const inetDiagRequest = {
  name: 'SOCK_DIAG_BY_FAMILY',
  type: 20,
  body: messageBody(inetDiagReqV2, inetDiagRequestAttributes),
} satisfies AnyMessageType

export const inetDiagReply = {
  name: 'SOCK_DIAG_BY_FAMILY',
  type: 20,
  body: messageBody(inetDiagMsg, inetDiagAttributes),
} satisfies AnyMessageType
