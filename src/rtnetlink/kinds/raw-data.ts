import { attributesIn } from '../../netlink/codec/attribute.js'
import { Writer } from '../../netlink/codec/index.js'
import { bondTakes } from './bond-modes.js'

interface Attribute {
  readonly type: number
  readonly content: Uint8Array
}

/** What an attribute of IFLA_INFO_DATA becomes. */
type Taken = (content: Uint8Array) => readonly Attribute[]

const left: Taken = () => []

/** What an attribute of a kind becomes; undefined: it stays as it is. `listed` has the contents of all of them, by type. */
type TakenOfKind = (
  attribute: Attribute,
  listed: ReadonlyMap<number, Uint8Array>,
) => readonly Attribute[] | undefined

const byType =
  (taken: Readonly<Record<number, Taken>>): TakenOfKind =>
  ({ type, content }) =>
    taken[type]?.(content)

// IFLA_VXLAN_TTL_INHERIT, linux/if_link.h: listed as a number, taken as a flag (vxlan_fill_info and vxlan_policy).
const VXLAN_TTL_INHERIT = 28
/** IFLA_VXLAN_REMCSUM_RX: Linux takes it for on whatever it says, where it checks IFLA_VXLAN_RESERVED_BITS. */
const VXLAN_REMCSUM_RX = 22

// IFLA_MACVLAN_*, linux/if_link.h
const MACVLAN_MACADDR_MODE = 3
const MACVLAN_MACADDR_DATA = 5
const MACVLAN_MACADDR_COUNT = 6
const MACVLAN_BC_QUEUE_LEN_USED = 8
/** MACVLAN_MACADDR_SET */
const MACADDR_SET = Uint8Array.of(3, 0, 0, 0)

/** Counts are refused, and addresses taken with the word of what to do with them (macvlan_validate). */
const macvlan = byType({
  [MACVLAN_MACADDR_COUNT]: left,
  [MACVLAN_BC_QUEUE_LEN_USED]: left,
  [MACVLAN_MACADDR_DATA]: content => [
    { type: MACVLAN_MACADDR_MODE, content: MACADDR_SET },
    { type: MACVLAN_MACADDR_DATA, content },
  ],
})

/** Attributes that the kernel lists in one way and takes in another, by kind. */
const differences: Readonly<Record<string, TakenOfKind>> = {
  bond: (attribute, listed) => (bondTakes(attribute, listed) ? undefined : []),
  vxlan: byType({
    [VXLAN_REMCSUM_RX]: content => (content[0] ? [{ type: VXLAN_REMCSUM_RX, content }] : []),
    [VXLAN_TTL_INHERIT]: ([on]) => (on ? [{ type: VXLAN_TTL_INHERIT, content: new Uint8Array() }] : []),
  }),
  macvlan,
  macvtap: macvlan,
}

/** The raw IFLA_INFO_DATA of a listed link in the form in which the kernel takes it back. */
export function takenData(kind: string, data: Uint8Array): Uint8Array {
  const different = Object.hasOwn(differences, kind) ? differences[kind] : undefined
  if (different === undefined) return data
  const view = new DataView(data.buffer, data.byteOffset, data.length)
  const attributes = Array.from(attributesIn(view, 0, data.length), ({ type, flags, at, end }) => ({
    ...{ type, flags },
    content: data.subarray(at, end),
  }))
  const listed = new Map(attributes.map(({ type, content }) => [type, content]))
  const writer = new Writer(data.length)
  for (const attribute of attributes) {
    const asItIs = { type: attribute.type | attribute.flags, content: attribute.content }
    for (const one of different(attribute, listed) ?? [asItIs]) {
      const start = writer.beginAttribute()
      writer.append(one.content)
      writer.endAttribute(start, one.type)
    }
  }
  return writer.bytes().slice()
}
