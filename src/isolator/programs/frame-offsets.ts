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

/** Where a packet of one family has what rules about ports look at. */
export interface PortFields {
  readonly protocol: number
  readonly sourcePort: number
  readonly destinationPort: number
  readonly tcpFlags: number
  /** The type of the first chunk, behind struct sctphdr (linux/sctp.h). */
  readonly sctpFirstChunk: number
  /** The byte of struct dccp_hdr (linux/dccp.h, RFC 4340, section 5.1) that holds the packet's type. */
  readonly dccpType: number
}

const portFields = (protocol: number, transport: number): PortFields => ({
  protocol,
  sourcePort: transport,
  destinationPort: transport + 2,
  tcpFlags: transport + 13,
  sctpFirstChunk: transport + 12,
  dccpType: transport + 8,
})

export const IPV4_FIELDS = portFields(IPV4_PROTOCOL, TRANSPORT)

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

/** struct ipv6hdr (linux/ipv6.h) */
const IPV6 = ETH_HLEN
export const IPV6_VERSION = IPV6
export const IPV6_PAYLOAD_LENGTH = IPV6 + 4
export const IPV6_NEXT_HEADER = IPV6 + 6
export const IPV6_HOP_LIMIT = IPV6 + 7
export const IPV6_SOURCE = IPV6 + 8
export const IPV6_DESTINATION = IPV6 + 24

/** What follows an IPv6 header without extension headers. */
const TRANSPORT6 = IPV6 + 40
export const IPV6_FIELDS = portFields(IPV6_NEXT_HEADER, TRANSPORT6)

/** struct icmp6hdr (linux/icmpv6.h), and the packet that an ICMPv6 error quotes behind it. */
export const ICMPV6_TYPE = TRANSPORT6
export const ICMPV6_CODE = TRANSPORT6 + 1
const QUOTED6 = TRANSPORT6 + 8
export const QUOTED6_VERSION = QUOTED6
export const QUOTED6_NEXT_HEADER = QUOTED6 + 6
export const QUOTED6_SOURCE = QUOTED6 + 8
export const QUOTED6_DESTINATION = QUOTED6 + 24
export const QUOTED6_SOURCE_PORT = QUOTED6 + 40
export const QUOTED6_DESTINATION_PORT = QUOTED6 + 42
export const QUOTED6_END = QUOTED6 + 48

/** A neighbour solicitation (RFC 4861, section 4.3) and its option. */
export const ND_TARGET = TRANSPORT6 + 8
export const ND_OPTION = TRANSPORT6 + 24
export const ND_OPTION_MAC = ND_OPTION + 2
