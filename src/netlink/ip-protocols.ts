/** Protocols with ports: source and destination are the first four bytes of each packet. IPPROTO_*, linux/in.h. */
export const PORT_PROTOCOL_NUMBERS = { tcp: 6, udp: 17, dccp: 33, sctp: 132, udplite: 136 } as const

/** Protocol numbers of IPv4 (IANA) that port mapping deals with. */
export const IP_PROTOCOLS = { icmp: 1, ...PORT_PROTOCOL_NUMBERS } as const
