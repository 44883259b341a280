import { linkAddressToBytes } from '../../netlink/codec/addresses.js'
import { ETHER_TYPES } from '../../netlink/ether-types.js'
import { IP_PROTOCOLS } from '../../netlink/ip-protocols.js'

export const {
  ip: ETH_P_IP,
  arp: ETH_P_ARP,
  ipv6: ETH_P_IPV6,
  '802.1Q': ETH_P_8021Q,
  '802.1ad': ETH_P_8021AD,
} = ETHER_TYPES

/** The bit of a destination MAC's first byte that marks multicast and broadcast. */
export const GROUP_ADDRESS = 0x01

/** The VLAN id in a tag (linux/if_vlan.h). */
export const VLAN_VID_MASK = 0x0fff

export const {
  icmp: IPPROTO_ICMP,
  tcp: IPPROTO_TCP,
  udp: IPPROTO_UDP,
  dccp: IPPROTO_DCCP,
  sctp: IPPROTO_SCTP,
  udplite: IPPROTO_UDPLITE,
} = IP_PROTOCOLS

/** IPPROTO_ICMPV6, linux/in6.h */
export const IPPROTO_ICMPV6 = 58

/** The protocols with source and destination port in their first four bytes. */
export const PORT_PROTOCOLS = [IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_DCCP, IPPROTO_UDPLITE] as const

// linux/icmp.h
export const ICMP_DEST_UNREACH = 3
export const ICMP_ECHO = 8
export const ICMP_PROT_UNREACH = 2
export const ICMP_PORT_UNREACH = 3

/** Version 4 and a header of five words: IPv4 without options. */
export const IPV4_WITHOUT_OPTIONS = 0x45
/** More-fragments flag (IP_MF, net/ip.h) of the fragment field. */
export const IP_MF = 0x2000
/** Fragment offset (IP_OFFSET, net/ip.h) of the fragment field. */
export const IP_OFFSET = 0x1fff

/** The bits of TCP's flags that tell a connection's first segment: SYN set, ACK clear. */
export const TCP_SYN = 0x02
export const TCP_ACK = 0x10

/** Opens an association; nothing else may be in its packet (RFC 9260, section 6.10). */
export const SCTP_CID_INIT = 1

/** The four bits of the byte with DCCP's type that are the type, and the one that opens a connection (RFC 4340, section 5.1). */
export const DCCP_TYPE_MASK = 0x1e
export const DCCP_PKT_REQUEST = 0

export const LOOPBACK_NETWORK = 127
/** INADDR_LOOPBACK, linux/in.h: 127.0.0.1 */
export const LOCALHOST = 0x7f00_0001

// linux/icmpv6.h, net/ndisc.h
export const ICMPV6_ECHO_REQUEST = 128
export const ICMPV6_ECHO_REPLY = 129
export const NDISC_NEIGHBOUR_SOLICITATION = 135
export const NDISC_NEIGHBOUR_ADVERTISEMENT = 136
/** Type 1 and code 4: destination unreachable, no such port. */
export const ICMPV6_PORT_UNREACH = 0x0104
/** Type 4 and code 1: parameter problem, unrecognized next header. */
export const ICMPV6_UNK_NEXTHDR = 0x0401
/** Types 1 to 4 report an error about a packet: unreachable, too big, time exceeded, parameter problem. */
export const ICMPV6_ERRORS = [1, 2, 3, 4] as const

/** The hop limit of neighbour discovery: such a packet was sent on this link (RFC 4861, section 7.1). */
export const ND_HOP_LIMIT = 255

/** in6addr_loopback, linux/in6.h */
export const LOOPBACK6 = '::1'

/** A MAC address as the word and the half word that two loads from the packet give. */
export function macWords(mac: string): { high: number; low: number } {
  const bytes = linkAddressToBytes(mac)
  if (bytes.length !== 6)
    throw new TypeError(`'${mac}' is not a MAC address: expected 6 bytes such as 02:00:0a:09:00:02`)
  const view = new DataView(bytes.buffer)
  return { high: view.getUint32(0), low: view.getUint16(4) }
}
