export type { Action, ActionSpec, ActionStatistics, RawAction } from './action.js'
export type { ActionControl } from './action-control.js'
export { gact, type GactAction } from './actions/gact.js'
export { mirred, type MirredAction, type MirredOptions } from './actions/mirred.js'
export { alignedBlocks } from './aligned-blocks.js'
export {
  trafficClass,
  type ClassKey,
  type ClassQuery,
  type ClassSpec,
  type FqCodelClass,
  type HtbClass,
  type RawClass,
  type TrafficClass,
} from './class.js'
export type { EtherType } from './ether-type.js'
export {
  filter,
  type BpfFilter,
  type ClassicBpfFilter,
  type ExtendedBpfFilter,
  type Filter,
  type FilterKey,
  type FilterQuery,
  type FilterSpec,
  type RawFilter,
  type U32Filter,
} from './filter.js'
export { formatHandle, parseHandle, type Handle, type Parent } from './handle.js'
export type { FqCodelClassXstats, FqCodelQdiscXstats } from './kinds/fq-codel.js'
export type { HtbClassXstats } from './kinds/htb.js'
export type { U32HashKey, U32Offset } from './kinds/u32-checks.js'
export {
  qdisc,
  type ClsactQdisc,
  type FifoQdisc,
  type FqCodelQdisc,
  type HtbQdisc,
  type IngressQdisc,
  type Qdisc,
  type QdiscKey,
  type QdiscQuery,
  type QdiscSpec,
  type PeakedTbfQdisc,
  type PlainTbfQdisc,
  type RawQdisc,
  type TbfQdisc,
} from './qdisc.js'
export type { Linklayer, Rate } from './rate.js'
export type { Statistics, Traffic } from './statistics.js'
export { describeU32Keys, type DescribeOptions, type U32Match } from './u32-describe.js'
export { formatU32Handle, parseU32Handle, type U32Handle } from './u32-handle.js'
export type { U32Key, U32Keys } from './u32-key.js'
export { u32, type IpProtocol, type TransportPosition } from './u32-match.js'
