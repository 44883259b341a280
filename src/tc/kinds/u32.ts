import { actionsFromWire, type Action } from '../action.js'
import type { FilterKind } from '../filter-kind.js'
import { formatHandle } from '../handle.js'
import { offloadOf } from '../offload.js'
import { policeFields } from '../police.js'
import { formatU32Handle, inRootTable, parseU32Handle, u32Table } from '../u32-handle.js'
import { keyFromWire, type U32Key } from '../u32-key.js'
import { u32ToWire, type U32Fields, type U32Node, type U32Offset, type U32Table } from './u32-checks.js'
import {
  TC_U32_EAT,
  TC_U32_OFFSET,
  TC_U32_TERMINAL,
  TC_U32_VAROFFSET,
  u32Attributes,
  type U32Wire,
  type U32WireIn,
} from './u32-wire.js'
import { u32Words } from './u32-words.js'

/** What the kernel reports of a u32 filter beside what was asked for. */
export interface U32State {
  inHardware: boolean
  /** How often the filter was tried, matched, and each key matched; only in kernels with CONFIG_CLS_U32_PERF. */
  statistics?: { tried: bigint; matched: bigint; keys: bigint[] }
}

/** A node as it is listed. */
export interface ListedU32Node extends U32Node, U32State {
  keys?: readonly U32Key[] | undefined
  actions?: readonly Action[] | undefined
}
/** A hash table as it is listed. */
export interface ListedU32Table extends U32Table, U32State {}
export type ListedU32 = ListedU32Node | ListedU32Table

/** `u32` (net/sched/cls_u32.c). */
export const u32Kind: FilterKind<U32Fields, U32Wire, U32WireIn> = {
  codec: u32Attributes,
  parseHandle: parseU32Handle,
  formatHandle: formatU32Handle,
  checkExisting(handle) {
    if (u32Table(handle) !== 0) return
    throw new RangeError(
      `'${formatU32Handle(handle)}' does not say which root table: list the filters, and use a handle such as '800::1'`,
    )
  },

  toWire: u32ToWire,

  fromWire(
    { classid, hash, link, divisor, selector, actions, police, inputDevice, counters, mark, flags },
    devices,
  ): ListedU32 {
    if (divisor !== undefined) return { divisor, ...offloadOf(flags) }
    return {
      ...(hash !== undefined && !inRootTable(hash) && { table: formatU32Handle(hash) }),
      ...(selector && selectorFields(selector)),
      ...(link && { link: formatU32Handle(link) }),
      ...(classid !== undefined && { classid: formatHandle(classid) }),
      actions: actionsFromWire(actions, devices),
      ...policeFields('TCA_U32_POLICE', police),
      ...(inputDevice !== undefined && { inputDevice }),
      ...(mark && { mark: { value: mark.val, mask: mark.mask } }),
      ...(counters && { statistics: { tried: counters.rcnt, matched: counters.rhit, keys: counters.kcnts } }),
      ...offloadOf(flags),
    }
  },

  words: u32Words,
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
}: NonNullable<U32Wire['selector']>) {
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
