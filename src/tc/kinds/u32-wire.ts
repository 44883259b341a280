import {
  attributes,
  be16,
  be32,
  binary,
  reported,
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
import { actionList } from '../action.js'
import { tcU32Key } from '../u32-key.js'

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
  counters: ['TCA_U32_PCNT', 9, reported(structWithTail(tcU32Pcnt, 'kcnts', u64))],
  mark: ['TCA_U32_MARK', 10, tcU32Mark],
  flags: ['TCA_U32_FLAGS', 11, u32],
})

export type U32Wire = Infer<typeof u32Attributes>
export type U32WireIn = InferInput<typeof u32Attributes>

// TC_U32_*, linux/pkt_cls.h
export const TC_U32_TERMINAL = 1
export const TC_U32_OFFSET = 2
export const TC_U32_VAROFFSET = 4
export const TC_U32_EAT = 8
