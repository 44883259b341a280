import type { Link } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import type { Filter, Qdisc } from '../../tc/index.js'
import { filtersAt, sharedBlockOf } from '../kernel/filters-at.js'
import { unlessGone } from '../kernel/unless-gone.js'
import { isHostRecord, parseHostRecord, type HostRecord } from '../layout/host-record.js'
import { hasLayoutPriority, isRootTable } from '../layout/filter-places.js'
import { ANSWERS, FLOW_QDISC, isBridgeName, slotOfLink, slotOfShaper } from '../layout/layout.js'
import { isOurs, isTelling } from './recognise.js'

/** What a host has of ours beside its containers, found by what the kernel holds alone. */
export interface Holdings {
  /** All links of the namespace. */
  readonly links: readonly Link[]
  readonly loopback: Link | undefined
  /** What `create()` noted in the loopback's alias. */
  readonly record: HostRecord | undefined
  /** The devices that have filters of ours, or an ingress qdisc that is ours by the record: the loopback, and others. */
  readonly hooks: readonly Hook[]
  /** The fq_codels with a flow per container: of the public interface, and of those that were it before. */
  readonly flows: readonly Qdisc[]
}

/** A device with an ingress or clsact qdisc. */
export interface Hook {
  readonly link: Link
  readonly qdisc: Qdisc
  /** Those of its filters that are ours. */
  readonly filters: readonly Filter[]
  /** Whether it has filters of others. */
  readonly shared: boolean
}

/**
 * Reads them: a dump of links, one of qdiscs, and the filters of each device with an ingress qdisc that is not a
 * container's.
 */
export async function readHoldings(rt: RtnetlinkSocket): Promise<Holdings> {
  const links = await rt.links.list()
  const loopback = links.find(({ hardwareType }) => hardwareType === 'loopback')
  const record = recordIn(loopback)
  const byIndex = new Map(links.map(link => [link.index, link]))
  const qdiscs = await rt.qdiscs.list()
  const hooks: Hook[] = []
  for (const found of qdiscs.filter(isIngress)) {
    const link = byIndex.get(found.ifindex)
    const hook = link && !isLayoutName(link.name) ? await hookOf(rt, link, found) : undefined
    if (hook && (hook.filters.length > 0 || isNamed(hook.link, record))) hooks.push(hook)
  }
  return { links, loopback, record, hooks, flows: qdiscs.filter(isFlowQdisc) }
}

/** The hook of the public interface: of several devices with filters of ours, the one that has most. */
export function publicHook({ hooks, loopback }: Holdings): Hook | undefined {
  const others = hooks.filter(({ link }) => link.index !== loopback?.index)
  return others.sort((a, b) => b.filters.length - a.filters.length)[0]
}

/** The fq_codel with a flow per container that belongs to the public interface. */
export function publicFlows(holdings: Holdings): Qdisc | undefined {
  const index = publicHook(holdings)?.link.index
  const { flows } = holdings
  return flows.find(({ ifindex }) => ifindex === index) ?? flows[0]
}

/** The hook of the loopback. */
export const loopbackHook = ({ hooks, loopback }: Holdings): Hook | undefined =>
  hooks.find(({ link }) => link.index === loopback?.index)

/** Whether the record has a link by one of its names as one whose ingress qdisc is ours. */
export const isNamed = ({ name, alternativeNames = [] }: Link, record: HostRecord | undefined): boolean =>
  [name, ...alternativeNames].some(known => record?.qdiscs.includes(known))

/** Undefined where there is none, or something else. */
function recordIn(loopback: Link | undefined): HostRecord | undefined {
  const { alias, name = '' } = loopback ?? {}
  if (!alias || !isHostRecord(alias)) return undefined
  try {
    return parseHostRecord(alias, name)
  } catch {
    return undefined
  }
}

const isIngress = ({ kind }: Qdisc): boolean => kind === 'ingress' || kind === 'clsact'

const isFlowQdisc = ({ kind, handle }: Qdisc): boolean => kind === 'fq_codel' && handle === FLOW_QDISC

/** Whether a link may be of a container, or of the layout: none of these is the public interface. */
const isLayoutName = (name: string): boolean =>
  slotOfLink(name) !== undefined ||
  slotOfShaper(name) !== undefined ||
  slotOfShaper(name.replace(/^pmt/, 'pms')) !== undefined ||
  isBridgeName(name) ||
  Object.values<string>(ANSWERS).includes(name)

/** Undefined where the device has gone meanwhile. A block that devices share has no filter of ours: create() refuses it. */
async function hookOf(rt: RtnetlinkSocket, link: Link, found: Qdisc): Promise<Hook | undefined> {
  const all =
    sharedBlockOf(found) === undefined
      ? await unlessGone(() => filtersAt(rt, link.index, 'ingress'))
      : undefined
  if (!all) return undefined
  const ours = all.some(isTelling) ? all.filter(isOurs) : []
  const known = new Set(ours)
  const isNobodys = (filter: Filter): boolean => isRootTable(filter) && hasLayoutPriority(filter)
  return {
    link,
    qdisc: found,
    filters: ours,
    shared: all.some(filter => !known.has(filter) && !isNobodys(filter)),
  }
}
