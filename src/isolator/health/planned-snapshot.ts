import { rememberNames } from '../../netlink/devices.js'
import { link, route, type Route, type RouteSpec } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import {
  filter,
  parseU32Handle,
  qdisc,
  trafficClass,
  type ClassSpec,
  type Filter,
  type FilterKey,
  type FilterSpec,
  type QdiscSpec,
} from '../../tc/index.js'
import { lookUp } from '../kernel/look-up.js'
import { isRoot, placeOf } from '../layout/filter-places.js'
import type { Planned } from '../plan/planned.js'
import { addressIn } from '../plan/routes.js'
import type { Snapshot } from './snapshot.js'

/**
 * What of the objects of a plan a namespace has. Each is asked for by its key: whatever else is in the namespace, however
 * much it is and however often it changes, costs nothing.
 */
export async function readPlanned(rt: RtnetlinkSocket, planned: readonly Planned[]): Promise<Snapshot> {
  const links = found(await lookUp(rt, link, [...new Set(planned.map(deviceOf))]))
  const indexes = new Map(links.map(({ name, index }) => [name, index]))
  /** The keys of the planned objects of a type, as far as their devices are there. */
  const keysOf = <Spec, Key>(type: { name: string }, keyOf: (spec: Spec) => Key): (Key & { dev: number })[] =>
    planned.flatMap(message => {
      const dev = indexes.get(deviceOf(message))
      if (message.object.name !== type.name || dev === undefined) return []
      return [{ ...keyOf(message.spec as Spec), dev }]
    })
  const qdiscs = found(await lookUp(rt, qdisc, keysOf(qdisc, qdiscPlace)))
  const classes = found(await lookUp(rt, trafficClass, keysOf(trafficClass, classPlace)))
  const filters = await lookUpFilters(rt, keysOf(filter, filterKey))
  const routes = await lookUpRoutes(rt, planned)
  return {
    devices: rememberNames(rt.devices),
    link: name => links.find(link => link.name === name),
    qdiscs: dev => qdiscs.filter(qdisc => qdisc.dev === dev),
    classes: dev => Promise.resolve(classes.filter(found => found.dev === dev)),
    filtersByPlace(dev, parent) {
      const own = filters.filter(({ key }) => key.dev === indexes.get(dev) && key.parent === parent)
      return Promise.resolve(new Map(own.map(({ filter }) => [placeOf(filter), filter])))
    },
    routeLike: planned => routes.get(planned.destination),
  }
}

const found = <T>(objects: readonly (T | undefined)[]): T[] => objects.flatMap(object => object ?? [])

const deviceOf = ({ spec }: Planned): string => String((spec as { dev?: unknown }).dev)

/** TC_H_INGRESS, linux/pkt_sched.h: where an ingress or clsact qdisc is. */
const INGRESS = 'ffff:fff1'
/** TC_U32_ROOT, linux/pkt_cls.h: the root table of a priority, whatever its number. */
const ROOT_TABLE = 0xfff0_0000

const qdiscPlace = (spec: QdiscSpec) => ({
  parent: spec.kind === 'ingress' || spec.kind === 'clsact' ? INGRESS : spec.parent,
})
const classPlace = ({ classid }: ClassSpec) => ({ classid })
const filterKey = (spec: FilterSpec) => spec as FilterKey

/** What the kernel does with packets to where the planned routes lead, by the destination of these. */
async function lookUpRoutes(rt: RtnetlinkSocket, planned: readonly Planned[]): Promise<Map<string, Route>> {
  const destinations = planned.flatMap(({ object, spec }) =>
    object.name === route.name ? [(spec as RouteSpec).destination] : [],
  )
  const answers = await lookUp(
    rt,
    route,
    destinations.map(destination => ({ destination: addressIn(destination), fibMatch: true })),
  )
  return new Map(
    destinations.flatMap((destination, i) => {
      const answer = answers[i]
      return answer ? [[destination, answer]] : []
    }),
  )
}

/** Filters by their keys. A root of a u32 priority is found by the number of its table alone, which is asked for first. */
async function lookUpFilters<Key extends FilterKey>(
  rt: RtnetlinkSocket,
  keys: readonly Key[],
): Promise<{ key: Key; filter: Filter }[]> {
  const roots = keys.filter(isRoot)
  const tables = await lookUp(
    rt,
    filter,
    roots.map(key => ({ ...key, handle: ROOT_TABLE })),
  )
  const tableOf = new Map(roots.map((key, i) => [key, tables[i]]))
  const numbered = keys.flatMap(key => {
    if (!tableOf.has(key)) return [{ key, asked: key }]
    const table = tableOf.get(key)
    if (!table) return []
    const handle = parseU32Handle(table.handle) | (parseU32Handle(key.handle) & 0xfff)
    return [{ key, asked: { ...key, handle: handle >>> 0 } }]
  })
  const filters = await lookUp(
    rt,
    filter,
    numbered.map(({ asked }) => asked),
  )
  return numbered.flatMap(({ key }, i) => {
    const filter = filters[i]
    return filter ? [{ key, filter }] : []
  })
}
