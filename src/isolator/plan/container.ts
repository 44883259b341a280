import { ipv4ToNumber } from '../../netlink/codec/addresses.js'
import { address as addressType, link } from '../../rtnetlink/index.js'
import { qdisc } from '../../tc/index.js'
import { formatAlias } from './alias.js'
import { mirrorNode } from './answers.js'
import { linkName, PRIORITY, shaperNames } from '../layout/layout.js'
import { cutIntoBlocks, type PortBlock } from '../layout/port-blocks.js'
import { inside } from '../programs/inside.js'
import { inside6 } from '../programs/inside6.js'
import { masterOf, portOf } from './bridge.js'
import { bpfFilter, type BpfFilterOptions } from './bpf-filter.js'
import {
  allPorts,
  interfaceOf,
  type ContainerFacts,
  type FeatureOff,
  type HostFacts,
  type HostPlaces,
  type Sysctl,
} from './facts.js'
import { flowNodes } from './flows.js'
import { LOOPBACK6, LOOPBACK_NETWORK } from '../programs/frame-values.js'
import { LOOPBACK_ADDRESS } from './host.js'
import { allowOn, guardedLink, finalDrop } from './guard.js'
import { addressesOf, inet6Addresses, inet6RoutePlan, inet6Sysctls } from './inet6.js'
import { ingressPlace, insidePlace, limitPlan } from './limit.js'
import { plan, planAdd, planDelete, planRemoval, type Planned } from './planned.js'
import { noteNames, containerNote, removeNames } from './container-note.js'
import { containerRoutes, hostAddressesIn } from './routes.js'
import { shaper, shaperFeature, shaperPair } from './shaper.js'
import { portNodes } from './steering.js'
import { address6, byte, U32Priority, word } from './u32-priority.js'

/** Everything a container consists of, in the order it is made. Each list of messages is one batch. */
export interface ContainerPlan {
  /**
   * Host: the veth pair, down, its far end in the container already. Alone: a batch does not stop at an error, and
   * nothing may be done to a link of that name that is somebody else's.
   */
  readonly pair: readonly Planned[]
  /** Host: settings of the near end that netlink does not carry. */
  readonly hostSysctls: readonly Sysctl[]
  /** Host: what devices must not do. */
  readonly hostFeatures: readonly FeatureOff[]
  /** Container: the shared address, its route, and the filters that part its own traffic from the rest. */
  readonly inside: readonly Planned[]
  /** Container: what its interface needs before that. */
  readonly insideBefore: readonly Sysctl[]
  readonly insideSysctls: readonly Sysctl[]
  /** Host: settings of the near end, and what a container may send, the final drop first. Acknowledged before the commit. */
  readonly guard: readonly Planned[]
  /** Host: the way in, and last the veth up, which is what makes the container count. */
  readonly commit: readonly Planned[]
}

/**
 * What makes a container of a network namespace.
 *
 * @param netns how the message that makes the pair refers to that namespace, and where commands find it. Default: by the name
 *   `pm<slot>`
 */
export function containerPlan(
  host: HostFacts,
  container: ContainerFacts,
  netns: NamespaceOfPair,
): ContainerPlan {
  return {
    pair: pair(host, container, netns),
    hostSysctls: [
      linkName(container.slot),
      ...(container.enforced ? Object.values(shaperNames(container.slot)) : []),
    ].map(dev => ({ name: `net/ipv6/conf/${dev}/disable_ipv6`, value: '1', optional: true })),
    hostFeatures: container.enforced ? [shaperFeature(container)] : [],
    inside: insideMessages(host, container),
    insideBefore: host.inet6 ? inet6Sysctls(interfaceOf(container)) : [],
    insideSysctls: insideSysctls(host, container),
    guard: guard(host, container),
    commit: commit(host, container),
  }
}

/** What takes a container away from the host: the ways in, then the link. One batch. */
export const removalPlan = (host: HostFacts, container: ContainerFacts): Planned[] => [
  ...closeWaysIn(host, container),
  ...containerLinkNames(container).map(name => planDelete(link, name)),
]

/** What closes all ways into a container, in the opposite order. Without its note, a container that lacks them is none any more. */
export const closeWaysIn = (host: HostFacts, container: ContainerFacts): Planned[] => [
  ...removeNames(container.slot, noteNames(container)),
  ...containerNodes(host, container).reverse().flatMap(planRemoval),
]

/** The links of a container in the host's namespace, each of which takes its other end along. */
export const containerLinkNames = ({
  slot,
  enforced,
}: Pick<ContainerFacts, 'slot' | 'enforced'>): string[] => [
  linkName(slot),
  ...(enforced ? [shaperNames(slot).near] : []),
]

/** All ways into a container, and into its flow, in the order they are opened. */
export function containerNodes(host: HostPlaces, container: ContainerFacts): Planned[] {
  return [
    ...waysIn(host, cutIntoBlocks(allPorts(container)), container.slot),
    mirrorNode(container.slot, linkName(container.slot)),
  ]
}

/** The nodes that lead packets for blocks of ports to a container: on lo, on eth0, and into its flow. */
export const waysIn = (host: HostPlaces, blocks: readonly PortBlock[], slot: number): Planned[] => [
  ...portNodes(host.loopbackInterface, blocks, slot),
  ...portNodes(host.publicInterface, blocks, slot),
  ...(host.flowParent === undefined ? [] : flowNodes(host, blocks, slot)),
]

/** A namespace that the far end of a pair is made in. */
interface NamespaceOfPair {
  readonly fd: number
  readonly path?: string
}

function pair(host: HostFacts, container: ContainerFacts, { fd, path }: NamespaceOfPair): Planned[] {
  const name = linkName(container.slot)
  const { mac: address, mtu } = host
  const spec = {
    name,
    kind: 'veth',
    address,
    mtu,
    arp: false,
    multicast: false,
    ...masterOf(host, container.slot),
    peer: { name: interfaceOf(container), address, mtu, netns: { fd, name: path ?? name } },
  } as const
  return [
    plan(link, 'add', spec, planDelete(link, name)),
    ...(container.enforced ? [shaperPair(host, container)] : []),
  ]
}

/** The host's end of the pair, which tells whose it is. */
const nearEnd = (host: HostFacts, container: ContainerFacts): Planned =>
  plan(link, 'change', {
    dev: linkName(container.slot),
    alias: formatAlias(container),
    ...portOf(host),
    ...guardedLink(host),
  })

function insideMessages(host: HostFacts, container: ContainerFacts): Planned[] {
  const { address, inet6, mac, mtu, neighbours, prefixLength } = host
  const dev = interfaceOf(container)
  const steering = new U32Priority(dev, PRIORITY.steering, 'ip')
  return [
    ...limitPlan(insidePlace(host, container), container.egress),
    // lo carries what arrives for or from loopback addresses: its frames must look like the host's, or they count as somebody else's.
    plan(link, 'change', {
      dev: 'lo',
      address: mac,
      mtu,
      up: true,
      inet: { accept_local: 1, route_localnet: 1 },
    }),
    // Before it goes up, or the kernel gives it a link-local address of its own.
    ...(inet6 ? [plan(link, 'change', { dev, inet6: { addrGenMode: 'none' } })] : []),
    plan(link, 'change', { dev, up: true, inet: { accept_local: 1, accept_redirects: 0 } }),
    planAdd(addressType, { dev, address, prefixLength: neighbours === 'gateway' ? 32 : prefixLength }),
    ...containerRoutes(host, dev),
    ...(inet6 ? [...inet6Addresses(inet6, dev), ...inet6RoutePlan(inet6, dev)] : []),
    planAdd(qdisc, { dev: 'lo', kind: 'ingress' }),
    planAdd(qdisc, { dev, kind: 'ingress' }),
    ...insideFilters(host, container).map(bpfFilter),
    steering.root(1, { keys: [word(16, ipv4ToNumber(LOOPBACK_ADDRESS))], redirect: 'lo' }),
    steering.root(2, { keys: [byte(12, LOOPBACK_NETWORK, 0xff)], redirect: 'lo' }),
    ...(inet6 ? homeRoots6(dev) : []),
  ]
}

/** What comes for or from `::1`, which the stack takes from a loopback device alone (ip6_rcv_core, net/ipv6/ip6_input.c). */
function homeRoots6(dev: string): Planned[] {
  const steering = new U32Priority(dev, PRIORITY.steering6, 'ipv6')
  const addresses = [24, 8]
  return addresses.map((at, i) => steering.root(i + 1, { keys: address6(at, LOOPBACK6), redirect: 'lo' }))
}

function insideSysctls(
  { inet6, sysctls }: HostFacts,
  { ephemeralPorts: [first, last] }: ContainerFacts,
): Sysctl[] {
  return [
    ...(inet6 ? [] : [{ name: 'net.ipv6.conf.all.disable_ipv6', value: '1', optional: true }]),
    { name: 'net.ipv4.ip_local_port_range', value: `${first} ${last}` },
    ...sysctls,
  ]
}

/** Where INSIDE is. */
export const INSIDE_PLACE = {
  dev: 'lo',
  parent: 'ingress',
  priority: PRIORITY.steering,
  protocol: 'ip',
  kind: 'bpf',
  handle: 1,
} as const

/** INSIDE: what of the container's own traffic leaves it. */
const insideFilter = (
  { address, routes }: HostFacts,
  container: Pick<ContainerFacts, 'ports' | 'ephemeralPorts' | 'interfaceName'>,
): BpfFilterOptions => ({
  ...INSIDE_PLACE,
  program: inside({ address, hostAddresses: hostAddressesIn(routes), ports: allPorts(container) }),
  redirect: interfaceOf(container),
})

/** Where INSIDE6 is. */
export const INSIDE6_PLACE = { ...INSIDE_PLACE, priority: PRIORITY.steering6, protocol: 'ipv6' } as const

/** INSIDE, and INSIDE6 where there is IPv6. */
export const insideFilters = (
  host: HostFacts,
  container: Pick<ContainerFacts, 'ports' | 'ephemeralPorts' | 'interfaceName'>,
): BpfFilterOptions[] => [
  insideFilter(host, container),
  ...(host.inet6
    ? [
        {
          ...INSIDE6_PLACE,
          program: inside6({ addresses: addressesOf(host.inet6) }, allPorts(container)),
          redirect: interfaceOf(container),
        },
      ]
    : []),
]

/** LOCAL and WIRE on all gates of a container, from the last one back, so that each leads to one that is there. */
export function allowFilters(host: HostFacts, container: ContainerFacts): BpfFilterOptions[] {
  const dev = linkName(container.slot)
  const ways = { local: host.loopbackInterface, wire: host.publicInterface }
  if (!container.enforced) return allowOn(dev, ways, host, container)
  const { near, far } = shaperNames(container.slot)
  return [
    ...allowOn(far, ways, host, container),
    ...allowOn(dev, { local: near, wire: near }, host, container),
  ]
}

const guard = (host: HostFacts, container: ContainerFacts): Planned[] => [
  nearEnd(host, container),
  ...containerNote(container),
  ...limitPlan(ingressPlace(host, container), container.ingress),
  ...(container.enforced ? shaper(host, container) : []),
  ...finalDrop(linkName(container.slot)),
  ...allowFilters(host, container).map(bpfFilter),
]

const commit = (host: HostFacts, container: ContainerFacts): Planned[] => [
  ...containerNodes(host, container),
  plan(link, 'change', { dev: linkName(container.slot), up: true }),
]
