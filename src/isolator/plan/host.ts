import { ipv4ToNumber, numberToIpv4 } from '../../netlink/codec/addresses.js'
import { address, link } from '../../rtnetlink/index.js'
import { parseU32Handle, qdisc, type Filter, type U32Key } from '../../tc/index.js'
import { isRoot } from '../layout/filter-places.js'
import { formatHostRecord, type HostRecord } from '../layout/host-record.js'
import { PRIORITY } from '../layout/layout.js'
import { ETH_P_IP, ETH_P_IPV6, LOOPBACK6 } from '../programs/frame-values.js'
import { martian, martianAddresses } from '../programs/martian.js'
import type { Martian6Addresses } from '../programs/martian6.js'
import { vid0 } from '../programs/vid0.js'
import { answersPlan } from './answers.js'
import { bpfFilter } from './bpf-filter.js'
import type { HostFacts, Inet6Facts } from './facts.js'
import { flowFilters, flowQdisc } from './flows.js'
import { addressesOf, isLinkLocal, lostAddresses, steeredAddresses } from './inet6.js'
import { plan, planAdd, planDelete, type Planned } from './planned.js'
import { gatewayOf, hostAddressesIn } from './routes.js'
import { addressRoot, skeleton, TO_EVERYONE } from './skeleton.js'
import { likeOf6, rootLikeOf6, roots6, skeleton6, skeleton6In } from './skeleton6.js'
import { half, U32Priority, word, type Delivers, type Links } from './u32-priority.js'

export const LOOPBACK_ADDRESS = '127.0.0.1'

/** Ethernet and IPv4, the first word of an ARP packet (RFC 826). */
const ARP_ETHERNET_IPV4 = word(0, 0x0001_0800)
const ARP_REPLY = half(6, 2, 0xffff)
/** The EtherType behind the 802.1Q tag: two bytes before the network header. */
const tagged = (etherType: number): U32Key => half(-2, etherType, 0xffff)

/**
 * What the loopback interface needs to carry frames between containers: the host's MAC, or they count as somebody else's;
 * an MTU that fits a veth; and, on it alone, the host's own address as a source and 127.0.0.1 as a destination. The
 * larger of `all` and the interface counts for rp_filter, so that 2 here lets `all` stay strict.
 */
export const loopbackSettings = ({ mac, mtu }: Pick<HostFacts, 'mac' | 'mtu'>) =>
  ({ address: mac, mtu, up: true, inet: { accept_local: 1, route_localnet: 1, rp_filter: 2 } }) as const

/** Notes what is to be restored in the end. */
export const recordNote = ({ loopbackInterface: dev }: HostFacts, record: HostRecord): Planned =>
  plan(link, 'change', { dev, alias: formatHostRecord(record) })

/** Notes what is about to be changed, then changes it. */
export const loopbackPlan = (host: HostFacts, record: HostRecord): Planned[] => [
  recordNote(host, record),
  plan(link, 'change', { dev: host.loopbackInterface, ...loopbackSettings(host) }),
]

/** Everything that `create()` puts on a host that has none of it. */
export const hostPlan = (host: HostFacts, record: HostRecord): Planned[] => [
  ...loopbackPlan(host, record),
  ...answersPlan(host),
  ...record.qdiscs.map(ingressQdisc),
  ...loopbackFilters(host),
  ...publicFilters(host),
  ...(host.flowParent === undefined ? [] : [flowQdisc(host, host.flowParent), ...flowFilters(host)]),
]

/** Puts the loopback back as it was. Its MAC stays: the kernel refuses the all-zero one it had. */
export const loopbackRestoration = (
  { loopbackInterface: dev }: Pick<HostFacts, 'loopbackInterface'>,
  { mtu, sysctls, down, inet6 = [] }: Pick<HostRecord, 'mtu' | 'sysctls' | 'down' | 'inet6'>,
): Planned[] => [
  plan(link, 'change', { dev, mtu, inet: sysctls, ...(down && { up: false }) }),
  ...(down === 'bare' ? [planDelete(address, { dev, address: LOOPBACK_ADDRESS, prefixLength: 8 })] : []),
  ...inet6.map(prefix => planAdd(address, { dev, ...parsedPrefix(prefix) })),
  plan(link, 'change', { dev, alias: '' }),
]

/** An address and the length of its prefix, `::1/128`. */
function parsedPrefix(prefix: string): { address: string; prefixLength: number } {
  const [text = '', length] = prefix.split('/')
  return { address: text, prefixLength: Number(length) }
}

export const ingressQdisc = (dev: string): Planned => planAdd(qdisc, { dev, kind: 'ingress' })

/** The static filters of the loopback interface: it steers for the shared addresses, and for 127.0.0.1 and ::1. */
export const loopbackFilters = ({ loopbackInterface: dev, address, inet6 }: HostFacts): Planned[] => [
  ...skeleton({ dev, addresses: [address, LOOPBACK_ADDRESS], everyone: false, fragments: 'drop' }),
  ...(inet6 ? skeleton6({ dev, addresses: [...addressesOf(inet6), LOOPBACK6] }) : []),
]

/** The static filters of the public interface, in the order they are installed: the martian drop before any way in. */
export function publicFilters(host: HostFacts): Planned[] {
  const { publicInterface: dev, address, fragments, inet6, routes } = host
  const onWire = inet6 && steeredAddresses(inet6)
  const arp = new U32Priority(dev, PRIORITY.arp, 'arp')
  const tag = new U32Priority(dev, PRIORITY.priorityTagged, '802.1Q')
  const { keys = [], ...links } = addressRoot(address, fragments)
  return [
    bpfFilter({
      dev,
      priority: PRIORITY.martian,
      protocol: 'all',
      handle: 1,
      program: martian(address, hostAddressesIn(routes), inet6 && martianAddresses6(inet6)),
      directAction: true,
    }),
    ...skeleton({ dev, addresses: [address], everyone: true, fragments }),
    ...(onWire ? skeleton6({ dev, addresses: onWire, everyone: inet6 }) : []),
    ...arpRoots(host).map((root, i) => arp.root(i + 1, root)),
    bpfFilter({
      dev,
      priority: PRIORITY.vlan,
      protocol: '802.1Q',
      handle: 1,
      program: vid0,
      directAction: true,
    }),
    tag.root(1, { keys: [tagged(ETH_P_IP), ...keys], ...links }),
    ...arpRoots(host, [tagged(0x0806)]).map((root, i) => tag.root(i + 2, root)),
    ...(onWire
      ? roots6(onWire, inet6.gateways).map((root, i) => tag.root(FIRST_TAGGED6 + i, behindTag6(root)))
      : []),
  ]
}

/** The same behind a priority tag. */
const behindTag6 = (root: Links | Delivers): Links | Delivers => ({
  ...root,
  keys: [tagged(ETH_P_IPV6), ...(root.keys ?? [])],
})

/**
 * What the host has in the place of a filter that steers IPv6, made for the address or the router that the filter is about; undefined
 * for one that is about none.
 */
export function likeOfHost6(found: Filter): Planned | undefined {
  if (found.kind !== 'u32' || found.priority !== PRIORITY.priorityTagged) return likeOf6(found)
  const root = isRoot(found) ? rootLikeOf6(found) : undefined
  const tag = new U32Priority(found.dev, PRIORITY.priorityTagged, '802.1Q')
  return root && tag.root(parseU32Handle(found.handle) & 0xfff, behindTag6(root))
}

/** What MARTIAN is for in IPv6. */
function martianAddresses6(inet6: Inet6Facts): Martian6Addresses {
  const lost = lostAddresses(inet6)
  const own = [...steeredAddresses(inet6), ...inet6.notShared].filter(address => !lost.includes(address))
  return { own, lost }
}

/** Behind the roots of IPv4 and ARP. */
const FIRST_TAGGED6 = 16

/**
 * What of ARP everyone needs to see: replies to the shared address, and the gateway's gratuitous ARP in either form. Where
 * only the gateway is on-link, only its replies. Without a gateway the filters are there for when one comes, and match none.
 */
function arpRoots({ address, routes, neighbours }: HostFacts, before: readonly U32Key[] = []): Delivers[] {
  const gateway = gatewayOf(routes) ?? NO_GATEWAY
  const fromGateway = arpSender(gateway)
  const sender = neighbours === 'gateway' ? fromGateway : []
  const replies = [ARP_ETHERNET_IPV4, ARP_REPLY, word(24, ipv4ToNumber(address)), ...sender]
  const gratuitous = [ARP_ETHERNET_IPV4, word(24, ipv4ToNumber(gateway)), ...fromGateway]
  return [replies, gratuitous].map(keys => ({ keys: [...before, ...keys], ...TO_EVERYONE }))
}

/** Nobody asks for this address, nor has it. */
const NO_GATEWAY = '0.0.0.0'

/** The gateway that the static filters of a public interface were made for, of the filters found there. Undefined: for none. */
export function gatewayIn(filters: readonly Filter[]): string | undefined {
  const gratuitous = filters.find(
    ({ priority, handle }) => priority === PRIORITY.arp && String(handle).endsWith('::2'),
  )
  const keys = gratuitous?.kind === 'u32' ? (gratuitous.keys ?? []).flat() : []
  const target = keys.find(({ at }) => at === 24)?.value
  return target === undefined || target === ipv4ToNumber(NO_GATEWAY) ? undefined : numberToIpv4(target)
}

/** The host's other addresses that they were made for. */
export const hostAddressesOf = (filters: readonly Filter[]): readonly string[] =>
  filters.flatMap(found => {
    if (found.kind !== 'bpf' || found.priority !== PRIORITY.martian || !found.program) return []
    return martianAddresses(found.program)?.hostAddresses ?? []
  })

/** What of IPv6 the static filters of a device were made for; undefined: nothing. */
export function inet6Of(filters: readonly Filter[]): Inet6Facts | undefined {
  const martians = filters.flatMap(({ kind, priority, ...found }) =>
    kind === 'bpf' && priority === PRIORITY.martian && 'program' in found && found.program
      ? (martianAddresses(found.program)?.inet6 ?? [])
      : [],
  )
  const [lost, own] = [martians.flatMap(each => each.lost), martians.flatMap(each => each.own)]
  // A set-up that was cut before its roots has MARTIAN alone, which comes first.
  const steered =
    skeleton6In(filters) ??
    (martians.length > 0 ? { addresses: lost, gateways: [], neighbours: 'gateway' as const } : undefined)
  if (!steered) return undefined
  return {
    addresses: steered.addresses
      .filter(address => !isLinkLocal(address) && address !== LOOPBACK6)
      .map(address => ({ address, prefixLength: 128, ...(lost.includes(address) && { lost: true }) })),
    linkLocal: steered.addresses.find(isLinkLocal),
    notShared: own.filter(address => !steered.addresses.includes(address)),
    gateways: steered.gateways,
    neighbours: steered.neighbours,
  }
}

/** The sender's IP address in an ARP packet: bytes 14 to 17, across two words. */
function arpSender(address: string): U32Key[] {
  const number = ipv4ToNumber(address)
  return [
    { at: 12, value: number >>> 16, mask: 0x0000ffff },
    { at: 16, value: (number << 16) >>> 0, mask: 0xffff0000 },
  ]
}
