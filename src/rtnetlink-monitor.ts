import type { Message } from './netlink/message.js'
import type { DeviceNames } from './netlink/message-type.js'
import type { ObjectType } from './netlink/object-type.js'
import { NetlinkSubscription } from './netlink/subscription.js'
import type { Transport } from './netlink/transport.js'
import { rtnetlinkProtocol } from './rtnetlink-protocol.js'
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

type DecodedOf<O> =
  O extends ObjectType<infer _Spec, infer _Key, infer _Query, infer Decoded> ? Decoded : never

/** A change: `table` tells which kind of object, `event` whether it is there now (`'new'`: made or changed) or gone. */
export type RtnetlinkChange = {
  [Name in keyof Objects]: { event: 'new' | 'delete'; table: Name; object: DecodedOf<Objects[Name]> }
}[keyof Objects]

/** A change, or word that the kernel dropped notifications: what was missed follows as changes. */
export type RtnetlinkEvent = RtnetlinkChange | { event: 'overrun' }

export interface MonitorOptions {
  /** Ends the monitor. */
  signal?: AbortSignal | undefined
  /** Which tables to watch. Default: all of them. */
  tables?: readonly (keyof Objects)[] | undefined
}

type Known = Map<string, RtnetlinkChange>

/**
 * The changes of a socket's namespace. It remembers what exists (read once at the start), so that after an overrun it
 * can tell what came and went meanwhile.
 */
export async function* monitor(
  rt: Tables<'async'>,
  openTransport: () => Transport,
  { signal, tables = Object.keys(OBJECTS) as (keyof Objects)[] }: MonitorOptions = {},
): AsyncGenerator<RtnetlinkEvent, void, undefined> {
  const transport = openTransport()
  const groups = [...new Set(tables.flatMap(table => GROUPS[table]))]
  const subscription = new NetlinkSubscription(transport, rtnetlinkProtocol, groups, signal)
  try {
    const known = await snapshot(rt, tables)
    for await (const notification of subscription) {
      if ('overrun' in notification) {
        yield { event: 'overrun' }
        yield* differences(known, await snapshot(rt, tables))
        continue
      }
      const change = changeOf(notification.message, tables, transport)
      if (!change) continue
      if (change.event === 'new') known.set(identity(change), change)
      else known.delete(identity(change))
      yield change
    }
  } finally {
    subscription.close()
  }
}

function changeOf(
  message: Message,
  tables: readonly (keyof Objects)[],
  devices: DeviceNames,
): RtnetlinkChange | undefined {
  for (const table of tables) {
    const object = OBJECTS[table] as unknown as ObjectType<unknown, unknown, unknown, unknown>
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
  `${table} ${(OBJECTS[table] as unknown as ObjectType<unknown, unknown, unknown, unknown>).identity(object)}`

async function snapshot(rt: Tables<'async'>, tables: readonly (keyof Objects)[]): Promise<Known> {
  const known: Known = new Map()
  for (const table of tables) {
    for (const object of await listAll(rt, table)) {
      const change = { event: 'new', table, object } as RtnetlinkChange
      known.set(identity(change), change)
    }
  }
  return known
}

/** Classes and filters are dumped per device and parent, so the qdiscs tell where to look. */
async function listAll(rt: Tables<'async'>, table: keyof Objects): Promise<unknown[]> {
  if (table !== 'classes' && table !== 'filters') return rt[table].list({})
  const qdiscs = await rt.qdiscs.list({})
  const lists = qdiscs.map(({ ifindex, kind, handle }) => {
    if (table === 'classes') return rt.classes.list({ dev: ifindex })
    const parents =
      kind === 'clsact'
        ? (['ingress', 'egress'] as const)
        : kind === 'ingress'
          ? (['ingress'] as const)
          : [handle]
    return Promise.all(parents.map(parent => rt.filters.list({ dev: ifindex, parent })))
  })
  return (await Promise.all(lists)).flat(2)
}

function* differences(known: Known, now: Known): Generator<RtnetlinkChange> {
  for (const [key, change] of known) {
    if (now.has(key)) continue
    known.delete(key)
    yield { ...change, event: 'delete' }
  }
  for (const [key, change] of now) {
    if (same(known.get(key)?.object, change.object)) continue
    known.set(key, change)
    yield change
  }
}

/** Statistics change all the time and are not news. */
function same(before: unknown, after: unknown): boolean {
  return before !== undefined && text(before) === text(after)
}

const text = (object: unknown): string =>
  JSON.stringify(object, (key, value: unknown) => {
    if (key === 'statistics') return undefined
    return typeof value === 'bigint' ? value.toString() : value
  })
