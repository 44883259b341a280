import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { filter, parseU32Handle, type Filter, type FilterKey, type FilterSpec } from '../../tc/index.js'
import { lookUp } from '../kernel/look-up.js'
import { isRoot, keyOf } from '../layout/filter-places.js'

/** Filters that are asked for by their keys, each once: those of its own kind that have the place. */
export class KeyedFilters {
  readonly #rt: RtnetlinkSocket
  readonly #found = new Map<string, Filter | undefined>()

  constructor(rt: RtnetlinkSocket) {
    this.#rt = rt
  }

  /** Asks for many of them in few batches. */
  async read(keys: readonly FilterKey[]): Promise<void> {
    const filters = await lookUpFilters(this.#rt, keys)
    for (const [i, key] of keys.entries()) this.#found.set(nameOf(key), filters[i])
  }

  async at(key: FilterKey): Promise<Filter | undefined> {
    if (!this.#found.has(nameOf(key))) await this.read([key])
    return this.#found.get(nameOf(key))
  }
}

const nameOf = (key: FilterKey): string => keyOf(key as FilterSpec)

/** TC_U32_ROOT, linux/pkt_cls.h: the root table of a priority, whatever its number. */
const ROOT_TABLE = 0xfff0_0000

/** Filters by their keys. A root of a u32 priority is found by the number of its table alone, which is asked for first. */
async function lookUpFilters(
  rt: RtnetlinkSocket,
  keys: readonly FilterKey[],
): Promise<(Filter | undefined)[]> {
  const roots = keys.filter(isRoot)
  const tables = await lookUp(
    rt,
    filter,
    roots.map(key => ({ ...key, handle: ROOT_TABLE })),
  )
  const tableOf = new Map(roots.map((key, i) => [key, tables[i]]))
  const asked = keys.flatMap(key => {
    if (!tableOf.has(key)) return [{ key, numbered: key }]
    const table = tableOf.get(key)
    if (!table) return []
    const handle = parseU32Handle(table.handle) | (parseU32Handle(key.handle) & 0xfff)
    return [{ key, numbered: { ...key, handle: handle >>> 0 } }]
  })
  const filters = await lookUp(
    rt,
    filter,
    asked.map(({ numbered }) => numbered),
  )
  const filterOf = new Map(asked.map(({ key }, i) => [key, filters[i]]))
  return keys.map(key => filterOf.get(key))
}
