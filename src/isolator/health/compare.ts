import { isDeepStrictEqual } from 'node:util'
import { NoSuchDeviceError } from '../../netlink/devices.js'
import type { DeviceNames } from '../../netlink/message-type.js'
import {
  link,
  linkProperty,
  parsePrefix,
  route,
  type LinkProperty,
  type LinkSpec,
  type RouteSpec,
} from '../../rtnetlink/index.js'
import {
  filter,
  qdisc,
  trafficClass,
  type ClassSpec,
  type Filter,
  type FilterSpec,
  type QdiscSpec,
} from '../../tc/index.js'
import { sharedBlockOf } from '../kernel/filters-at.js'
import { asListed, lineOf } from '../kernel/planned-as-listed.js'
import { foreign, type Fault } from './difference.js'
import { slotOfLink } from '../layout/layout.js'
import { replacement } from './replacement.js'
import type { Snapshot } from './snapshot.js'
import { plan, type Planned } from '../plan/planned.js'
import { isSameWay } from '../plan/routes.js'
import { addNames, namesBeyond, noteIn, removeNames } from '../plan/container-note.js'

/** What of a plan is not so, in the order of the plan. Of a device that is missing, that is all. */
export async function compareAll(planned: readonly Planned[], snapshot: Snapshot): Promise<Fault[]> {
  const faults: Fault[] = []
  const unborn = new Set(
    planned.filter(isBirth).flatMap(({ spec }) => missingLinks(spec as LinkSpec, snapshot)),
  )
  for (const message of planned) {
    if (!isBirth(message) && unborn.has((message.spec as { dev?: unknown }).dev)) continue
    const fault = await compare(message, snapshot, snapshot.devices)
    if (fault) faults.push(fault)
  }
  return faults
}

function compare(
  planned: Planned,
  snapshot: Snapshot,
  devices: DeviceNames,
): Promise<Fault | undefined> | Fault | undefined {
  const { dev } = planned.spec as { dev?: unknown }
  if (isBirth(planned)) return compareBirth(planned, snapshot)
  if (planned.object.name !== link.name && !snapshot.link(String(dev))) return undefined
  switch (planned.object.name) {
    case link.name:
      return compareLink(planned.spec as LinkSpec, snapshot)
    case linkProperty.name:
      return compareNote(planned, snapshot)
    case qdisc.name:
      return compareQdisc(planned, snapshot, devices)
    case trafficClass.name:
      return compareClass(planned, snapshot, devices)
    case filter.name:
      return compareFilter(planned, snapshot, devices)
    case route.name:
      return compareRoute(planned, snapshot)
    default:
      return undefined
  }
}

/** Whether a message makes a link, rather than changing one. */
const isBirth = ({ object, verb }: Planned): boolean => object.name === link.name && verb === 'add'

/** Of the link that is to be made and of its peer, those that are missing. */
const missingLinks = (spec: LinkSpec, snapshot: Snapshot): unknown[] =>
  [spec.name, (spec as { peer?: { name?: string } }).peer?.name].filter(
    name => name !== undefined && !snapshot.link(name),
  )

/** What a link is made with is planned as a change of it too. */
const compareBirth = (planned: Planned, snapshot: Snapshot): Fault | undefined =>
  missingLinks(planned.spec as LinkSpec, snapshot).length > 0 ? missing(planned) : undefined

const missing = (planned: Planned): Fault => ({
  difference: { kind: 'missing', object: planned.command(), foreign: false },
  mend: [planned],
})

const different = (planned: Planned, found: string, mend: readonly Planned[]): Fault => ({
  difference: { kind: 'different', object: planned.command(), found, foreign: mend.length === 0 },
  mend,
})

/** Of a link, what is planned counts, and nothing else. */
function compareLink({ dev, ...wanted }: LinkSpec, snapshot: Snapshot): Fault | undefined {
  const found = snapshot.link(String(dev))
  if (!found) return foreign('missing', `ip link show dev ${dev}`)
  const wrong = differing(wanted, found)
  if (!wrong) return undefined
  const command = (settings: object): string => link.command('change', { dev, ...settings })
  const planned = plan(link, 'change', { dev, ...wrong })
  return different(planned, command(sameMembers(wrong, found)), [planned])
}

/** A note of ports. The new names come before the old ones go. */
function compareNote(planned: Planned, snapshot: Snapshot): Fault | undefined {
  const { dev, alternativeNames: wanted } = planned.spec as LinkProperty
  const slot = slotOfLink(String(dev)) ?? 0
  const there = noteIn(slot, snapshot.link(String(dev))?.alternativeNames)
  const [lacking, surplus] = [namesBeyond(wanted, there), namesBeyond(there, wanted)]
  if (lacking.length === 0 && surplus.length === 0) return undefined
  const mend = [...addNames(slot, lacking), ...removeNames(slot, surplus)]
  if (there.length === 0) return missing(planned)
  return different(planned, linkProperty.command('add', { dev, alternativeNames: there }), mend)
}

type Members = Readonly<Record<string, unknown>>

const isNested = (value: unknown): value is Members => typeof value === 'object' && value !== null

/**
 * The members of `wanted` that are other in `found`, nested ones too; undefined where there are none. A kernel does not
 * list options of a port that it does not know.
 */
function differing(wanted: object, found: object): Members | undefined {
  const wrong = Object.entries(wanted).flatMap(([key, value]: [string, unknown]): [string, unknown][] => {
    const is = (found as Members)[key]
    if (!isNested(value)) return is === value ? [] : [[key, value]]
    const known = key === 'bridgePort' && isNested(is) ? sharedMembers(value, is) : value
    const inner = differing(known, isNested(is) ? is : {})
    return inner ? [[key, inner]] : []
  })
  return wrong.length > 0 ? Object.fromEntries(wrong) : undefined
}

const sharedMembers = (wanted: Members, found: Members): Members =>
  Object.fromEntries(Object.entries(wanted).filter(([key]) => key in found))

/** The members of `found` that `like` has. An alias that is not set is an empty one; what is no port has no master. */
function sameMembers(like: Members, found: object): Members {
  return Object.fromEntries(
    Object.entries(like).map(([key, value]) => {
      const is = (found as Members)[key]
      if (is === undefined && (key === 'master' || key === 'bridgePort')) return ['master', null]
      return [key, isNested(value) ? sameMembers(value, isNested(is) ? is : {}) : (is ?? '')]
    }),
  )
}

/** A hook that was shared may be a clsact. A qdisc with the handle `0:` is the kernel's own, and counts as none. */
function compareQdisc(planned: Planned, snapshot: Snapshot, devices: DeviceNames): Fault | undefined {
  const spec = planned.spec as QdiscSpec
  const there = snapshot.qdiscs(String(spec.dev))
  if (spec.kind === 'ingress') {
    const hook = there.find(({ kind }) => kind === 'ingress' || kind === 'clsact')
    if (!hook) return missing(planned)
    // The kernel adds no filter by device to a block that devices share.
    return sharedBlockOf(hook) === undefined
      ? undefined
      : foreign('different', planned.command(), qdisc.command('add', hook))
  }
  const found = there.find(({ parent, handle }) => parent === spec.parent && handle !== '0:')
  if (!found) return missing(planned)
  if (found.kind !== spec.kind || found.handle !== spec.handle)
    return different(planned, qdisc.command('add', found), [])
  return hasOptions(planned, found, devices)
    ? undefined
    : different(planned, qdisc.command('add', found), [plan(qdisc, 'change', spec)])
}

async function compareClass(
  planned: Planned,
  snapshot: Snapshot,
  devices: DeviceNames,
): Promise<Fault | undefined> {
  const spec = planned.spec as ClassSpec
  const found = (await snapshot.classes(String(spec.dev))).find(({ classid }) => classid === spec.classid)
  if (!found) return missing(planned)
  return hasOptions(planned, found, devices)
    ? undefined
    : different(planned, trafficClass.command('add', found), [plan(trafficClass, 'change', spec)])
}

/**
 * Where packets go. A container may have routes of its own that lead elsewhere than its eth0: that is its own affair. What
 * leads nowhere, or through its eth0 by another router, is not as planned.
 */
function compareRoute(planned: Planned, snapshot: Snapshot): Fault | undefined {
  const wanted = planned.spec as RouteSpec
  // Those of IPv6 are looked for in the list of them: the kernel names one of several ways out.
  if (wanted.family === 'inet6') return undefined
  const mend = [plan(route, 'replace', wanted)]
  const found = snapshot.routeLike(wanted)
  if (!found) return { ...missing(planned), mend }
  if (found.destination === wanted.destination) {
    if (found.dev !== wanted.dev || isSameWay(wanted, found)) return undefined
    return different(planned, route.command('add', found), mend)
  }
  const isShorter = prefixOf(found) < prefixOf(wanted)
  return isShorter && found.dev === wanted.dev ? { ...missing(planned), mend } : undefined
}

const prefixOf = ({ destination }: RouteSpec): number =>
  destination === 'default' ? 0 : parsePrefix('destination', destination).length

/** What says where an object is, rather than what it does. */
const PLACE = new Set(['dev', 'parent', 'handle', 'classid', 'kind'])

/** Whether an object has the options that are planned, as far as they are: the kernel adds others. */
function hasOptions(planned: Planned, found: object, devices: DeviceNames): boolean {
  const wanted = asListed(planned, devices) as Members
  return Object.keys(planned.spec as object).every(
    key => PLACE.has(key) || isDeepStrictEqual(wanted[key], (found as Members)[key]),
  )
}

async function compareFilter(
  planned: Planned,
  snapshot: Snapshot,
  devices: DeviceNames,
): Promise<Fault | undefined> {
  const spec = planned.spec as FilterSpec
  const found = await snapshot.filterAt(spec)
  if (found && lineOf(found) === planned.command()) return undefined
  const wanted = wantedFilter(planned, devices)
  if (!wanted) return foreign('missing', planned.command())
  if (!found) return missing(planned)
  const [is, expected] = [lineOf(found), lineOf(wanted)]
  if (is === expected) return undefined
  const { mend, exchange } = await replacement(planned, wanted, found, snapshot)
  return { ...different(planned, is, mend), ...(exchange && { exchange }) }
}

/** Undefined where the device that it is to lead to is missing. */
function wantedFilter(planned: Planned, devices: DeviceNames): Filter | undefined {
  try {
    return asListed(planned, devices) as Filter
  } catch (error) {
    if (error instanceof NoSuchDeviceError) return undefined
    throw error
  }
}
