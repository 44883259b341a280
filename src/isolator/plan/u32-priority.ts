import { ipv6ToWords } from '../../netlink/codec/addresses.js'
import {
  filter,
  mirred,
  type EtherType,
  type MirredAction,
  type Parent,
  type U32HashKey,
  type U32Key,
} from '../../tc/index.js'
import { nodeHandle, tableHandle } from '../layout/layout.js'
import { plan, planAdd, type Planned } from './planned.js'

/** Moves on by the length of a header: of one that says its length itself, or of a fixed one, which is `plus` alone. */
export type Skip =
  | { readonly at: number; readonly mask: number; readonly shift: number; readonly plus: number }
  | { readonly plus: number }

/** A node that looks at a packet and hands it on to a table. */
export interface Links {
  /** All have to match. Default: none, every packet does. */
  readonly keys?: readonly U32Key[]
  /** The table that is looked in next. */
  readonly link: number
  /** Which part of the packet chooses the bucket there. Default: the table has one bucket. */
  readonly hashKey?: U32HashKey
  /** Makes further offsets count from behind this header. */
  readonly skip?: Skip
}

/** A node that ends the search, or with `mirror` goes on to the next filter. */
export type Delivers = { readonly keys?: readonly U32Key[] } & (
  { readonly redirect: string } | { readonly mirror: string } | { readonly classid: string }
)

/** A key on the 32-bit word at an offset. */
export const word = (at: number, value: number): U32Key => ({ at, value, mask: 0xffffffff })

/** Keys on the four words of an IPv6 address at an offset. */
export const address6 = (at: number, address: string): U32Key[] =>
  ipv6ToWords(address).map((value, i) => word(at + 4 * i, value))

/** A key on the 16 bits at an even offset: the high or low half of the word that holds them. */
export function half(at: number, value: number, mask: number): U32Key {
  const shift = (at & 3) === 0 ? 16 : 0
  return { at: at & ~3, value: (value << shift) >>> 0, mask: (mask << shift) >>> 0 }
}

/** A key on the byte at an offset. */
export function byte(at: number, value: number, mask: number): U32Key {
  const shift = 24 - 8 * (at & 3)
  return { at: at & ~3, value: (value << shift) >>> 0, mask: (mask << shift) >>> 0 }
}

/** The u32 filters of one priority on one device, each with a handle given by us and none by the kernel. */
export class U32Priority {
  readonly #common

  constructor(dev: string, priority: number, protocol: EtherType, parent: Parent = 'ingress') {
    this.#common = { dev, parent, priority, protocol, kind: 'u32' } as const
  }

  /** A hash table. */
  table(table: number, divisor: number): Planned {
    return planAdd(filter, { ...this.#common, handle: tableHandle(table), divisor })
  }

  /**
   * A filter in the root table, where every packet of the protocol begins. It has no inverse: the kernel numbers root
   * tables, so a root is found by listing, or goes with its qdisc.
   */
  root(node: number, fields: Links | Delivers): Planned {
    return plan(filter, 'add', { ...this.#common, handle: `::${node.toString(16)}`, ...spec(fields) })
  }

  /** A filter in a bucket. */
  node(table: number, bucket: number, node: number, fields: Links | Delivers): Planned {
    return planAdd(filter, { ...this.#common, handle: nodeHandle(table, bucket, node), ...spec(fields) })
  }
}

function spec(fields: Links | Delivers) {
  const { keys } = fields
  if ('classid' in fields) return { keys, classid: fields.classid }
  if (!('link' in fields)) return { keys, actions: [deliver(fields)] }
  const { link, hashKey, skip } = fields
  return { keys, link: tableHandle(link), hashKey, offset: skip && { ...skip, eat: true } }
}

/** Everyone gets a copy, and the walk goes on to the next: hence `continue`. */
const deliver = (fields: { redirect: string } | { mirror: string }): MirredAction =>
  'redirect' in fields ? mirred.redirect(fields.redirect) : mirred.mirror(fields.mirror, { then: 'continue' })
