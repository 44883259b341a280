import type { NetworkNamespace } from '../../netns/network-namespace.js'
import type { Filter, Qdisc } from '../../tc/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { applyAll } from '../kernel/apply.js'
import { setUpAnswers } from './answers.js'
import { ensureBridge } from './bridges.js'
import { readBacklog, writeBacklog } from './backlog.js'
import type { HostContext } from './context.js'
import {
  hiddenTable,
  missingFilters,
  oursAmong,
  ourFilters,
  refuseForeignTables,
  removeFilters,
} from './filters.js'
import { recordOfLoopback, restoreLoopback } from './loopback.js'
import { openPriorities, withoutOpeners } from './hidden-tables.js'
import { IsolatorError } from '../isolator-error.js'
import { sharedBlockOf } from '../kernel/filters-at.js'
import { parseHostRecord, type HostRecord } from '../layout/host-record.js'
import {
  gatewayIn,
  hostAddressesOf,
  inet6Of,
  ingressQdisc,
  loopbackFilters,
  loopbackPlan,
  publicFilters,
  recordNote,
} from '../plan/host.js'
import type { HostFacts } from '../plan/facts.js'
import { addressesOf } from '../plan/inet6.js'
import type { Planned } from '../plan/planned.js'
import { flowFilters } from '../plan/flows.js'
import { PortRanges } from '../ports/port-ranges.js'
import { readReservedPorts, releasePorts, reservePorts } from './reserved-ports.js'
import { missingFlowQdisc } from './flows.js'
import { bridgeName, FIRST_SLOT, FLOW_QDISC } from '../layout/layout.js'
import { allOrNothing, type Undo } from '../kernel/undo.js'

/** What of the host is to be changed beside the layout. */
export interface HostWishes {
  /** Ports that the host is to be kept from handing out. */
  readonly reserve: PortRanges
  /** What net.core.netdev_max_backlog is to be at least. */
  readonly backlog: number
}

/**
 * Puts the static part of the layout on the host, or completes one that an earlier run left. Gives back what has to be
 * restored in the end.
 *
 * @throws IsolatorError ERR_FOREIGN_STATE where something else holds a handle of the layout, or the loopback's alias
 */
export async function setUpHost(host: HostContext, { reserve, backlog }: HostWishes): Promise<HostRecord> {
  const { rt, facts } = host
  const loopback = await rt.links.get(facts.loopbackInterface)
  const present = await devicesWithIngress(host)
  const noted = parseHostRecord(loopback.alias, facts.loopbackInterface)
  await refuseWithoutInet6(host, present)
  const absent = layoutDevices(host).filter(dev => !present.has(dev))
  const before = noted
    ? withQdiscs(noted, absent)
    : { ...(await recordOfLoopback(rt, loopback)), qdiscs: absent, reserved: PortRanges.empty }
  const reserving = reserve.subtract(await readReservedPorts(host.netns))
  const tooSmall = await backlogBelow(backlog)
  const record = {
    ...before,
    reserved: before.reserved.union(reserving),
    backlog: before.backlog ?? tooSmall,
  }
  await allOrNothing(async undo => {
    undo.push(() =>
      noted
        ? applyAll(rt, [recordNote(facts, noted)], undo)
        : restoreLoopback(rt, facts.loopbackInterface, record),
    )
    await applyAll(rt, loopbackPlan(facts, record), undo)
    await setUpBridge(host, undo)
    await reserveFor(host, reserving, undo)
    await raiseBacklog(tooSmall, backlog, undo)
    await setUpAnswers(host, undo)
    await setUpFlows(host, undo)
    await fillIn(host, facts.loopbackInterface, present, loopbackFilters, undo)
    await fillIn(host, facts.publicInterface, present, publicFilters, undo)
  })
  return record
}

/** The ports that are reserved on the host, but for those that an earlier run of this isolator reserved. */
export async function portsReservedByOthers(
  rt: RtnetlinkSocket,
  netns: NetworkNamespace,
  loopbackInterface: string,
): Promise<PortRanges> {
  const { alias } = await rt.links.get(loopbackInterface)
  const ours = parseHostRecord(alias, loopbackInterface)?.reserved ?? PortRanges.empty
  return (await readReservedPorts(netns)).subtract(ours)
}

const layoutDevices = ({ facts }: HostContext): string[] => [facts.loopbackInterface, facts.publicInterface]

/** The devices that have an ingress or clsact qdisc already: another's, or ours from an earlier run. */
async function devicesWithIngress(host: HostContext): Promise<ReadonlySet<string>> {
  const lists = await Promise.all(layoutDevices(host).map(dev => host.rt.qdiscs.list({ dev })))
  const hooks = lists.flat().filter(({ kind }) => kind === 'ingress' || kind === 'clsact')
  for (const hook of hooks) refuseSharedBlock(hook)
  return new Set(hooks.map(({ dev }) => dev))
}

/** The kernel adds no filter by device to a block that devices share (tcf_block_find in net/sched/cls_api.c: EOPNOTSUPP). */
function refuseSharedBlock(hook: Qdisc): void {
  const ingressBlock = sharedBlockOf(hook)
  if (ingressBlock === undefined) return
  const { dev, kind } = hook
  throw new IsolatorError(
    'ERR_FOREIGN_STATE',
    `the ${kind} qdisc of ${dev} has its filters in the shared block ${ingressBlock}, to which the kernel adds none for ${dev} alone. ` +
      `Make it again without: tc qdisc del dev ${dev} ${kind === 'clsact' ? 'clsact' : 'ingress'}, then tc qdisc add dev ${dev} ${kind}`,
    { details: { dev, kind, ingressBlock } },
  )
}

/** What was noted by an earlier run. A qdisc that was shared then and has gone since is ours, once it is made again. */
const withQdiscs = (noted: HostRecord, qdiscs: readonly string[]): HostRecord => ({
  ...noted,
  qdiscs: [...new Set([...noted.qdiscs, ...qdiscs])],
})

/** The first bridge, which every container but those of high slots needs. */
async function setUpBridge({ rt, facts }: HostContext, undo: Undo): Promise<void> {
  if (facts.bridged) await ensureBridge(rt, bridgeName(FIRST_SLOT), undo)
}

async function reserveFor({ netns }: HostContext, ports: PortRanges, undo: Undo): Promise<void> {
  if (ports.size === 0) return
  undo.push(() => releasePorts(netns, ports))
  await reservePorts(netns, ports)
}

/** The backlog, where it is smaller than that. */
async function backlogBelow(wanted: number): Promise<number | undefined> {
  const backlog = wanted > 0 ? await readBacklog() : undefined
  return backlog !== undefined && backlog < wanted ? backlog : undefined
}

async function raiseBacklog(before: number | undefined, wanted: number, undo: Undo): Promise<void> {
  if (before === undefined) return
  undo.push(() => writeBacklog(before))
  await writeBacklog(wanted)
}

/** Makes or completes the fq_codel with a flow per container, if there is to be one. */
async function setUpFlows(host: HostContext, undo: Undo): Promise<void> {
  const { rt, facts } = host
  if (facts.flowParent === undefined) return
  const qdisc = await missingFlowQdisc(host, facts.flowParent)
  if (qdisc) {
    await applyAll(rt, [qdisc], undo)
    await applyAll(rt, flowFilters(facts), goesWithQdisc)
  } else await addMissingFilters(host, facts.publicInterface, FLOW_QDISC, flowFilters, undo)
}

/** Adds the qdisc and the filters that a device lacks. */
async function fillIn(
  host: HostContext,
  dev: string,
  present: ReadonlySet<string>,
  filtersFor: (facts: HostFacts) => readonly Planned[],
  undo: Undo,
): Promise<void> {
  const { rt, facts } = host
  if (present.has(dev)) return addMissingFilters(host, dev, 'ingress', filtersFor, undo)
  await applyAll(rt, [ingressQdisc(dev)], undo)
  await applyAll(rt, filtersFor(facts), goesWithQdisc)
}

/** Adds the filters that a qdisc lacks. */
async function addMissingFilters(
  host: HostContext,
  dev: string,
  parent: 'ingress' | typeof FLOW_QDISC,
  filtersFor: (facts: HostFacts) => readonly Planned[],
  undo: Undo,
): Promise<void> {
  const { rt, facts } = host
  const filters = filtersFor(facts)
  const opened = await openPriorities(rt, dev, parent, filters, undo)
  refuseForeignTables(opened.filters, filters)
  // Without, the hook has no filter of ours for IPv6, or it was refused before: what looks like one is somebody else's.
  const withInet6 = facts.inet6 !== undefined
  const found = withoutOpeners(oursAmong(opened.filters, parent, withInet6))
  const before = new Set(found.map(({ handle, priority }) => `${priority} ${handle}`))
  undo.push(async () => {
    const now = withoutOpeners(await ourFilters(rt, dev, parent, withInet6))
    await removeFilters(
      rt,
      now.filter(({ handle, priority }) => !before.has(`${priority} ${handle}`)),
    )
  })
  const { missing, outdated } = missingFilters(rt, found, filters, () =>
    filtersFor(formerFacts(facts, found)),
  )
  const isTable = ({ spec }: Planned): boolean => 'divisor' in (spec as object)
  // Alone: nodes are written into no table that is not known to be ours.
  await addTables(rt, dev, missing.filter(isTable))
  // What drops forged packets comes before what leads others on.
  const isProgram = ({ verb }: Planned): boolean => verb === 'replace'
  await applyAll(rt, outdated.filter(isProgram), undo)
  await applyAll(
    rt,
    missing.filter(message => !isTable(message)),
    goesWithQdisc,
  )
  await applyAll(
    rt,
    outdated.filter(message => !isProgram(message)),
    undo,
  )
  await opened.close()
}

/** What an earlier run has made the filters of a device for: perhaps another gateway, and other addresses. */
function formerFacts(facts: HostFacts, found: readonly Filter[]): HostFacts {
  const gateway = gatewayIn(found)
  const routes = [
    ...(gateway === undefined ? [] : [{ destination: 'default', gateway }]),
    ...hostAddressesOf(found).map(destination => ({ destination, local: true as const })),
  ]
  return { ...facts, routes, inet6: inet6Of(found) }
}

/** Tables cannot be taken from under containers that may use them. */
async function refuseWithoutInet6({ rt, facts }: HostContext, present: ReadonlySet<string>): Promise<void> {
  if (facts.inet6) return
  for (const dev of present) {
    const former = inet6Of(await ourFilters(rt, dev))
    if (!former) continue
    throw new IsolatorError(
      'ERR_FOREIGN_STATE',
      `${dev} has filters for IPv6, which containers of an earlier run may use: create the isolator with 'ipv6' as before, or destroy() it first`,
      { details: { dev, addresses6: addressesOf(former) } },
    )
  }
}

async function addTables(rt: RtnetlinkSocket, dev: string, tables: readonly Planned[]): Promise<void> {
  try {
    await applyAll(rt, tables, goesWithQdisc)
  } catch (error) {
    throw error instanceof IsolatorError ? hiddenTable(dev, error) : error
  }
}

/** For filters that are taken back in another way than one by one. */
const goesWithQdisc: Pick<Undo, 'push'> = { push: () => undefined }
