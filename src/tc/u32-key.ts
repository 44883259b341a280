import { boolean, either, list, object, optional, type Declaration, type InputOf } from '../input/index.js'
import { carriedBy } from '../netlink/codec/carried-by.js'
import { be32, s32, struct, type Infer } from '../netlink/codec/index.js'

/** struct tc_u32_key, linux/pkt_cls.h */
export const tcU32Key = struct({ mask: be32, val: be32, off: s32, offmask: s32 })

const key = object({
  /** The kernel takes any offset, `tc` multiples of 4. */
  at: carriedBy(s32),
  value: carriedBy(be32),
  mask: carriedBy(be32),
  /** Count from the offset of the filter that linked here, one that does not `eat`. */
  nextHeader: optional(boolean),
})

/**
 * One comparison of the u32 classifier: the 32-bit word at `at`, in network order, masked with `mask`, equals `value`.
 * `at` counts from the network header, or from where the links that led here have moved it (`offset` with `eat`); the
 * link-layer header is at negative offsets. A word that lies beyond the end of the packet matches nothing.
 */
export interface U32Key extends InputOf<typeof key> {}

const keyInput: Declaration<U32Key> = key
export const keyListInput: Declaration<readonly U32Key[]> = list(keyInput, 'a list of u32 keys')

type Wire = Infer<typeof tcU32Key>

/** As many as iproute2 puts into one filter. */
const MAX_KEYS = 128

/** Keys as the builders of `u32` give them: one, or several that match together. */
export type U32Keys = readonly (U32Key | readonly U32Key[])[]

export const keysInput: Declaration<U32Keys> = list(either(keyListInput, keyInput), 'a list of u32 keys')

const EVERYTHING: readonly Wire[] = [{ mask: 0, val: 0, off: 0, offmask: 0 }]

/**
 * The keys as the kernel gets them. Keys of the same word become one, as in iproute2, so the kernel compares it once.
 * No keys match everything, which `tc` writes as `match u32 0 0 at 0`.
 */
export function keysToWire(keys: U32Keys): readonly Wire[] {
  const wire: Wire[] = []
  for (const some of keys) {
    if (isList(some)) for (const key of some) addKey(wire, key)
    else addKey(wire, some)
  }
  if (wire.length === 0) return EVERYTHING
  if (wire.length > MAX_KEYS)
    throw new RangeError(`${wire.length} keys do not fit a u32 filter, which takes ${MAX_KEYS}`)
  return wire
}

export const keyFromWire = ({ mask, val, off, offmask }: Wire): U32Key => ({
  at: off,
  value: val,
  mask,
  ...(offmask !== 0 && { nextHeader: true }),
})

/** `match u32 0x0a090002 0xffffffff at 16` */
export const keyWords = ({ at, value, mask, nextHeader }: U32Key): string[] => [
  ...['match', 'u32', hex32(value), hex32(mask)],
  ...['at', `${nextHeader ? 'nexthdr+' : ''}${at}`],
]

/** `0x0a090002` */
export const hex32 = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`

const isList = (some: U32Key | readonly U32Key[]): some is readonly U32Key[] => Array.isArray(some)

function addKey(wire: Wire[], key: U32Key): void {
  const offmask = key.nextHeader ? -1 : 0
  const val = (key.value & key.mask) >>> 0
  for (const same of wire) {
    if (same.off !== key.at || same.offmask !== offmask) continue
    merge(same, key, val)
    return
  }
  wire.push({ mask: key.mask, val, off: key.at, offmask })
}

function merge(into: Wire, { at, value, mask }: U32Key, val: number): void {
  if (((into.val ^ val) & into.mask & mask) !== 0) {
    throw new RangeError(
      `keys at ${at} contradict each other: ${hex32(into.val)}/${hex32(into.mask)} and ${hex32(value)}/${hex32(mask)} never match together`,
    )
  }
  into.val = (into.val | val) >>> 0
  into.mask = (into.mask | mask) >>> 0
}
