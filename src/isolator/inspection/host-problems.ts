import type { Link } from '../../rtnetlink/index.js'
import type { FilterSpec } from '../../tc/index.js'
import { isNamed, loopbackHook, publicHook, type Holdings, type Hook } from '../host/holdings.js'
import { placeOf } from '../layout/filter-places.js'
import { ANSWERS, PRIORITY } from '../layout/layout.js'
import { LOOPBACK_ADDRESS, loopbackSettings } from '../plan/host.js'
import type { Inet6Facts } from '../plan/facts.js'
import { addressesOf, steeredAddresses } from '../plan/inet6.js'
import type { Planned } from '../plan/planned.js'
import { skeleton, type SkeletonOptions } from '../plan/skeleton.js'
import { skeleton6, type Skeleton6Options } from '../plan/skeleton6.js'
import { LOOPBACK6 } from '../programs/frame-values.js'

/** What is read of the host. */
export interface SeenHost {
  readonly holdings: Holdings
  /** The shared address, by the filters. */
  readonly address: string | undefined
  readonly fragments: 'drop' | 'allow'
  /** What of IPv6 it has been set up for; undefined: nothing. */
  readonly inet6: Inet6Facts | undefined
  /** The addresses that the public interface has and uses, of both families. */
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

function interfaceFaults({ holdings, address, inet6, addresses }: SeenHost): string[] {
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
    ...[...(address === undefined ? [] : [address]), ...(inet6 ? addressesOf(inet6) : [])]
      .filter(shared => !addresses.includes(shared))
      .map(shared => `${name} has lost the address ${shared}, which the containers share`),
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
function hookFaults({ holdings, address, fragments, inet6 }: SeenHost): string[] {
  const [onWire, onLoopback] = [publicHook(holdings), loopbackHook(holdings)]
  if (!onLoopback) {
    const name = holdings.loopback?.name ?? 'lo'
    return [`${name} has no filters of the layout: containers reach neither each other nor the host`]
  }
  if (address === undefined) return []
  const lo = { addresses: [address, LOOPBACK_ADDRESS], everyone: false, fragments: 'drop' } as const
  const wire = { addresses: [address], everyone: true, fragments }
  const lo6 = inet6 && { addresses: [...addressesOf(inet6), LOOPBACK6] }
  const wire6 = inet6 && { addresses: steeredAddresses(inet6), everyone: inet6 }
  return [
    ...lacking(onLoopback, missingOf(onLoopback, lo) + missing6(onLoopback, lo6)),
    ...(onWire
      ? lacking(onWire, missingOf(onWire, wire) + missing6(onWire, wire6) + missingSpecials(onWire))
      : []),
  ]
}

const lacking = ({ link: { name } }: Hook, count: number): string[] =>
  count === 0 ? [] : [`${name} lacks ${count} of the layout's static filters: create() makes them again`]

const missingOf = (hook: Hook, options: Omit<SkeletonOptions, 'dev'>): number =>
  countMissing(hook, skeleton({ dev: hook.link.name, ...options }))

const missing6 = (hook: Hook, options: Omit<Skeleton6Options, 'dev'> | undefined): number =>
  options ? countMissing(hook, skeleton6({ dev: hook.link.name, ...options })) : 0

function countMissing({ filters }: Hook, planned: readonly Planned[]): number {
  const there = new Set(filters.map(placeOf))
  return planned.filter(({ spec }) => !there.has(placeOf(spec as FilterSpec))).length
}

/** The filters of the public interface beside the skeleton: at least one of each of these priorities. */
const missingSpecials = ({ filters }: Hook): number =>
  [PRIORITY.martian, PRIORITY.arp, PRIORITY.vlan, PRIORITY.priorityTagged].filter(
    wanted => !filters.some(({ priority }) => priority === wanted),
  ).length
