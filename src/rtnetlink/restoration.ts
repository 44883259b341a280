import { alternativeNames } from './alternative-names.js'
import type { Restoration, Step } from '../netlink/object-type.js'
import type { Link, AnyLinkSpec } from './link-spec.js'
import type { VethPeer } from './kinds/index.js'
import type { LinkSettings } from './link-settings.js'
import type { IpFamily } from './address-family.js'
import type { Route, RouteSpec } from './route-spec.js'
import { scopes } from './scopes.js'

/** What is looked at of listed addresses and neighbours. */
interface ListedAddress {
  readonly dev: string
  readonly ifindex: number
  readonly address: string
  readonly family: IpFamily
  readonly protocol?: string | number | undefined
  readonly flags: readonly string[]
}
interface ListedNeighbour {
  readonly ifindex: number
  readonly state: string
  readonly proxy?: boolean | undefined
  readonly extern_learn?: boolean | undefined
  readonly managed?: boolean | undefined
}

/** Tunnels that a namespace has as soon as their module is loaded. */
const FALLBACK_TUNNELS: ReadonlySet<string> = new Set([
  ...['erspan0', 'gre0', 'gretap0', 'ip6_vti0', 'ip6gre0', 'ip6tnl0', 'ip_vti0', 'sit0', 'tunl0'],
])

export const linkRestoration: Restoration<AnyLinkSpec, Link> = {
  madeByKernel: ({ name }) => (FALLBACK_TUNNELS.has(name) ? 'comes with the module of its kind' : undefined),
  provides: ({ name, index }) => [`link ${index}`, `link ${name}`],
  needs: ({ link, master, index, ...other }, { links = [] }) => [
    ...(link === undefined ? [] : [`link ${link}`]),
    ...(master === undefined ? [] : [`link ${master}`]),
    ...(isSecond(index, peerOf(other), links as Link[]) ? [`link ${peerOf(other)}`] : []),
  ],
  steps(link, { links = [] }) {
    const { kind, index } = link
    // Physical devices and lo are there, or cannot be made.
    if (kind === undefined) return changes(link)
    const other = (links as Link[]).find(isVeth(peerOf(link)))
    if (other === undefined) return [{ verb: 'add', spec: link }]
    if (isSecond(index, other.index, links as Link[])) return changes(link)
    return [{ verb: 'add', spec: { ...link, peer: peerSettings(other) } as AnyLinkSpec }]
  },
}

/** The index of the other end of a veth; undefined for other links, and where that end is in another namespace. */
const peerOf = (link: object): number | undefined => {
  const { peer } = link as { peer?: VethPeer }
  return peer?.netnsid === undefined ? peer?.index : undefined
}

const isVeth =
  (index: number | undefined) =>
  (link: Link): boolean =>
    link.index === index && link.kind === 'veth'

/** True for the end of a veth that is listed behind the other: it is made with that one. */
function isSecond(index: number, peer: number | undefined, links: readonly Link[]): boolean {
  const first = links.findIndex(isVeth(peer))
  return first >= 0 && first < links.findIndex(isVeth(index))
}

/** What can be said of the other end of a veth in the message that makes both. It goes up by a message of its own. */
function peerSettings(link: Link): LinkSettings {
  const { name, index, address, broadcast, mtu, txQueueLength, txQueues, rxQueues, linkMode } = link
  const { gsoMaxSize, gsoMaxSegments, groMaxSize, gsoIpv4MaxSize, groIpv4MaxSize } = link
  const offload = { gsoMaxSize, gsoMaxSegments, groMaxSize, gsoIpv4MaxSize, groIpv4MaxSize }
  return { name, index, address, broadcast, mtu, txQueueLength, txQueues, rxQueues, linkMode, ...offload }
}

/** The settings of a link that is there already. */
function changes(link: Link): Step<AnyLinkSpec>[] {
  const { name, alias, inet, inet6, bridgePort, alternativeNames: names = [], master } = link
  const { up, arp, multicast, allmulticast, promisc, mtu, txQueueLength, group } = link
  const flags = { arp, multicast, allmulticast, promisc }
  const settings = { mtu, txQueueLength, group, alias, inet, inet6 }
  return [
    {
      verb: 'change',
      spec: { dev: name, ...flags, ...settings, ...(master === undefined ? {} : { master }) },
    },
    ...(bridgePort === undefined ? [] : [{ verb: 'change', spec: { dev: name, bridgePort } } as const]),
    ...(names.length === 0 ? [] : [{ request: alternativeNames.add(name, names) }]),
    { verb: 'change', spec: { dev: name, up } },
  ]
}

export const addressRestoration: Restoration<unknown, ListedAddress> = {
  madeByKernel({ dev, address, family, protocol, flags }, { links = [] }) {
    const loopback = (links as Link[]).find(({ name, flags }) => name === dev && flags.includes('LOOPBACK'))
    if (loopback?.up && (address === '127.0.0.1' || address === '::1'))
      return 'comes with the loopback device'
    if (protocol === 'kernel_ll') return 'is made from the link-layer address of its link'
    if (protocol === 'kernel_ra') return 'comes with router advertisements'
    // The bit that is `secondary` for IPv4.
    return family === 'inet6' && flags.includes('secondary') ? 'is a temporary address' : undefined
  },
  provides: ({ address }) => [`address ${address}`],
  needs: ({ ifindex }) => [`link ${ifindex}`],
}

/** Who made a route, where that was the kernel. */
const KERNEL_ROUTES: Readonly<Record<string, string>> = {
  kernel: 'comes with an address of its device',
  ra: 'comes with router advertisements',
  redirect: 'was learnt from a redirect',
}

export const routeRestoration: Restoration<RouteSpec, Route> = {
  madeByKernel: ({ protocol }) => KERNEL_ROUTES[protocol],
  needs: ({ ifindex, nexthops = [], preferredSource }) => [
    ...(ifindex === undefined ? [] : [`link ${ifindex}`]),
    ...nexthops.flatMap(({ dev }) => (dev === undefined ? [] : [`link ${dev}`])),
    ...(preferredSource === undefined ? [] : [`address ${preferredSource}`]),
  ],
  compare: (one, other) => distance(one) - distance(other),
}

/** A gateway has to be reachable by a route of narrower scope, which has no gateway in turn. */
const distance = ({ gateway, nexthops, nexthopId, scope }: Route): number =>
  (gateway ?? nexthops ?? nexthopId) === undefined ? 0 : 256 - scopes.toNumber(scope)

export const neighbourRestoration: Restoration<unknown, ListedNeighbour> = {
  madeByKernel({ state, proxy, extern_learn: external, managed }) {
    if (state === 'permanent' || proxy === true || external === true || managed === true) return undefined
    return state === 'noarp' ? 'comes with the address that it is for' : 'was learnt'
  },
  needs: ({ ifindex }) => [`link ${ifindex}`],
}
