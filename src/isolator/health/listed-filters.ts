import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import type { Filter, FilterSpec, Qdisc } from '../../tc/index.js'
import { filtersAt } from '../kernel/filters-at.js'
import { unlessGone } from '../kernel/unless-gone.js'
import { placeOf } from '../layout/filter-places.js'

/** All filters of hooks and qdiscs: listed when they are asked for, and once. */
export class ListedFilters {
  readonly #rt: RtnetlinkSocket
  readonly #qdiscsOf: (dev: string) => readonly Qdisc[]
  readonly #lists = new Map<string, Promise<ReadonlyMap<string, Filter>>>()

  /** @param qdiscsOf the qdiscs of a device */
  constructor(rt: RtnetlinkSocket, qdiscsOf: (dev: string) => readonly Qdisc[]) {
    this.#rt = rt
    this.#qdiscsOf = qdiscsOf
  }

  /** Those of a hook or qdisc by what `placeOf` says of them; none where there is no such, or it has gone meanwhile. */
  byPlace(dev: string, parent: string): Promise<ReadonlyMap<string, Filter>> {
    const key = `${dev} ${parent}`
    const list = this.#lists.get(key) ?? this.#list(dev, parent)
    this.#lists.set(key, list)
    return list
  }

  /** The one in the place of a planned filter, whatever it is. */
  async at(planned: FilterSpec): Promise<Filter | undefined> {
    const there = await this.byPlace(String(planned.dev), String(planned.parent))
    return there.get(placeOf(planned))
  }

  async #list(dev: string, parent: string): Promise<ReadonlyMap<string, Filter>> {
    const isThere = this.#qdiscsOf(dev).some(({ kind, handle }) =>
      parent === 'ingress' ? kind === 'ingress' || kind === 'clsact' : handle === parent,
    )
    const filters = isThere ? await unlessGone(() => filtersAt(this.#rt, dev, parent)) : []
    return new Map(filters?.map(filter => [placeOf(filter), filter]))
  }
}
