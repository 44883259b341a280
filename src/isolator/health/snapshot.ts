import { rememberNames } from '../../netlink/devices.js'
import type { DeviceNames } from '../../netlink/message-type.js'
import type { Uncarried } from '../../netlink/uncarried.js'
import type { Link, Route, RouteSpec } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import type { Filter, FilterSpec, Qdisc, TrafficClass } from '../../tc/index.js'
import { unlessGone } from '../kernel/unless-gone.js'
import { ListedFilters } from './listed-filters.js'

/** What a namespace has, to be compared with a plan. */
export interface Snapshot {
  /** Names as of this look: each is looked up once, which for one that is missing takes milliseconds. */
  readonly devices: DeviceNames
  link(name: string): (Link & Uncarried) | undefined
  qdiscs(dev: string): readonly Qdisc[]
  /** The filter in the place of a planned one, whatever it is. */
  filterAt(planned: FilterSpec): Promise<Filter | undefined>
  /** The filters of a hook or qdisc by what `placeOf` says of them; none where there is no such. */
  filtersByPlace(dev: string, parent: string): Promise<ReadonlyMap<string, Filter>>
  classes(dev: string): Promise<readonly TrafficClass[]>
  /** The route that packets to what a planned one leads to take; undefined where there is none, or nobody looks. */
  routeLike(planned: RouteSpec): Route | undefined
}

/**
 * Everything that the host's namespace has. Links and qdiscs are read once for all devices, filters and classes
 * of a device when they are asked for, none where it has gone meanwhile; nothing is read twice.
 */
export class WholeSnapshot implements Snapshot {
  readonly devices: DeviceNames
  readonly #rt: RtnetlinkSocket
  readonly #links: ReadonlyMap<string, Link & Uncarried>
  readonly #qdiscs: ReadonlyMap<string, Qdisc[]>
  readonly #filters: ListedFilters
  readonly #classes = new Map<string, Promise<TrafficClass[]>>()

  private constructor(rt: RtnetlinkSocket, links: readonly (Link & Uncarried)[], qdiscs: readonly Qdisc[]) {
    this.devices = rememberNames(rt.devices)
    this.#rt = rt
    this.#links = new Map(links.map(link => [link.name, link]))
    const byDevice = new Map<string, Qdisc[]>()
    for (const qdisc of qdiscs) byDevice.set(qdisc.dev, [...(byDevice.get(qdisc.dev) ?? []), qdisc])
    this.#qdiscs = byDevice
    this.#filters = new ListedFilters(rt, dev => this.qdiscs(dev))
  }

  static async read(rt: RtnetlinkSocket): Promise<WholeSnapshot> {
    return new WholeSnapshot(rt, await rt.links.list(), await rt.qdiscs.list())
  }

  link(name: string): (Link & Uncarried) | undefined {
    return this.#links.get(name)
  }

  qdiscs(dev: string): readonly Qdisc[] {
    return this.#qdiscs.get(dev) ?? []
  }

  filterAt(planned: FilterSpec): Promise<Filter | undefined> {
    return this.#filters.at(planned)
  }

  filtersByPlace(dev: string, parent: string): Promise<ReadonlyMap<string, Filter>> {
    return this.#filters.byPlace(dev, parent)
  }

  /** None is planned here. */
  routeLike(): undefined {
    return undefined
  }

  classes(dev: string): Promise<TrafficClass[]> {
    return readOnce(
      this.#classes,
      dev,
      async () => (await unlessGone(async () => this.#rt.classes.list({ dev }))) ?? [],
    )
  }
}

function readOnce<T>(known: Map<string, Promise<T>>, key: string, read: () => Promise<T>): Promise<T> {
  const before = known.get(key)
  if (before) return before
  const value = read()
  known.set(key, value)
  return value
}
