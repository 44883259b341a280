import { shellWord } from '../../netlink/shell-word.js'
import type { NetworkNamespace } from '../../netns/network-namespace.js'
import { sysctlPath } from '../../netns/sysctl-path.js'
import { sysctlWords } from '../../netns/sysctl-words.js'
import { link, route } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { filter } from '../../tc/index.js'
import { compareAll } from './compare.js'
import type { Container } from '../container/table.js'
import { foreign, type Fault } from './difference.js'
import { featureLine, sysctlLine } from '../plan/command-lines.js'
import { isRootTable, keyOf } from '../layout/filter-places.js'
import type { HostContext } from '../host/context.js'
import { MOST_ROUTES } from '../host/other-routes.js'
import { insideOf, isInsideError, withSocketInside } from '../kernel/inside.js'
import { linkName, shaperNames } from '../layout/layout.js'
import { hasItsName } from '../container/namespace-handles.js'
import type { NamespaceSearch } from '../container/find-namespace.js'
import { NO_WAY, withNamespace } from '../container/namespace.js'
import { routesInside } from '../container/routes-inside.js'
import { readPlanned } from './planned-snapshot.js'
import type { Snapshot } from './snapshot.js'
import { containerPlan, type ContainerPlan } from '../plan/container.js'
import { masterOf } from '../plan/bridge.js'
import {
  interfaceOf,
  isHeld,
  type ContainerFacts,
  type FeatureOff,
  type HostFacts,
  type Sysctl,
} from '../plan/facts.js'
import { plan, planDelete, type Planned } from '../plan/planned.js'
import { surplusRoutes } from '../plan/routes.js'
import { shaperPair } from '../plan/shaper.js'
import { keysOf } from './verify-host.js'
import { inet6Faults } from './verify-inet6.js'

/** What of a container is not as planned, on the host's side first. */
export async function containerFaults(
  host: HostContext,
  container: Container,
  snapshot: Snapshot,
  features: ActiveFeatures,
  search: NamespaceSearch,
): Promise<Fault[]> {
  const faults = await faultsOf(host, container, snapshot, features, search)
  return faults.map(fault => ({ ...fault, difference: { id: container.id, ...fault.difference } }))
}

async function faultsOf(
  host: HostContext,
  container: Container,
  snapshot: Snapshot,
  features: ActiveFeatures,
  search: NamespaceSearch,
): Promise<Fault[]> {
  const dev = linkName(container.slot)
  const named = isHeld(container) && !hasItsName(container) ? [lostName(container)] : []
  if (!snapshot.link(dev)) return [foreign('missing', `ip link show dev ${dev}`), ...named]
  const planned = containerPlan(host.facts, container, { fd: -1 })
  const lost = lostShaper(host.facts, container, snapshot)
  const near = nearSide(host.facts, container, planned)
  const faults = await compareAll(near, snapshot)
  return [
    // What stands on it, or leads to it, is for when it is there again.
    ...(lost ? [lost, ...faults.filter(({ difference }) => !difference.foreign)] : faults),
    ...(await strangersOn(devicesOf(container), near, snapshot)),
    ...(await sysctlFaults(host.netns, planned.hostSysctls)),
    ...planned.hostFeatures.flatMap(feature => featureFault(feature, features)),
    ...named,
    ...(await insideFaults(host, container, planned, search)),
  ]
}

/** The host's side of a container, as it is to be. */
export const nearSide = (
  host: HostFacts,
  container: ContainerFacts,
  { guard, commit }: Pick<ContainerPlan, 'guard' | 'commit'> = containerPlan(host, container, { fd: -1 }),
): Planned[] => [
  ...devicesOf(container).map(dev => plan(link, 'change', { dev, ...birthOf(host) })),
  plan(link, 'change', { dev: linkName(container.slot), ...masterOf(host, container.slot) }),
  ...guard,
  ...commit,
]

/** The devices on the host that nobody else has a part in. */
export const devicesOf = ({ slot, enforced }: ContainerFacts): string[] => [
  linkName(slot),
  ...(enforced ? Object.values(shaperNames(slot)) : []),
]

/** What both ends of a pair are made with. */
const ends = ({ mac: address, mtu }: HostFacts) => ({ address, mtu })
const birthOf = (host: HostFacts) => ({ ...ends(host), arp: false, multicast: false })

/** The shaper's pair, where somebody has deleted it: nothing that the container sends passes any more. */
function lostShaper(host: HostFacts, container: ContainerFacts, snapshot: Snapshot): Fault | undefined {
  if (!container.enforced || snapshot.link(shaperNames(container.slot).near)) return undefined
  const pair = shaperPair(host, container)
  return { difference: { kind: 'missing', object: pair.command(), foreign: false }, mend: [pair] }
}

/** The features that devices have on, by name. */
export type ActiveFeatures = ReadonlyMap<string, ReadonlySet<string>>

function featureFault(feature: FeatureOff, active: ActiveFeatures): Fault[] {
  if (!active.get(feature.dev)?.has(feature.feature)) return []
  const [object, found] = [featureLine(feature, 'off'), featureLine(feature, 'on')]
  return [{ difference: { kind: 'different', object, found, foreign: false }, mend: [], feature }]
}

const lostName = ({ slot, reference }: Container): Fault => ({
  difference: {
    kind: 'missing',
    object: `ip netns attach ${linkName(slot)} # ${shellWord(reference)}`,
    foreign: false,
  },
  mend: [],
  attach: true,
})

/** Filters on a container's links that are not ours: they could let through what the guard would not. */
async function strangersOn(
  devices: readonly string[],
  planned: readonly Planned[],
  snapshot: Snapshot,
): Promise<Fault[]> {
  const keys = keysOf(planned)
  const lists = await Promise.all(devices.map(dev => snapshot.filtersByPlace(dev, 'ingress')))
  return lists
    .flatMap(filters => [...filters.values()])
    .filter(found => !keys.has(keyOf(found)) && !isRootTable(found))
    .map(found => foreign('surplus', filter.command('add', found)))
}

/** What is compared inside is what `isolate` made there. A container can change it, at its own expense. */
async function insideFaults(
  host: HostContext,
  container: Container,
  planned: ContainerPlan,
  search: NamespaceSearch,
): Promise<Fault[]> {
  try {
    const faults = await withNamespace(
      host,
      container,
      netns => insideOf(container.id, signal => faultsIn(netns, host.facts, container, planned, signal)),
      search,
    )
    if (faults) return faults.map(fault => ({ ...fault, inside: true }))
    // Of one that has lost its name, that is the fault.
    return isHeld(container) ? [] : [unreadable(container, NO_WAY)]
  } catch (error) {
    if (!isInsideError(error)) throw error
    return [unreadable(container, (error.cause as Error).message)]
  }
}

const unreadable = ({ id }: Container, reason: string): Fault =>
  foreign('unreadable', `the inside of '${id}'`, reason)

async function faultsIn(
  netns: NetworkNamespace,
  host: HostFacts,
  container: Container,
  { inside, insideBefore, insideSysctls }: ContainerPlan,
  signal: AbortSignal,
): Promise<Fault[]> {
  const dev = interfaceOf(container)
  const planned = [plan(link, 'change', { dev, ...ends(host) }), ...inside]
  const found = await withSocketInside(netns, signal, async rt => {
    const snapshot = await readPlanned(rt, planned)
    if (!snapshot.link(dev)) return [foreign('missing', `ip link show dev ${dev}`)]
    return [
      ...(await compareAll(planned, snapshot)),
      ...(await surplusRouteFaults(rt, dev, host, signal)),
      ...(host.inet6 ? await inet6Faults(rt, dev, host.inet6, signal) : []),
    ]
  })
  return [...found, ...(await sysctlFaults(netns, [...insideBefore, ...insideSysctls]))]
}

/** Routes that the host had before: a container can list as ours what it likes, and loses it. */
async function surplusRouteFaults(
  rt: RtnetlinkSocket,
  dev: string,
  { routes }: HostFacts,
  signal: AbortSignal,
): Promise<Fault[]> {
  return surplusRoutes(await routesInside(rt, dev, { signal }), routes)
    .slice(0, MOST_ROUTES)
    .map((found): Fault => ({
      difference: { kind: 'surplus', object: route.command('add', found), foreign: false },
      mend: [planDelete(route, found)],
    }))
}

async function sysctlFaults(netns: NetworkNamespace, sysctls: readonly Sysctl[]): Promise<Fault[]> {
  const values = await netns.accessFiles(sysctls.map(({ name }) => [sysctlPath(name), null]))
  return sysctls.flatMap((sysctl, i): Fault[] => {
    const value = values[i]
    if (typeof value !== 'string') return []
    const found = sysctlWords(value)
    if (found === sysctl.value) return []
    const [object, is] = [sysctl, { ...sysctl, value: found }].map(sysctlLine) as [string, string]
    return [{ difference: { kind: 'different', object, found: is, foreign: false }, mend: [], sysctl }]
  })
}
