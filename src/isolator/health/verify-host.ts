import { address as addressType, link, route } from '../../rtnetlink/index.js'
import { filter, type Filter, type FilterSpec } from '../../tc/index.js'
import { aheadFaults } from './verify-ahead.js'
import { compareAll } from './compare.js'
import { containerNode, ownerOf } from '../layout/container-node.js'
import { foreign, type Fault } from './difference.js'
import { hasLayoutPriority, isRootTable, keyOf } from '../layout/filter-places.js'
import type { HostContext } from '../host/context.js'
import { isFormer6 } from '../host/former6.js'
import { sentenceOf, type Inet6Problem } from '../host/inet6-problems.js'
import type { RouteProblem } from '../host/routes.js'
import { unlessGone } from '../kernel/unless-gone.js'
import { isHostRecord, type HostRecord } from '../layout/host-record.js'
import { ANSWERS, FLOW_QDISC } from '../layout/layout.js'
import type { Snapshot } from './snapshot.js'
import type { HostFacts } from '../plan/facts.js'
import { hostPlan, ingressQdisc } from '../plan/host.js'
import { planDelete, type Planned } from '../plan/planned.js'

/** What of the things that `create()` put on a host is not as planned. */
export async function hostFaults(
  { rt, facts }: HostContext,
  record: HostRecord,
  snapshot: Snapshot,
): Promise<Fault[]> {
  const outside = await interfaceFaults({ rt, facts }, snapshot)
  if (!snapshot.link(facts.publicInterface)) return outside
  // Those that were there before are somebody else's to delete, but needed all the same.
  const hooks = [facts.loopbackInterface, facts.publicInterface]
    .filter(dev => !record.qdiscs.includes(dev))
    .map(ingressQdisc)
  const faults = await compareAll([...hooks, ...hostPlan(facts, record)], snapshot)
  const ahead = await aheadFaults(facts, snapshot)
  return [...outside, ...faults.map(fault => sparingAliases(fault, facts, snapshot)), ...ahead]
}

/** What has happened to the public interface that is not ours to change. */
async function interfaceFaults(
  { rt, facts }: Pick<HostContext, 'rt' | 'facts'>,
  snapshot: Snapshot,
): Promise<Fault[]> {
  const { publicInterface: dev, address, prefixLength } = facts
  const found = snapshot.link(dev)
  const up = link.command('change', { dev, up: true })
  const addresses = found && (await unlessGone(async () => rt.addresses.list({ dev, family: 'inet' })))
  if (!addresses) return [interfaceMissing(facts)]
  return [
    ...(found.up ? [] : [foreign('different', up, link.command('change', { dev, up: false }))]),
    ...(addresses.some(there => there.address === address)
      ? []
      : [foreign('missing', addressType.command('add', { dev, address, prefixLength }))]),
  ]
}

/** Without the public interface no container can be compared: what leads to it is gone. */
export const interfaceMissing = ({ publicInterface: dev }: HostFacts): Fault =>
  foreign('missing', link.command('change', { dev, up: true }))

/** What containers would need of the host's routes and do not get. */
export const routeFault = (
  { publicInterface: dev }: HostFacts,
  { option, found, expected }: RouteProblem,
): Fault =>
  foreign(
    'missing',
    {
      gateway: route.command('add', { destination: 'default', dev }),
      routes: `ip route show dev ${dev}`,
      hostAddresses: 'ip route show table local type local',
    }[option],
    `${found}: '${option}' takes ${expected}`,
  )

/** What containers do not get of the host's IPv6, or have lost. */
export const inet6Fault = (problem: Inet6Problem): Fault =>
  foreign('missing', problem.object, sentenceOf(problem))

/** An alias that somebody has given to lo in the place of the record is theirs. */
function sparingAliases(fault: Fault, { loopbackInterface }: HostFacts, snapshot: Snapshot): Fault {
  const alias = snapshot.link(loopbackInterface)?.alias
  const about = fault.mend.some(({ spec }) => {
    const { dev, alias: planned } = spec as { dev?: unknown; alias?: unknown }
    return dev === loopbackInterface && planned !== undefined
  })
  if (!about || !alias || isHostRecord(alias)) return fault
  return foreign('different', fault.difference.object, fault.difference.found)
}

/** Whose a filter in our priorities can be that is not planned. */
export interface Neighbours {
  /** Whether a slot is that of a container that is looked at. */
  readonly isLookedAt: (slot: number) => boolean
  /** Whether a slot is that of any container: one that came after the look began, too. */
  readonly isTaken: (slot: number) => boolean
}

/** Filters on the host's interfaces that are in our priorities, and not among what is planned. */
export async function surplusFaults(
  host: HostFacts,
  snapshot: Snapshot,
  planned: readonly Planned[],
  neighbours: Neighbours,
): Promise<Fault[]> {
  const keys = keysOf(planned)
  const isOfLayout = (found: Filter): boolean => hasLayoutPriority(found, host.inet6 !== undefined)
  const lists = [
    await snapshot.filtersByPlace(host.loopbackInterface, 'ingress'),
    await snapshot.filtersByPlace(host.publicInterface, 'ingress'),
    await snapshot.filtersByPlace(host.publicInterface, FLOW_QDISC),
    await snapshot.filtersByPlace(ANSWERS.far, 'ingress'),
    await snapshot.filtersByPlace(ANSWERS.near, ANSWERS.limits),
  ]
  return lists
    .flatMap(filters => [...filters.values()])
    .filter(found => !isRootTable(found) && (isOfLayout(found) || !isShared(found)))
    .flatMap(found => (keys.has(keyOf(found)) ? [] : surplus(found, snapshot, neighbours)))
}

/** Whether others may have filters in the same place, with priorities of their own. */
const isShared = ({ dev, parent }: Filter): boolean => parent === 'ingress' && dev !== ANSWERS.far

/** The keys of the filters that are planned. */
export const keysOf = (planned: readonly Planned[]): ReadonlySet<string> =>
  new Set(
    planned.flatMap(({ object, spec }) => (object.name === filter.name ? [keyOf(spec as FilterSpec)] : [])),
  )

/** What steered for an address of before, and a node of a container that it does not need, or that leads nowhere, can go. All else is somebody's. */
function surplus(found: Filter, snapshot: Snapshot, { isLookedAt, isTaken }: Neighbours): Fault[] {
  const node = containerNode(found)
  const slot = node && ownerOf(node)
  const object = filter.command('add', found)
  const toGo: Fault = {
    difference: { kind: 'surplus', object, foreign: false },
    mend: [planDelete(filter, found)],
  }
  if (slot !== undefined && isTaken(slot)) return isLookedAt(slot) ? [toGo] : []
  if (isFormer6(found, snapshot.devices)) return [toGo]
  const leadsNowhere = node && (node.link === undefined || !snapshot.link(node.link))
  return [leadsNowhere ? toGo : foreign('surplus', object)]
}
