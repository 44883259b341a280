// Where things are in an untagged Ethernet frame, counted from the Ethernet header as classic-BPF loads do.

/** struct ethhdr (linux/if_ether.h) */
export const ETH_DESTINATION = 0
export const ETH_SOURCE = 6
export const ETH_TYPE = 12
const ETH_HLEN = 14

/** struct vlan_hdr (linux/if_vlan.h) of a tag behind the one that the kernel took off the frame. */
export const INNER_VLAN_TCI = ETH_HLEN

/** An Ethernet/IPv4 ARP packet (RFC 826), up to the sender's protocol address. */
export const ARP_HARDWARE_AND_PROTOCOL_TYPE = ETH_HLEN
export const ARP_LENGTHS_AND_OPERATION = ETH_HLEN + 4
export const ARP_SENDER_MAC = ETH_HLEN + 8
export const ARP_SENDER_IP = ETH_HLEN + 14

/** struct iphdr (linux/ip.h) */
export const IPV4 = ETH_HLEN
export const IPV4_VERSION_AND_IHL = IPV4
export const IPV4_TOTAL_LENGTH = IPV4 + 2
export const IPV4_FRAGMENT = IPV4 + 6
export const IPV4_PROTOCOL = IPV4 + 9
export const IPV4_SOURCE = IPV4 + 12
export const IPV4_DESTINATION = IPV4 + 16

/** What follows an IPv4 header without options: the ports of TCP, UDP, SCTP, DCCP and UDP-Lite, or ICMP. */
const TRANSPORT = IPV4 + 20
export const SOURCE_PORT = TRANSPORT
export const DESTINATION_PORT = TRANSPORT + 2
export const TCP_FLAGS = TRANSPORT + 13
/** The type of the first chunk, behind struct sctphdr (linux/sctp.h). */
export const SCTP_FIRST_CHUNK = TRANSPORT + 12
/** The byte of struct dccp_hdr (linux/dccp.h, RFC 4340, section 5.1) that holds the packet's type. */
export const DCCP_TYPE = TRANSPORT + 8

/** struct icmphdr (linux/icmp.h), and the packet that an ICMP error quotes behind it. */
export const ICMP_TYPE = TRANSPORT
export const ICMP_CODE = TRANSPORT + 1
const QUOTED = TRANSPORT + 8
export const QUOTED_VERSION_AND_IHL = QUOTED
export const QUOTED_FRAGMENT = QUOTED + 6
export const QUOTED_PROTOCOL = QUOTED + 9
export const QUOTED_SOURCE = QUOTED + 12
export const QUOTED_DESTINATION = QUOTED + 16
export const QUOTED_SOURCE_PORT = QUOTED + 20
export const QUOTED_DESTINATION_PORT = QUOTED + 22
export const QUOTED_END = QUOTED + 28
