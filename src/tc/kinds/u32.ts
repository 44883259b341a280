import {
  attributes,
  be16,
  be32,
  binary,
  s16,
  struct,
  structWithTail,
  text,
  u16,
  u32,
  u64,
  u8,
  type Infer,
  type InferInput,
} from '../../netlink/codec/index.js'
import { deviceWord } from '../../netlink/device-word.js'
import type { Verb } from '../../netlink/object-type.js'
import {
  actionList,
  actionsFromWire,
  actionsToWire,
  actionWords,
  type Action,
  type ActionSpec,
} from '../action.js'
import type { FilterKind } from '../filter-kind.js'
import { formatHandle, parseClassid, type Handle } from '../handle.js'
import { offloadFlags, offloadOf, offloadWords, type Offload } from '../offload.js'
import {
  formatU32Handle,
  parseU32Bucket,
  parseU32Handle,
  u32Bucket,
  u32Node,
  u32Table,
  type U32Handle,
} from '../u32-handle.js'
import { hex32, keyFromWire, keysToWire, keyWords, tcU32Key, type U32Keys } from '../u32-key.js'
import { wholeNumber } from '../whole-number.js'

/** The head of struct tc_u32_sel, linux/pkt_cls.h. */
export const tcU32Sel = struct({
  flags: u8,
  offshift: u8,
  nkeys: u8,
  offmask: be16,
  off: u16,
  offoff: s16,
  hoff: s16,
  hmask: be32,
})
export const tcU32Mark = struct({ val: u32, mask: u32, success: u32 })
/** The head of struct tc_u32_pcnt, linux/pkt_cls.h. */
export const tcU32Pcnt = struct({ rcnt: u64, rhit: u64 })

/** TCA_U32_*, linux/pkt_cls.h */
export const u32Attributes = attributes({
  classid: ['TCA_U32_CLASSID', 1, u32],
  hash: ['TCA_U32_HASH', 2, u32],
  link: ['TCA_U32_LINK', 3, u32],
  divisor: ['TCA_U32_DIVISOR', 4, u32],
  selector: ['TCA_U32_SEL', 5, structWithTail(tcU32Sel, 'keys', tcU32Key)],
  police: ['TCA_U32_POLICE', 6, binary],
  actions: ['TCA_U32_ACT', 7, actionList],
  inputDevice: ['TCA_U32_INDEV', 8, text],
  counters: ['TCA_U32_PCNT', 9, structWithTail(tcU32Pcnt, 'kcnts', u64)],
  mark: ['TCA_U32_MARK', 10, tcU32Mark],
  flags: ['TCA_U32_FLAGS', 11, u32],
})

type Wire = Infer<typeof u32Attributes>
type WireIn = InferInput<typeof u32Attributes>
type Selector = NonNullable<WireIn['selector']>

// TC_U32_*, linux/pkt_cls.h
const TC_U32_TERMINAL = 1
const TC_U32_OFFSET = 2
const TC_U32_VAROFFSET = 4
const TC_U32_EAT = 8

const MAX_DIVISOR = 256

/** The part of a packet that chooses the bucket of a linked table: the word at `at`, masked, shifted to its lowest bit. */
export interface U32HashKey {
  /** Of 32 bits. */
  mask: number
  at: number
}

/**
 * Where a linked table counts offsets from: `plus`, and the 16-bit word at `at` masked with `mask` and shifted right,
 * rounded up to a multiple of 4. The kernel reads the hash key before it applies the offset of the same filter.
 */
export interface U32Offset {
  at?: number | undefined
  /** Of 16 bits. */
  mask?: number | undefined
  shift?: number | undefined
  plus?: number | undefined
  /** Move for good, so that all further filters count from there. */
  eat?: boolean | undefined
}

/** A filter of the u32 classifier: a node with keys, or a hash table of such nodes (`divisor`). */
export interface U32Fields<A extends ActionSpec = ActionSpec, K extends U32Keys = U32Keys> extends Offload {
  /** Chosen by the kernel where it is not given: see U32Handle. */
  handle?: U32Handle | undefined
  /** The table and bucket that holds the node. Default: those of `handle`, and the root table without one. */
  table?: U32Handle | undefined
  /** Makes a hash table of so many buckets: a power of two up to 256. */
  divisor?: number | undefined
  /** All have to match. Default: none, which matches everything. */
  keys?: K | undefined
  /** A match goes on with this table. */
  link?: U32Handle | undefined
  /** Chooses the bucket in the linked table. Default: the first one. */
  hashKey?: U32HashKey | undefined
  offset?: U32Offset | undefined
  /** The class for packets that match. */
  classid?: Handle | undefined
  /** A match ends the search. Default: where there is a classid or an action. */
  terminal?: boolean | undefined
  actions?: readonly A[] | undefined
  /** Match only packets that arrived at the device of this name. */
  inputDevice?: string | undefined
  /** Match only packets whose mark, masked, has this value. */
  mark?: { value: number; mask: number } | undefined
}

/** What the kernel tells of a u32 filter beside what was asked for. */
export interface U32State {
  inHardware: boolean
  /** How often the filter was tried, matched, and each key matched; only in kernels with CONFIG_CLS_U32_PERF. */
  statistics?: { tried: bigint; matched: bigint; keys: bigint[] }
}

/** `u32` (net/sched/cls_u32.c). */
export const u32Kind: FilterKind<U32Fields, Wire, WireIn> = {
  codec: u32Attributes,
  parseHandle: parseU32Handle,
  formatHandle: formatU32Handle,
  checkExisting(handle) {
    if (u32Table(handle) !== 0) return
    throw new RangeError(
      `'${formatU32Handle(handle)}' does not say which root table: list the filters, and use a handle such as '800::1'`,
    )
  },

  toWire(fields, devices, verb) {
    if (fields.divisor !== undefined) return tableToWire(fields)
    const handle = fields.handle === undefined ? 0 : nodeHandle(fields.handle)
    return {
      classid: fields.classid === undefined ? undefined : parseClassid(fields.classid),
      link: fields.link === undefined ? undefined : parseU32Bucket(fields.link),
      inputDevice: fields.inputDevice,
      actions: actionsToWire(fields.actions, devices),
      hash: bucketOf(fields, handle),
      selector: verb === 'add' ? selectorOf(fields) : unchangeable(fields, verb),
      mark: fields.mark && { val: fields.mark.value, mask: fields.mark.mask },
      flags: offloadFlags(fields),
    }
  },

  fromWire(
    { classid, hash, link, divisor, selector, actions, inputDevice, counters, mark, flags },
    devices,
  ): U32Fields & U32State {
    return {
      ...(divisor !== undefined && { divisor }),
      ...(hash !== undefined && { table: formatU32Handle(hash) }),
      ...(selector && selectorFields(selector)),
      ...(link && { link: formatU32Handle(link) }),
      ...(classid !== undefined && { classid: formatHandle(classid) }),
      ...(divisor === undefined && { actions: actionsFromWire(actions, devices) satisfies Action[] }),
      ...(inputDevice !== undefined && { inputDevice }),
      ...(mark && { mark: { value: mark.val, mask: mark.mask } }),
      ...(counters && { statistics: { tried: counters.rcnt, matched: counters.rhit, keys: counters.kcnts } }),
      ...offloadOf(flags),
    }
  },

  words: (fields, verb) =>
    fields.divisor === undefined
      ? nodeWords(fields, verb)
      : ['divisor', `${fields.divisor}`, ...offloadWords(fields)],
}

function tableToWire({ handle, divisor = 0, ...fields }: U32Fields): WireIn {
  wholeNumber('divisor', divisor, 1, MAX_DIVISOR)
  if ((divisor & (divisor - 1)) !== 0) throw new RangeError(`divisor is ${divisor}: expected a power of two`)
  if (handle !== undefined && (parseU32Handle(handle) & 0xfffff) !== 0) {
    throw new RangeError(`'${handle}' is not a table: expected a handle such as '1:' with divisor`)
  }
  const surplus = ['keys', 'link', 'hashKey', 'offset', 'classid', 'actions'].find(
    name => fields[name as keyof typeof fields] !== undefined,
  )
  if (surplus !== undefined) throw new TypeError(`${surplus} belongs to a node, and divisor makes a table`)
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
    terminal = fields.classid !== undefined || (fields.actions?.length ?? 0) > 0,
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

function selectorFields({
  flags,
  offshift,
  offmask,
  off,
  offoff,
  hoff,
  hmask,
  keys,
}: NonNullable<Wire['selector']>) {
  const variable = (flags & TC_U32_VAROFFSET) !== 0
  const offset: U32Offset = {
    ...(variable && { at: offoff, mask: offmask, shift: offshift }),
    ...(flags & TC_U32_OFFSET && { plus: off }),
    ...(flags & TC_U32_EAT && { eat: true }),
  }
  return {
    keys: keys.map(keyFromWire),
    terminal: (flags & TC_U32_TERMINAL) !== 0,
    ...(hmask !== 0 && { hashKey: { mask: hmask, at: hoff } }),
    ...(Object.keys(offset).length > 0 && { offset }),
  }
}

function nodeWords(fields: U32Fields, verb: Verb): string[] {
  const { table, keys, hashKey, offset, link, classid, inputDevice } = fields
  const handle = fields.handle === undefined ? 0 : parseU32Handle(fields.handle)
  const bucket = table === undefined ? u32Bucket(handle) : parseU32Bucket(table)
  return [
    ...(bucket === 0 ? [] : ['ht', formatU32Handle(bucket)]),
    ...(verb === 'change' && keys === undefined
      ? []
      : keysToWire(keys ?? [])
          .map(keyFromWire)
          .flatMap(keyWords)),
    ...(hashKey ? ['hashkey', 'mask', hex32(hashKey.mask), 'at', `${hashKey.at}`] : []),
    ...(offset ? offsetWords(offset) : []),
    ...(link === undefined ? [] : ['link', formatU32Handle(parseU32Handle(link))]),
    ...(classid === undefined ? [] : ['classid', formatHandle(parseClassid(classid))]),
    ...(inputDevice === undefined ? [] : ['indev', deviceWord(inputDevice)]),
    ...offloadWords(fields),
    ...actionWords(fields.actions),
  ]
}

const offsetWords = ({ at, mask, shift, plus, eat }: U32Offset): string[] => [
  'offset',
  ...(at === undefined ? [] : ['at', `${at}`]),
  ...(mask === undefined ? [] : ['mask', mask.toString(16).padStart(4, '0')]),
  ...(shift === undefined ? [] : ['shift', `${shift}`]),
  ...(plus === undefined ? [] : ['plus', `${plus}`]),
  ...(eat ? ['eat'] : []),
]
