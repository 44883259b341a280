import { linkAddressToBytes } from '../../netlink/codec/addresses.js'
import { ETHER_TYPES } from '../../netlink/ether-types.js'
import { IP_PROTOCOLS } from '../../netlink/ip-protocols.js'

export const { ip: ETH_P_IP, arp: ETH_P_ARP, '802.1Q': ETH_P_8021Q, '802.1ad': ETH_P_8021AD } = ETHER_TYPES

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

/** The bits of {@link TCP_FLAGS} that tell a connection's first segment: SYN set, ACK clear. */
export const TCP_SYN = 0x02
export const TCP_ACK = 0x10

/** Opens an association; nothing else may be in its packet (RFC 9260, section 6.10). */
export const SCTP_CID_INIT = 1

/** The four bits of {@link DCCP_TYPE} that are the type, and the one that opens a connection (RFC 4340, section 5.1). */
export const DCCP_TYPE_MASK = 0x1e
export const DCCP_PKT_REQUEST = 0

export const LOOPBACK_NETWORK = 127
/** INADDR_LOOPBACK, linux/in.h: 127.0.0.1 */
export const LOCALHOST = 0x7f00_0001

/** A MAC address as the word and the half word that two loads from the packet give. */
export function macWords(mac: string): { high: number; low: number } {
  const bytes = linkAddressToBytes(mac)
  if (bytes.length !== 6)
    throw new TypeError(`'${mac}' is not a MAC address: expected 6 bytes such as 02:00:0a:09:00:02`)
  const view = new DataView(bytes.buffer)
  return { high: view.getUint32(0), low: view.getUint16(4) }
}
