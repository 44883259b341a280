import {
  absent,
  boolean,
  bytes,
  object,
  optional,
  whole,
  type Declaration,
  type InputOf,
} from '../../input/index.js'
import { carriedBy } from '../../netlink/codec/carried-by.js'
import { be16, be32, s16, u16, u32, u8 } from '../../netlink/codec/index.js'
import { deviceNameInput } from '../../netlink/devices.js'
import type { DeviceNames } from '../../netlink/message-type.js'
import type { Verb } from '../../netlink/object-type.js'
import { actionsInput, actionsToWire } from '../action.js'
import { handleInput, parseClassid } from '../handle.js'
import { offloadFlags, offloadInput, type Offload } from '../offload.js'
import {
  formatU32Handle,
  inRootTable,
  parseU32Bucket,
  parseU32Handle,
  u32Bucket,
  u32HandleInput,
  u32Node,
  u32Table,
  type U32Handle,
} from '../u32-handle.js'
import { keysInput, keysToWire } from '../u32-key.js'
import { TC_U32_EAT, TC_U32_OFFSET, TC_U32_TERMINAL, TC_U32_VAROFFSET, type U32WireIn } from './u32-wire.js'

type Selector = NonNullable<U32WireIn['selector']>

const MAX_DIVISOR = 256

const hashKey = object({
  /** Of 32 bits. */
  mask: carriedBy(be32),
  at: carriedBy(s16),
})

/** The part of a packet that chooses the bucket of a linked table: the word at `at`, masked, shifted to its lowest bit. */
export interface U32HashKey extends InputOf<typeof hashKey> {}

const offset = object({
  at: optional(carriedBy(s16)),
  /** Of 16 bits. */
  mask: optional(carriedBy(be16)),
  shift: optional(carriedBy(u8)),
  plus: optional(carriedBy(u16)),
  /** Move for good, so that all further filters count from there. */
  eat: optional(boolean),
})

/**
 * Where a linked table counts offsets from: `plus`, and the 16-bit word at `at` masked with `mask` and shifted right,
 * rounded up to a multiple of 4. The kernel reads the hash key before it applies the offset of the same filter.
 */
export interface U32Offset extends InputOf<typeof offset> {}

const node = object({
  /** Chosen by the kernel where it is not given: see U32Handle. */
  handle: optional(u32HandleInput),
  /** The table and bucket that holds the node. Default: those of `handle`, and the root table without one. */
  table: optional(u32HandleInput),
  /** All have to match. Default: none, which matches everything. */
  keys: optional(keysInput),
  /** A match goes on with this table. */
  link: optional(u32HandleInput),
  /** Chooses the bucket in the linked table. Default: the first one. */
  hashKey: optional<U32HashKey>(hashKey),
  offset: optional<U32Offset>(offset),
  /** The class for packets that match. */
  classid: optional(handleInput),
  /** A match ends the search. Default: where there is a classid, an action or a policer. */
  terminal: optional(boolean),
  actions: optional(actionsInput),
  /** A policer as it was before there were actions: the content of TCA_U32_POLICE. */
  police: optional(bytes),
  /** Match only packets that arrived at the device of this name. */
  inputDevice: optional(deviceNameInput),
  /** Match only packets whose mark, masked, has this value. */
  mark: optional(object({ value: carriedBy(u32), mask: carriedBy(u32) })),
  divisor: absent,
})

const table = object({
  /** Chosen by the kernel where it is not given: a table, such as `'1:'`. */
  handle: optional(u32HandleInput),
  /** How many buckets: a power of two up to 256. */
  divisor: whole(1, MAX_DIVISOR),
})

/** A filter of the u32 classifier that compares keys. */
export interface U32Node extends Offload, InputOf<typeof node> {}

/** The members of a node that a table has not. */
type NodeOnly = { [K in Exclude<keyof U32Node, keyof Offload | 'handle' | 'divisor'>]?: undefined }

/** A hash table of such filters. */
export interface U32Table extends Offload, InputOf<typeof table>, NodeOnly {}

export type U32Fields = U32Node | U32Table

export const u32NodeInput: Declaration<U32Node> = object({}, node, offloadInput)
export const u32TableInput: Declaration<U32Table> = object({}, table, offloadInput)

/** The attributes of a filter. Throws TypeError or RangeError for what is no filter, or none that the kernel can make. */
export function u32ToWire(fields: U32Fields, devices: DeviceNames, verb: Verb): U32WireIn {
  if (fields.divisor !== undefined) return tableToWire(fields)
  const handle = fields.handle === undefined ? 0 : nodeHandle(fields.handle)
  return {
    classid: fields.classid === undefined ? undefined : parseClassid(fields.classid),
    link: fields.link === undefined ? undefined : parseU32Bucket(fields.link),
    inputDevice: fields.inputDevice,
    actions: actionsToWire(fields.actions, devices),
    police: fields.police,
    hash: bucketOf(fields, handle),
    selector: verb === 'add' ? selectorOf(fields) : unchangeable(fields, verb),
    mark: fields.mark && { val: fields.mark.value, mask: fields.mark.mask },
    flags: offloadFlags(fields),
  }
}

function tableToWire({ handle, divisor, ...fields }: U32Table): U32WireIn {
  if ((divisor & (divisor - 1)) !== 0) throw new RangeError(`divisor is ${divisor}: expected a power of two`)
  if (handle !== undefined && (parseU32Handle(handle) & 0xfffff) !== 0) {
    throw new RangeError(`'${handle}' is not a table: expected a handle such as '1:' with divisor`)
  }
  if (handle !== undefined && divisor === 1 && inRootTable(parseU32Handle(handle))) {
    throw new RangeError(
      `'${handle}' is a root table, which the kernel makes with the first filter of a priority: leave it out`,
    )
  }
  return { divisor, flags: offloadFlags(fields) }
}

/** Older kernels make a node numbered 0 of a handle without a node part, and take it for a table afterwards. */
function nodeHandle(handle: U32Handle): number {
  const value = parseU32Handle(handle)
  if (u32Node(value) !== 0) return value
  throw new RangeError(
    `'${handle}' does not name a node: expected a handle such as '1:2:3', or table: '${handle}' alone`,
  )
}

/**
 * What TCA_U32_HASH says: undefined for the root table. The kernel takes the bucket from here and ignores the one in
 * the handle, so both have to be the same, or the node would be found under another handle than it was added with.
 */
function bucketOf({ table }: U32Fields, handle: number): number | undefined {
  const ofHandle = u32Bucket(handle)
  if (table === undefined) {
    // The kernel numbers root tables in the order of their priorities, and refuses a number that is not the root's own.
    if (inRootTable(ofHandle)) return undefined
    if (u32Table(handle) !== 0) return ofHandle
    if (ofHandle === 0) return undefined
    throw new RangeError(
      `'${formatU32Handle(handle)}' names a bucket of the root table, which has one only: expected '::${u32Node(handle).toString(16)}'`,
    )
  }
  const bucket = parseU32Bucket(table)
  if (ofHandle !== 0 && ofHandle !== bucket) {
    throw new RangeError(`handle '${formatU32Handle(handle)}' is not in table '${formatU32Handle(bucket)}'`)
  }
  return bucket
}

function selectorOf(fields: U32Fields): Selector {
  const {
    keys,
    hashKey,
    offset,
    terminal = fields.classid !== undefined ||
      (fields.actions?.length ?? 0) > 0 ||
      fields.police !== undefined,
  } = fields
  const wireKeys = keysToWire(keys ?? [])
  return {
    flags: (terminal ? TC_U32_TERMINAL : 0) | (offset ? offsetFlags(offset) : 0),
    nkeys: wireKeys.length,
    offshift: offset?.shift,
    offmask: offset?.mask,
    off: offset?.plus,
    offoff: offset?.at,
    hoff: hashKey?.at,
    hmask: hashKey?.mask,
    keys: wireKeys,
  }
}

const offsetFlags = ({ at, mask, shift, plus, eat }: U32Offset): number =>
  (plus === undefined ? 0 : TC_U32_OFFSET) |
  (at === undefined && mask === undefined && shift === undefined ? 0 : TC_U32_VAROFFSET) |
  (eat ? TC_U32_EAT : 0)

/** The kernel keeps the selector of a node that exists, whatever it is sent (u32_init_knode): nothing may rely on it. */
function unchangeable({ keys, hashKey, offset }: U32Fields, verb: Verb): undefined {
  if (verb === 'change' && keys === undefined && hashKey === undefined && offset === undefined)
    return undefined
  throw new TypeError(
    verb === 'change'
      ? 'the kernel keeps keys, hashKey and offset of a u32 filter: change actions, classid or link only'
      : 'a u32 filter cannot be replaced, the kernel would keep its old keys: add another, then delete the old one',
  )
}
