import { abortSignal, object, optional, type Declaration, type InputOf } from './input/index.js'
import type { Message } from './netlink/message.js'
import type { DeviceNames } from './netlink/message-type.js'
import type { ObjectType } from './netlink/object-type.js'
import { NetlinkClosedError } from './netlink/errors.js'
import { NetlinkSubscription } from './netlink/subscription.js'
import type { Transport } from './netlink/transport.js'
import { rtnetlinkProtocol } from './rtnetlink-protocol.js'
import {
  snapshot,
  TABLE_NAMES,
  tableNamesInput,
  type DecodedOf,
  type TableName,
} from './rtnetlink-snapshot.js'
import { OBJECTS, type Objects, type Tables } from './rtnetlink-tables.js'

// enum rtnetlink_groups, linux/rtnetlink.h
const RTNLGRP_LINK = 1
const RTNLGRP_NEIGH = 3
const RTNLGRP_TC = 4
const RTNLGRP_IPV4_IFADDR = 5
const RTNLGRP_IPV4_ROUTE = 7
const RTNLGRP_IPV6_IFADDR = 9
const RTNLGRP_IPV6_ROUTE = 11

/** Which groups tell of which objects. */
const GROUPS: Readonly<Record<keyof Objects, readonly number[]>> = {
  links: [RTNLGRP_LINK],
  neighbours: [RTNLGRP_NEIGH],
  qdiscs: [RTNLGRP_TC],
  classes: [RTNLGRP_TC],
  filters: [RTNLGRP_TC],
  addresses: [RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR],
  routes: [RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE],
}

/** A change: `table` tells which kind of object, `event` whether it is there now (`'new'`: made or changed) or gone. */
export type RtnetlinkChange = {
  [Name in keyof Objects]: { event: 'new' | 'delete'; table: Name; object: DecodedOf<Objects[Name]> }
}[keyof Objects]

/** A change, or word that the kernel dropped notifications: what was missed follows as changes. */
export type RtnetlinkEvent = RtnetlinkChange | { event: 'overrun' }

const monitorOptions = object({
  /** Ends the monitor. */
  signal: optional(abortSignal),
  /** Which tables to watch. Default: all of them. */
  tables: optional(tableNamesInput),
})

export interface MonitorOptions extends InputOf<typeof monitorOptions> {}
export const monitorInput: Declaration<MonitorOptions> = monitorOptions

type Known = Map<string, RtnetlinkChange>

type AnyObject = ObjectType<unknown, unknown, unknown, unknown>

const objectOf = (table: TableName): AnyObject => OBJECTS[table]

/**
 * The changes of a socket's namespace, from the call on. It reads the tables when the first change is asked for, so that
 * after an overrun it can tell what came and went meanwhile. Closing it, or its socket, ends it for whoever waits.
 */
export class RtnetlinkMonitor
  implements AsyncIterableIterator<RtnetlinkEvent, void, undefined>, AsyncDisposable
{
  readonly #subscription: NetlinkSubscription
  readonly #events: AsyncGenerator<RtnetlinkEvent, void, undefined>
  readonly #ended: () => void

  /** `ended` is called when it is closed. Throws SystemError if a socket cannot be opened. */
  constructor(
    rt: Tables<'async'>,
    openTransport: () => Transport,
    { signal, tables = TABLE_NAMES }: MonitorOptions,
    ended: () => void,
  ) {
    const transport = openTransport()
    const groups = [...new Set(tables.flatMap(table => GROUPS[table]))]
    this.#subscription = new NetlinkSubscription(transport, rtnetlinkProtocol, groups, signal)
    this.#ended = ended
    this.#events = this.#read(rt, transport, tables)
  }

  /** The next change. Ends after `close`. */
  next(): Promise<IteratorResult<RtnetlinkEvent, void>> {
    return this.#events.next()
  }

  /** Closes: a `for await` loop calls it when it is left. */
  return(): Promise<IteratorResult<RtnetlinkEvent, void>> {
    this.close()
    return this.#events.return()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** Ends the monitor: a wait for a change ends with none. */
  close(): void {
    this.#subscription.close()
    this.#ended()
  }

  /** Closes, and resolves when the kernel has its file descriptors back. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close()
    return this.#subscription[Symbol.asyncDispose]()
  }

  async *#read(
    rt: Tables<'async'>,
    devices: DeviceNames,
    tables: readonly TableName[],
  ): AsyncGenerator<RtnetlinkEvent, void, undefined> {
    try {
      const known = await read(rt, tables)
      for await (const notification of this.#subscription) {
        if (!('message' in notification)) {
          yield { event: 'overrun' }
          yield* differences(known, await read(rt, tables))
          continue
        }
        const change = changeOf(notification.message, tables, devices)
        if (!change) continue
        remember(known, change, devices)
        yield change
      }
    } catch (error) {
      // The socket that reads the tables was closed, and the monitor with it.
      if (!(error instanceof NetlinkClosedError && this.#subscription.closed)) throw error
    } finally {
      this.close()
    }
  }
}

/** What no list gives, such as the forwarding table of a bridge, would look deleted when the tables are read again. */
function remember(known: Known, change: RtnetlinkChange, devices: DeviceNames): void {
  const listed = objectOf(change.table).matches?.(change.object, {}, devices) !== false
  if (change.event === 'new' && listed) known.set(identity(change), change)
  else known.delete(identity(change))
}

function changeOf(
  message: Message,
  tables: readonly TableName[],
  devices: DeviceNames,
): RtnetlinkChange | undefined {
  for (const table of tables) {
    const object = objectOf(table)
    for (const event of ['new', 'delete'] as const) {
      if (message.type !== object.messages[event].type) continue
      return {
        event,
        table,
        object: object.fromBody(message.decode(object.messages[event]), devices),
      } as RtnetlinkChange
    }
  }
  return undefined
}

/** What makes an object the same one. */
const identity = ({ table, object }: RtnetlinkChange): string =>
  `${table} ${objectOf(table).identity(object)}`

async function read(rt: Tables<'async'>, tables: readonly TableName[]): Promise<Known> {
  const lists = await snapshot(rt, tables)
  const known: Known = new Map()
  for (const table of tables) {
    for (const object of lists[table]) {
      const change = { event: 'new', table, object } as RtnetlinkChange
      known.set(identity(change), change)
    }
  }
  return known
}

function* differences(known: Known, now: Known): Generator<RtnetlinkChange> {
  for (const [key, change] of known) {
    if (now.has(key)) continue
    known.delete(key)
    yield { ...change, event: 'delete' }
  }
  for (const [key, change] of now) {
    const before = known.get(key)
    known.set(key, change)
    if (before === undefined || lasting(before) !== lasting(change)) yield change
  }
}

/** An object as text, without what changes by itself. */
function lasting({ table, object }: RtnetlinkChange): string {
  const passing = new Set(objectOf(table).passing)
  return JSON.stringify(object, (key, value: unknown) => {
    if (typeof value === 'bigint' || value === Infinity) return String(value)
    return passing.has(key) ? undefined : value
  })
}
