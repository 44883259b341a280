import type { Link } from '../../rtnetlink/index.js'
import type { FilterSpec } from '../../tc/index.js'
import { isNamed, loopbackHook, publicHook, type Holdings, type Hook } from '../host/holdings.js'
import { placeOf } from '../layout/filter-places.js'
import { ANSWERS, PRIORITY } from '../layout/layout.js'
import { LOOPBACK_ADDRESS, loopbackSettings } from '../plan/host.js'
import type { Planned } from '../plan/planned.js'
import { skeleton, type SkeletonOptions } from '../plan/skeleton.js'
import { skeleton6, skeleton6In } from '../plan/skeleton6.js'

/** What is read of the host. */
export interface SeenHost {
  readonly holdings: Holdings
  /** The shared address, by the filters. */
  readonly address: string | undefined
  readonly fragments: 'drop' | 'allow'
  /** IPv4 addresses of the public interface. */
  readonly addresses: readonly string[]
}

/** What of the things that `create()` puts on a host is missing or different. */
export function hostProblems(host: SeenHost): string[] {
  const { holdings } = host
  return [
    ...recordFaults(holdings),
    ...interfaceFaults(host),
    ...answersFaults(holdings),
    ...hookFaults(host),
  ]
}

function recordFaults({ record, loopback }: Holdings): string[] {
  if (record) return []
  const name = loopback?.name ?? 'lo'
  const there = loopback?.alias ? `another alias, '${loopback.alias}'` : 'no alias'
  return [
    `${name} has ${there}: what create() changed on this host is not known, and remove() restores the kernel's defaults`,
  ]
}

function interfaceFaults({ holdings, address, addresses }: SeenHost): string[] {
  const { loopback, record } = holdings
  const hook = publicHook(holdings)
  if (!hook) {
    const names = record?.qdiscs.filter(name => name !== loopback?.name) ?? []
    const before = names.length === 0 ? '' : `; it was ${names.join(', ')}`
    return [
      `no interface has the filters of the public interface${before}: nothing from the wire reaches a container`,
    ]
  }
  const { name, up, address: mac, mtu } = hook.link
  return [
    ...(up ? [] : [`${name} is down: nothing from the wire reaches a container`]),
    ...(address === undefined || addresses.includes(address)
      ? []
      : [`${name} has lost the address ${address}, which the containers share`]),
    ...renamed(hook, holdings),
    ...(loopback && mac !== undefined ? loopbackFaults(loopback, { mac, mtu }) : []),
  ]
}

/** Whether the record knows the public interface by another name. */
function renamed({ link }: Hook, { record, links }: Holdings): string[] {
  const gone = record?.qdiscs.find(
    name => !links.some(found => isNamed(found, { ...record, qdiscs: [name] })),
  )
  return gone === undefined
    ? []
    : [`the interface that was ${gone} is ${link.name} now: create() needs the new name`]
}

function loopbackFaults(loopback: Link, host: { mac: string; mtu: number }): string[] {
  const { address, mtu, up, inet } = loopbackSettings(host)
  const wrong = [
    ...(loopback.address === address ? [] : [`address ${loopback.address} instead of ${address}`]),
    ...(loopback.mtu === mtu ? [] : [`mtu ${loopback.mtu} instead of ${mtu}`]),
    ...(loopback.up === up ? [] : ['it is down']),
    ...Object.entries(inet).flatMap(([name, value]) => {
      const is = loopback.inet?.[name as keyof typeof inet]
      return is === undefined || is === value ? [] : [`${name} ${is} instead of ${value}`]
    }),
  ]
  return wrong.length === 0 ? [] : [`${loopback.name} is not as containers need it: ${wrong.join(', ')}`]
}

function answersFaults({ links }: Holdings): string[] {
  const ends = [ANSWERS.near, ANSWERS.far]
  const missing = ends.filter(name => !links.some(link => link.name === name))
  return missing.length === 0
    ? []
    : [`${missing.join(' and ')} missing: ARP replies and echo replies do not reach the containers`]
}

/** How much of the static filters is missing. Their content is for verify() to compare. */
function hookFaults({ holdings, address, fragments }: SeenHost): string[] {
  const [onWire, onLoopback] = [publicHook(holdings), loopbackHook(holdings)]
  if (!onLoopback) {
    const name = holdings.loopback?.name ?? 'lo'
    return [`${name} has no filters of the layout: containers reach neither each other nor the host`]
  }
  if (address === undefined) return []
  const lo = { addresses: [address, LOOPBACK_ADDRESS], everyone: false, fragments: 'drop' } as const
  const wire = { addresses: [address], everyone: true, fragments }
  return [
    ...lacking(onLoopback, missingOf(onLoopback, lo) + missing6(onLoopback)),
    ...(onWire ? lacking(onWire, missingOf(onWire, wire) + missing6(onWire) + missingSpecials(onWire)) : []),
  ]
}

const lacking = ({ link: { name } }: Hook, count: number): string[] =>
  count === 0 ? [] : [`${name} lacks ${count} of the layout's static filters: create() makes them again`]

const missingOf = (hook: Hook, options: Omit<SkeletonOptions, 'dev'>): number =>
  countMissing(hook, skeleton({ dev: hook.link.name, ...options }))

/** Of the filters for IPv6, if there are any. Those of the public interface alone lead to everyone. */
function missing6(hook: Hook): number {
  const found = skeleton6In(hook.filters)
  if (!found) return 0
  const { addresses, ...everyone } = found
  const isOnWire = hook.filters.some(({ priority }) => priority === PRIORITY.martian)
  const planned = skeleton6({ dev: hook.link.name, addresses, ...(isOnWire && { everyone }) })
  return countMissing(hook, planned)
}

function countMissing({ filters }: Hook, planned: readonly Planned[]): number {
  const there = new Set(filters.map(placeOf))
  return planned.filter(({ spec }) => !there.has(placeOf(spec as FilterSpec))).length
}

/** The filters of the public interface beside the skeleton: at least one of each of these priorities. */
const missingSpecials = ({ filters }: Hook): number =>
  [PRIORITY.martian, PRIORITY.arp, PRIORITY.vlan, PRIORITY.priorityTagged].filter(
    wanted => !filters.some(({ priority }) => priority === wanted),
  ).length
