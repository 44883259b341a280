import { filter, parseU32Handle, type Filter } from '../tc/index.js'
import { Writer } from '../netlink/codec/index.js'
import type { Request } from '../netlink/message.js'
import type { RtnetlinkSocket } from '../rtnetlink-socket.js'
import { IsolatorError } from './isolator-error.js'
import { PRIORITY } from './layout.js'
import type { Planned } from './plan/planned.js'

/** Priorities of the layout on the host's own interfaces. */
const OURS = new Set<number>([PRIORITY.martian, PRIORITY.arp, PRIORITY.steering, PRIORITY.vlan, PRIORITY.priorityTagged])

/** Root tables are numbered by the kernel, from here on. */
const FIRST_ROOT_TABLE = 0x800

/** How long the kernel may take to let go of a table after its last link went (an RCU grace period; 32 ms measured). */
const TABLE_RELEASE_MS = 2000

/** The filters of our priorities on a device that has an ingress or clsact qdisc. */
export async function ourFilters(rt: RtnetlinkSocket, dev: string): Promise<Filter[]> {
  const filters = await rt.filters.list({ dev, parent: 'ingress' })
  return filters.filter(({ priority }) => OURS.has(priority))
}

/**
 * Which of the planned filters are not there yet, of a device whose filters are `found`.
 *
 * @throws IsolatorError ERR_FOREIGN_STATE where a planned handle holds another filter, naming both
 */
export function missingFilters(rt: RtnetlinkSocket, found: readonly Filter[], planned: readonly Planned[]): Planned[] {
  const there = new Map(found.map(object => [placeOf(object), object]))
  return planned.filter(message => {
    const wanted = asListed(message.request(rt.devices), rt)
    const existing = there.get(placeOf(wanted))
    if (!existing) return true
    const [is, expected] = [lineOf(existing), lineOf(wanted)]
    if (is === expected) return false
    throw new IsolatorError(
      'ERR_FOREIGN_STATE',
      `${wanted.dev} has a filter where this isolator has one of its own, and it is another. There: ${is}; expected: ${expected}`,
      { details: { dev: wanted.dev, found: is, expected } },
    )
  })
}

/** Removes filters one by one: nodes in the opposite order, then tables, which are busy for a moment after their last link. */
export async function removeFilters(rt: RtnetlinkSocket, filters: readonly Filter[]): Promise<void> {
  const deadline = Date.now() + TABLE_RELEASE_MS
  let left = [...filters.filter(isRoot), ...filters.filter(isNode), ...filters.filter(isTable)]
  while (left.length > 0) {
    const now = left
    const results = await rt.batch(batch => {
      for (const object of now) batch.filters.delete(object)
    })
    const refused = results.find(({ error }) => error && error.code !== 'EBUSY' && error.code !== 'ENOENT')?.error
    if (refused) throw refused
    left = now.filter((_, i) => results[i]?.error?.code === 'EBUSY')
    if (left.length > 0 && Date.now() > deadline) throw new Error(`${left.length} u32 tables are still in use after ${TABLE_RELEASE_MS} ms`)
    if (left.length > 0) await wait(5)
  }
}

/** What a request makes, as a dump would show it. */
function asListed({ type, body }: Request<never>, rt: RtnetlinkSocket): Filter {
  const writer = new Writer()
  type.body.put(writer, body)
  const bytes = writer.bytes().slice()
  return filter.fromBody(type.body.get(new DataView(bytes.buffer), 0, bytes.length), rt.devices)
}

const placeOf = (object: Filter): string => `${object.priority} ${object.protocol} ${withoutRootTable(object).handle}`

const lineOf = (object: Filter): string => filter.command('add', withoutRootTable(object))

/** A root as the plan has it, `::1`, without the table number that the kernel gave it. */
function withoutRootTable(object: Filter): Filter {
  if (!isRoot(object)) return object
  const { table: _table, ...root } = object as Filter & { table?: unknown }
  return { ...root, handle: `::${(handleOf(object) & 0xfff).toString(16)}` } as Filter
}

const handleOf = ({ kind, handle }: Filter): number => (kind === 'u32' ? parseU32Handle(handle) : 1)

const isTable = (object: Filter): boolean => (handleOf(object) & 0xfffff) === 0 && handleOf(object) >>> 20 < FIRST_ROOT_TABLE
const isRoot = (object: Filter): boolean =>
  object.kind === 'u32' && (handleOf(object) & 0xfff) !== 0 && (handleOf(object) >>> 20 === 0 || handleOf(object) >>> 20 >= FIRST_ROOT_TABLE)
const isNode = (object: Filter): boolean => (handleOf(object) & 0xfffff) !== 0 && !isRoot(object)

const wait = (ms: number): Promise<void> =>
  new Promise(resolve => {
    setTimeout(resolve, ms)
  })
