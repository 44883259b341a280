import { rememberNames } from '../../netlink/devices.js'
import { link, route, type Route, type RouteSpec } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import {
  filter,
  qdisc,
  trafficClass,
  type ClassSpec,
  type FilterKey,
  type FilterSpec,
  type Qdisc,
  type QdiscSpec,
} from '../../tc/index.js'
import { lookUp } from '../kernel/look-up.js'
import type { Planned } from '../plan/planned.js'
import { addressIn } from '../plan/routes.js'
import { KeyedFilters } from './keyed-filters.js'
import { ListedFilters } from './listed-filters.js'
import type { Snapshot } from './snapshot.js'

/**
 * What of the objects of a plan a namespace has. Each is asked for by its key: whatever else is in the namespace, however
 * much it is and however often it changes, costs nothing.
 *
 * @param own devices that nobody else has a part in: their filters are listed, and found whatever their kind
 */
export async function readPlanned(
  rt: RtnetlinkSocket,
  planned: readonly Planned[],
  own: ReadonlySet<string> = new Set(),
): Promise<Snapshot> {
  const links = found(await lookUp(rt, link, [...new Set(planned.map(deviceOf))]))
  const indexes = new Map(links.map(({ name, index }) => [name, index]))
  /** The keys of the planned objects of a type, as far as their devices are there. */
  const keysOf = <Spec, Key>(type: { name: string }, keyOf: (spec: Spec) => Key): (Key & { dev: number })[] =>
    planned.flatMap(message => {
      const dev = indexes.get(deviceOf(message))
      if (message.object.name !== type.name || dev === undefined) return []
      return [{ ...keyOf(message.spec as Spec), dev }]
    })
  const ownIndexes = new Set([...own].flatMap(dev => indexes.get(dev) ?? []))
  const qdiscs = found(await lookUp(rt, qdisc, keysOf(qdisc, qdiscPlace)))
  const qdiscsOf = (dev: string): Qdisc[] => qdiscs.filter(qdisc => qdisc.dev === dev)
  const classes = found(await lookUp(rt, trafficClass, keysOf(trafficClass, classPlace)))
  const listed = new ListedFilters(rt, qdiscsOf)
  const keyed = new KeyedFilters(rt)
  await keyed.read(keysOf(filter, filterKey).filter(({ dev }) => !ownIndexes.has(dev)))
  const routes = await lookUpRoutes(rt, planned)
  return {
    devices: rememberNames(rt.devices),
    link: name => links.find(link => link.name === name),
    qdiscs: qdiscsOf,
    classes: dev => Promise.resolve(classes.filter(found => found.dev === dev)),
    async filterAt(planned) {
      const name = String(planned.dev)
      const dev = indexes.get(name)
      if (dev === undefined) return undefined
      return own.has(name) ? listed.at(planned) : keyed.at({ ...filterKey(planned), dev })
    },
    filtersByPlace: (dev, parent) => listed.byPlace(dev, parent),
    routeLike: planned => routes.get(planned.destination),
  }
}

const found = <T>(objects: readonly (T | undefined)[]): T[] => objects.flatMap(object => object ?? [])

const deviceOf = ({ spec }: Planned): string => String((spec as { dev?: unknown }).dev)

/** TC_H_INGRESS, linux/pkt_sched.h: where an ingress or clsact qdisc is. */
const INGRESS = 'ffff:fff1'

const qdiscPlace = (spec: QdiscSpec) => ({
  parent: spec.kind === 'ingress' || spec.kind === 'clsact' ? INGRESS : spec.parent,
})
const classPlace = ({ classid }: ClassSpec) => ({ classid })
const filterKey = (spec: FilterSpec) => spec as FilterKey

/** What the kernel does with packets to where the planned routes lead, by the destination of these. */
async function lookUpRoutes(rt: RtnetlinkSocket, planned: readonly Planned[]): Promise<Map<string, Route>> {
  const destinations = planned.flatMap(({ object, spec }) =>
    object.name === route.name && (spec as RouteSpec).family !== 'inet6'
      ? [(spec as RouteSpec).destination]
      : [],
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
