import { wordsToIpv6 } from '../../netlink/codec/addresses.js'
import { parseU32Handle, type Filter, type U32Key } from '../../tc/index.js'
import { isRoot, isSteering6, leadsToAnswers } from '../layout/filter-places.js'
import { PRIORITY, TABLE, TABLE6, tableHandle } from '../layout/layout.js'
import {
  ICMPV6_ECHO_REPLY,
  ICMPV6_ERRORS,
  IPPROTO_ICMPV6,
  ND_HOP_LIMIT,
  NDISC_NEIGHBOUR_ADVERTISEMENT,
  PORT_PROTOCOLS,
} from '../programs/frame-values.js'
import type { Inet6Facts } from './facts.js'
import type { Planned } from './planned.js'
import { TO_EVERYONE } from './skeleton.js'
import { address6, byte, half, U32Priority, word, type Delivers, type Links } from './u32-priority.js'

/** struct ipv6hdr (linux/ipv6.h): 40 bytes, the next header at 6, the hop limit at 7, addresses at 8 and 24. */
const HEADER = 40
const BY_NEXT_HEADER = { mask: 0x0000ff00, at: 4 } as const
const ADDRESS_AT = { source: 8, destination: 24 } as const
const ALL_NODES = 'ff02::1'
/** Behind a link the header has been skipped: its hop limit is before offset 0. */
const HOP_LIMIT = { at: 4 - HEADER, mask: 0xff } as const
/** Of a neighbour advertisement, behind struct icmp6hdr's 8 bytes. */
const TARGET = 8

/** What a device steers of IPv6. */
export interface Skeleton6Options {
  readonly dev: string
  /** Destination addresses that are steered. */
  readonly addresses: readonly string[]
  /** Whose advertisements go to everyone, as echo replies do; undefined: nothing goes to everyone. Only the wire brings those. */
  readonly everyone?: Pick<Inet6Facts, 'gateways' | 'neighbours'> | undefined
}

/**
 * The static part of IPv6 steering on one device, beside IPv4's {@link skeleton}, in whose port tables it ends. Extension headers
 * have no node: such packets are the host's, as fragments are.
 */
export function skeleton6({ dev, addresses, everyone }: Skeleton6Options): Planned[] {
  const steering = new U32Priority(dev, PRIORITY.steering6, 'ipv6')
  return [
    steering.table(TABLE6.protocol, 256),
    steering.table(TABLE6.icmp, 256),
    steering.table(TABLE6.quotedProtocol, 256),
    steering.table(TABLE6.quotedSource, 1),
    ...portLinks6(steering, 'destination'),
    ...quotedPortLinks(steering),
    ...errorLinks(steering, addresses),
    ...(everyone ? everyoneLinks(steering, everyone) : []),
    steering.node(TABLE6.protocol, IPPROTO_ICMPV6, 1, {
      hashKey: { mask: 0xff000000, at: HEADER },
      skip: { plus: HEADER },
      link: TABLE6.icmp,
    }),
    ...roots6(addresses, everyone?.gateways).map((root, i) => steering.root(i + 1, root)),
  ]
}

/** What packets of IPv6 begin with: those to the addresses, and advertisements that gateways send unasked, having another MAC now. */
export const roots6 = (
  addresses: readonly string[],
  gateways: readonly string[] = [],
): (Links | Delivers)[] => [
  ...addresses.map(address => addressRoot6('destination', address)),
  ...gateways.map(routerRoot),
]

const routerRoot = (router: string): Delivers => ({
  keys: [
    half(6, (IPPROTO_ICMPV6 << 8) | ND_HOP_LIMIT, 0xffff),
    ...address6(ADDRESS_AT.destination, ALL_NODES),
    byte(HEADER, NDISC_NEIGHBOUR_ADVERTISEMENT, 0xff),
    ...address6(HEADER + TARGET, router),
  ],
  ...TO_EVERYONE,
})

/** A root that hands packets to or from an address on by their next header. */
export const addressRoot6 = (field: keyof typeof ADDRESS_AT, address: string): Links => ({
  keys: address6(ADDRESS_AT[field], address),
  hashKey: BY_NEXT_HEADER,
  link: TABLE6.protocol,
})

/** The jumbo payload option as the kernel writes it: TCP, no further units, option 0xc2 of 4 bytes (RFC 2675). */
const JUMBO_BEFORE_TCP = 0x0600_c204
const HOP_BY_HOP = 0

/** Where a port sits in the word that ports begin with, and the table that looks at it. */
const PORT = {
  destination: { mask: 0x0000fc00, table: TABLE.destinationPort },
  source: { mask: 0xfc000000, table: TABLE.quotedSourcePort },
} as const

/**
 * From the next header to a port of the packet. With BIG TCP (gro_max_size above 65536) the kernel itself puts a jumbo option before
 * TCP; no link carries such packets (ipv6_hopopt_jumbo_remove in include/net/ipv6.h).
 */
export function portLinks6(steering: U32Priority, port: keyof typeof PORT): Planned[] {
  const { mask, table } = PORT[port]
  const behind = (length: number): Links => ({
    hashKey: { mask, at: length },
    skip: { plus: length },
    link: table,
  })
  return [
    ...PORT_PROTOCOLS.map(protocol => steering.node(TABLE6.protocol, protocol, 1, behind(HEADER))),
    steering.node(TABLE6.protocol, HOP_BY_HOP, 1, {
      keys: [half(4, 0, 0xffff), word(HEADER, JUMBO_BEFORE_TCP)],
      ...behind(HEADER + 8),
    }),
  ]
}

/** From the next header of a packet that an error quotes, 8 bytes further on, to its source port. */
const quotedPortLinks = (steering: U32Priority): Planned[] =>
  PORT_PROTOCOLS.map(protocol =>
    steering.node(TABLE6.quotedProtocol, protocol, 1, {
      hashKey: { mask: PORT.source.mask, at: 8 + HEADER },
      skip: { plus: 8 + HEADER },
      link: PORT.source.table,
    }),
  )

/** ICMPv6 errors about a packet that came from here go to the owner of the quoted source port. */
const errorLinks = (steering: U32Priority, addresses: readonly string[]): Planned[] => [
  ...addresses.map((address, i) => steering.node(TABLE6.quotedSource, 0, i + 1, quotedFrom(address))),
  ...ICMPV6_ERRORS.map(type => steering.node(TABLE6.icmp, type, 1, { link: TABLE6.quotedSource })),
]

const quotedFrom = (address: string): Links => ({
  keys: address6(8 + ADDRESS_AT.source, address),
  hashKey: { ...BY_NEXT_HEADER, at: 8 + BY_NEXT_HEADER.at },
  link: TABLE6.quotedProtocol,
})

/**
 * Echo replies, errors about ICMPv6 and neighbour advertisements: whose they are nobody knows, so everyone sees them. Where only
 * gateways are on the link, only their advertisements.
 */
const everyoneLinks = (
  steering: U32Priority,
  { gateways, neighbours }: Pick<Inet6Facts, 'gateways' | 'neighbours'>,
): Planned[] => [
  steering.node(TABLE6.icmp, ICMPV6_ECHO_REPLY, 1, TO_EVERYONE),
  steering.node(TABLE6.quotedProtocol, IPPROTO_ICMPV6, 1, TO_EVERYONE),
  ...(neighbours === 'gateway' ? gateways : [undefined]).map((target, i) =>
    steering.node(TABLE6.icmp, NDISC_NEIGHBOUR_ADVERTISEMENT, i + 1, advertisementOf(target)),
  ),
]

/** An advertisement of one neighbour, or of any. */
const advertisementOf = (target: string | undefined): Delivers => ({
  keys: [{ ...HOP_LIMIT, value: ND_HOP_LIMIT }, ...(target === undefined ? [] : address6(TARGET, target))],
  ...TO_EVERYONE,
})

/**
 * What {@link skeleton6}, or the filters of flows, have in the place of a filter, made for the address or the router that the filter
 * is about. A filter that is the same has been made for a host that had that address. Undefined for one that is about none.
 */
export function likeOf6(found: Filter): Planned | undefined {
  if (found.kind !== 'u32' || !isSteering6(found)) return undefined
  const steering = new U32Priority(found.dev, PRIORITY.steering6, 'ipv6', found.parent)
  const [node, bucket] = [nodeOf(found), parseU32Handle(found.handle) >>> 12]
  if (isRoot(found)) {
    const root = rootLikeOf6(found)
    return root && steering.root(node, root)
  }
  if (bucket === TABLE6.quotedSource << 8) {
    const address = addressAt(8 + ADDRESS_AT.source, found.keys)
    return address === undefined
      ? undefined
      : steering.node(TABLE6.quotedSource, 0, node, quotedFrom(address))
  }
  if (bucket !== ADVERTISEMENTS) return undefined
  const of = advertisementOf(addressAt(TARGET, found.keys))
  return steering.node(TABLE6.icmp, NDISC_NEIGHBOUR_ADVERTISEMENT, node, of)
}

/** The bucket of advertisements, with the number of its table. */
const ADVERTISEMENTS = (TABLE6.icmp << 8) | NDISC_NEIGHBOUR_ADVERTISEMENT

/** What of {@link roots6}, or of flows, a root is like; undefined for any other. */
export function rootLikeOf6(root: Filter & { readonly kind: 'u32' }): Links | Delivers | undefined {
  const router = leadsToAnswers(root) ? addressAt(HEADER + TARGET, root.keys) : undefined
  if (router !== undefined) return routerRoot(router)
  // A flow is chosen by where a packet comes from.
  const field = root.parent === 'ingress' ? 'destination' : 'source'
  const address = addressAt(ADDRESS_AT[field], root.keys)
  return address === undefined ? undefined : addressRoot6(field, address)
}

/** What {@link skeleton6}, or the filters of flows, were made for, of the filters found in a place; undefined where there is none. */
export function skeleton6In(
  filters: readonly Filter[],
): (Pick<Skeleton6Options, 'addresses'> & Pick<Inet6Facts, 'gateways' | 'neighbours'>) | undefined {
  const found = filters.filter(isSteering6).flatMap(object => (object.kind === 'u32' ? [object] : []))
  const inOrder = found.sort((a, b) => nodeOf(a) - nodeOf(b))
  const roots = inOrder.filter(isRoot)
  const nodesIn = (wanted: number): typeof roots =>
    inOrder.filter(({ handle }) => parseU32Handle(handle) >>> 12 === wanted && nodeOf({ handle }) !== 0)
  const steered = roots.flatMap(({ link, keys }) =>
    link === tableHandle(TABLE6.protocol)
      ? (addressAt(ADDRESS_AT.destination, keys) ?? addressAt(ADDRESS_AT.source, keys) ?? [])
      : [],
  )
  // Roots are made last: a set-up that was cut before them has these.
  const quoted = nodesIn(TABLE6.quotedSource << 8).flatMap(
    ({ keys }) => addressAt(8 + ADDRESS_AT.source, keys) ?? [],
  )
  const addresses = [...new Set([...quoted, ...steered])]
  if (addresses.length === 0) return undefined
  const advertisements = nodesIn(ADVERTISEMENTS)
  const routers = roots.flatMap(root =>
    leadsToAnswers(root) ? (addressAt(HEADER + TARGET, root.keys) ?? []) : [],
  )
  const advertised = advertisements.flatMap(({ keys }) => addressAt(TARGET, keys) ?? [])
  return {
    addresses,
    gateways: [...new Set([...advertised, ...routers])],
    neighbours: advertisements.some(({ keys }) => addressAt(TARGET, keys) === undefined)
      ? 'prefix'
      : 'gateway',
  }
}

const nodeOf = ({ handle }: Pick<Filter, 'handle'>): number => parseU32Handle(handle) & 0xfff

/** The address that keys compare at an offset. */
function addressAt(at: number, found: readonly (U32Key | readonly U32Key[])[] = []): string | undefined {
  const keys = found.flat()
  const words = [0, 4, 8, 12].flatMap(
    offset => keys.find(key => key.at === at + offset && key.mask === 0xffffffff)?.value ?? [],
  )
  return words.length === 4 ? wordsToIpv6(words) : undefined
}
