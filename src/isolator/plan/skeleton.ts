import { ipv4ToNumber } from '../../netlink/codec/addresses.js'
import { ANSWERS, PORT_BUCKETS, PRIORITY, SECOND_LEVEL, SECOND_LEVEL_LINK, TABLE } from '../layout/layout.js'
import { IP_MF, IP_OFFSET, IPPROTO_ICMP, IPPROTO_UDP, PORT_PROTOCOLS } from '../programs/frame-values.js'
import type { Planned } from './planned.js'
import { byte, half, U32Priority, word, type Links } from './u32-priority.js'

/** Whole datagrams only: neither more-fragments nor an offset (byte 6 of the IP header). */
export const WHOLE_DATAGRAM = half(6, 0, IP_MF | IP_OFFSET)
/** Whole datagrams and first fragments, which carry the ports. */
const WITH_PORTS = half(6, 0, IP_OFFSET)

/** Skips an IP header of any length: byte 0 holds it in words, `& 0x0f00 >> 6` is bytes. */
export const IP_HEADER = { at: 0, mask: 0x0f00, shift: 6, plus: 0 } as const
/** The same for a header quoted behind the 8 bytes of an ICMP error. */
const QUOTED_IP_HEADER = { at: 8, mask: 0x0f00, shift: 6, plus: 8 } as const

/** By IP protocol, and by the quoted packet's protocol behind an ICMP header. */
export const BY_PROTOCOL = { mask: 0x00ff0000, at: 8 } as const
const BY_QUOTED_PROTOCOL = { mask: 0x00ff0000, at: 16 } as const

/** A copy for everyone; the packet itself goes on, to the host. */
export const TO_EVERYONE = { mirror: ANSWERS.near } as const

/** ICMP types that report an error about a packet: 3 and 11 in one key, 12 in another. */
const ICMP_ERRORS = [byte(0, 0x03, 0xf7), byte(0, 0x0c, 0xff)] as const
const ICMP_ECHO_REPLY = byte(0, 0, 0xff)

/** What a device steers. */
export interface SkeletonOptions {
  readonly dev: string
  /** Destination addresses that are steered. */
  readonly addresses: readonly string[]
  /** Whether echo replies and the like go to everyone. Only the wire brings those. */
  readonly everyone: boolean
  /** `'allow'`: first fragments go where whole datagrams do, later ones of UDP to everyone. */
  readonly fragments: 'drop' | 'allow'
}

/**
 * The static part of steering on one device: tables first, links next, roots, which open the door, last. Its size does
 * not depend on the containers: 281 messages on a device that reaches everyone.
 */
export function skeleton({ dev, addresses, everyone, fragments }: SkeletonOptions): Planned[] {
  const steering = new U32Priority(dev, PRIORITY.steering, 'ip')
  return [
    ...tables(steering),
    ...portLinks(steering),
    ...protocolLinks(steering),
    ...errorLinks(steering, addresses),
    ...(everyone ? everyoneLinks(steering) : []),
    ...addresses.map((address, i) => steering.root(i + 1, addressRoot(address, fragments))),
    ...(fragments === 'allow' ? laterFragments(steering, addresses) : []),
  ]
}

/** A root that hands datagrams for `address`, as far as they carry ports, to the protocol table. */
export const addressRoot = (address: string, fragments: 'drop' | 'allow'): Links => ({
  keys: [word(16, ipv4ToNumber(address)), fragments === 'allow' ? WITH_PORTS : WHOLE_DATAGRAM],
  hashKey: BY_PROTOCOL,
  link: TABLE.protocol,
})

function tables(steering: U32Priority): Planned[] {
  const secondLevel = (first: number): Planned[] => buckets(k => steering.table(first + k, PORT_BUCKETS))
  return [
    steering.table(TABLE.destinationPort, PORT_BUCKETS),
    steering.table(TABLE.skipIpHeader, 1),
    steering.table(TABLE.icmp, 1),
    steering.table(TABLE.quotedProtocol, 256),
    steering.table(TABLE.skipQuotedHeader, 1),
    steering.table(TABLE.quotedSourcePort, PORT_BUCKETS),
    steering.table(TABLE.protocol, 256),
    ...secondLevel(SECOND_LEVEL.destinationPort),
    ...secondLevel(SECOND_LEVEL.quotedSourcePort),
  ]
}

/** From each first-level bucket to its second level, behind the bucket's wide blocks. */
function portLinks(steering: U32Priority): Planned[] {
  return [
    ...buckets(k =>
      steering.node(TABLE.destinationPort, k, SECOND_LEVEL_LINK, {
        hashKey: { mask: 0x000003f0, at: 0 },
        link: SECOND_LEVEL.destinationPort + k,
      }),
    ),
    ...buckets(k =>
      steering.node(TABLE.quotedSourcePort, k, SECOND_LEVEL_LINK, {
        hashKey: { mask: 0x03f00000, at: 0 },
        link: SECOND_LEVEL.quotedSourcePort + k,
      }),
    ),
  ]
}

/**
 * From the protocol to the port. The kernel reads the word it hashes before it applies a node's own offset, so the header
 * is skipped by one node and the port hashed by another.
 */
function protocolLinks(steering: U32Priority): Planned[] {
  return [
    steering.node(TABLE.skipIpHeader, 0, 1, {
      hashKey: { mask: 0x0000fc00, at: 0 },
      link: TABLE.destinationPort,
    }),
    ...PORT_PROTOCOLS.map(protocol =>
      steering.node(TABLE.protocol, protocol, 1, { skip: IP_HEADER, link: TABLE.skipIpHeader }),
    ),
    steering.node(TABLE.protocol, IPPROTO_ICMP, 1, { skip: IP_HEADER, link: TABLE.icmp }),
  ]
}

/** ICMP errors about a whole packet that a container sent go to the owner of the quoted source port. */
function errorLinks(steering: U32Priority, addresses: readonly string[]): Planned[] {
  const errors = addresses.flatMap(address =>
    ICMP_ERRORS.map(type => [type, word(20, ipv4ToNumber(address))]),
  )
  return [
    steering.node(TABLE.skipQuotedHeader, 0, 1, {
      hashKey: { mask: 0xfc000000, at: 0 },
      link: TABLE.quotedSourcePort,
    }),
    ...PORT_PROTOCOLS.map(protocol =>
      steering.node(TABLE.quotedProtocol, protocol, 1, {
        skip: QUOTED_IP_HEADER,
        link: TABLE.skipQuotedHeader,
      }),
    ),
    ...errors.map((keys, i) =>
      steering.node(TABLE.icmp, 0, 0x10 + i, {
        keys: [...keys, half(14, 0, 0x1fff)],
        hashKey: BY_QUOTED_PROTOCOL,
        link: TABLE.quotedProtocol,
      }),
    ),
  ]
}

/** An echo reply, or an error about an ICMP packet: whose it is nobody knows, so everyone sees it. */
function everyoneLinks(steering: U32Priority): Planned[] {
  return [
    steering.node(TABLE.icmp, 0, 1, { keys: [ICMP_ECHO_REPLY], ...TO_EVERYONE }),
    steering.node(TABLE.quotedProtocol, IPPROTO_ICMP, 1, TO_EVERYONE),
  ]
}

/**
 * Later fragments of UDP: whose they are only the first one tells, so everyone sees them. u32 knows no "not equal": an
 * offset that is not 0 has one of 13 bits as its lowest.
 */
function laterFragments(steering: U32Priority, addresses: readonly string[]): Planned[] {
  return [
    steering.table(TABLE.laterFragments, 1),
    ...Array.from({ length: 13 }, (_, bit) =>
      steering.node(TABLE.laterFragments, 0, bit + 1, {
        keys: [half(6, 2 ** bit, IP_OFFSET & (2 ** (bit + 1) - 1))],
        ...TO_EVERYONE,
      }),
    ),
    ...addresses.map((address, i) =>
      steering.root(9 + i, {
        keys: [word(16, ipv4ToNumber(address)), byte(9, IPPROTO_UDP, 0xff)],
        link: TABLE.laterFragments,
      }),
    ),
  ]
}

const buckets = (make: (k: number) => Planned): Planned[] =>
  Array.from({ length: PORT_BUCKETS }, (_, k) => make(k))
