import { attributesIn } from '../../netlink/codec/attribute.js'
import { Writer } from '../../netlink/codec/index.js'

/** What becomes of an attribute of IFLA_INFO_DATA: the contents under this type. Absent: it stays as it is. */
type Taken = (content: Uint8Array) => readonly { type: number; content: Uint8Array }[]

const left: Taken = () => []

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
const macvlan: Readonly<Record<number, Taken>> = {
  [MACVLAN_MACADDR_COUNT]: left,
  [MACVLAN_BC_QUEUE_LEN_USED]: left,
  [MACVLAN_MACADDR_DATA]: content => [
    { type: MACVLAN_MACADDR_MODE, content: MACADDR_SET },
    { type: MACVLAN_MACADDR_DATA, content },
  ],
}

/** Attributes that the kernel lists in one way and takes in another, by kind. */
const differences: Readonly<Record<string, Readonly<Record<number, Taken>>>> = {
  vxlan: {
    [VXLAN_REMCSUM_RX]: content => (content[0] ? [{ type: VXLAN_REMCSUM_RX, content }] : []),
    [VXLAN_TTL_INHERIT]: ([on]) => (on ? [{ type: VXLAN_TTL_INHERIT, content: new Uint8Array() }] : []),
  },
  macvlan,
  macvtap: macvlan,
}

/** The raw IFLA_INFO_DATA of a listed link in the form in which the kernel takes it back. */
export function takenData(kind: string, data: Uint8Array): Uint8Array {
  const different = Object.hasOwn(differences, kind) ? differences[kind] : undefined
  if (different === undefined) return data
  const writer = new Writer(data.length)
  const view = new DataView(data.buffer, data.byteOffset, data.length)
  for (const { type, flags, at, end } of attributesIn(view, 0, data.length)) {
    const content = data.subarray(at, end)
    for (const one of different[type]?.(content) ?? [{ type: type | flags, content }]) {
      const start = writer.beginAttribute()
      writer.append(one.content)
      writer.endAttribute(start, one.type)
    }
  }
  return writer.bytes().slice()
}
