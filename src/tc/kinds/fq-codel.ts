import { boolean, object, optional, type Declaration, type InputOf } from '../../input/index.js'
import { carriedBy } from '../../netlink/codec/carried-by.js'
import {
  attributes,
  s32,
  struct,
  u32,
  u8,
  type Codec,
  type Infer,
  type InferInput,
} from '../../netlink/codec/index.js'
import type { OptionsKind } from '../options-kind.js'
import { codelTime } from '../rounded-times.js'

/** TCA_FQ_CODEL_*, linux/pkt_sched.h */
export const fqCodelAttributes = attributes({
  target: ['TCA_FQ_CODEL_TARGET', 1, u32],
  limit: ['TCA_FQ_CODEL_LIMIT', 2, u32],
  interval: ['TCA_FQ_CODEL_INTERVAL', 3, u32],
  ecn: ['TCA_FQ_CODEL_ECN', 4, u32],
  flows: ['TCA_FQ_CODEL_FLOWS', 5, u32],
  quantum: ['TCA_FQ_CODEL_QUANTUM', 6, u32],
  ceThreshold: ['TCA_FQ_CODEL_CE_THRESHOLD', 7, u32],
  dropBatch: ['TCA_FQ_CODEL_DROP_BATCH_SIZE', 8, u32],
  memoryLimit: ['TCA_FQ_CODEL_MEMORY_LIMIT', 9, u32],
  ceThresholdSelector: ['TCA_FQ_CODEL_CE_THRESHOLD_SELECTOR', 10, u8],
  ceThresholdMask: ['TCA_FQ_CODEL_CE_THRESHOLD_MASK', 11, u8],
})

// linux/pkt_sched.h
export const tcFqCodelQdStats = struct({
  maxpacket: u32,
  dropOverlimit: u32,
  ecnMark: u32,
  newFlowCount: u32,
  newFlowsLen: u32,
  oldFlowsLen: u32,
  ceMark: u32,
  memoryUsage: u32,
  dropOvermemory: u32,
})
export const tcFqCodelClStats = struct({
  deficit: s32,
  ldelay: u32,
  count: u32,
  lastcount: u32,
  dropping: u32,
  dropNext: s32,
})

const TCA_FQ_CODEL_XSTATS_QDISC = 0
const TCA_FQ_CODEL_XSTATS_CLASS = 1

/** Counters of the qdisc; those named *Len are of now, `memoryUsage` is in bytes. */
export type FqCodelQdiscXstats = { type: 'qdisc' } & Infer<typeof tcFqCodelQdStats>
/** State of one flow; `ldelay` and `dropNext` are in microseconds. */
export type FqCodelClassXstats = { type: 'class' } & Infer<typeof tcFqCodelClStats>

/** struct tc_fq_codel_xstats, linux/pkt_sched.h: a type, and a union of the two. */
export const fqCodelXstats: Codec<FqCodelQdiscXstats | FqCodelClassXstats> = {
  parts: [tcFqCodelQdStats, tcFqCodelClStats],
  put(writer, value) {
    u32.put(writer, value.type === 'class' ? TCA_FQ_CODEL_XSTATS_CLASS : TCA_FQ_CODEL_XSTATS_QDISC)
    if (value.type === 'class') tcFqCodelClStats.put(writer, value)
    else tcFqCodelQdStats.put(writer, value)
  },
  get(view, at, end) {
    const body = Math.min(at + u32.size, end)
    return u32.get(view, at, body) === TCA_FQ_CODEL_XSTATS_CLASS
      ? { type: 'class', ...tcFqCodelClStats.get(view, body, end) }
      : { type: 'qdisc', ...tcFqCodelQdStats.get(view, body, end) }
  },
}

const options = object({
  /** Packets in all queues together. Default 10240. */
  limit: optional(carriedBy(u32)),
  /** Queues that flows are hashed to. Fixed once the qdisc is made. Default 1024, at most 65536. */
  flows: optional(carriedBy(u32)),
  /** Bytes a flow may send in its turn. Default: the device's MTU. */
  quantum: optional(carriedBy(u32)),
  /** Acceptable delay in the queue, in microseconds. Default 5000. */
  target: optional(carriedBy(u32)),
  /** Time in which the delay has to fall below the target, in microseconds. Default 100000. */
  interval: optional(carriedBy(u32)),
  /** Mark packets of ECN-capable flows instead of dropping them. Default true. */
  ecn: optional(boolean),
  /** Mark every packet that has waited longer, in microseconds. Default: off. */
  ceThreshold: optional(carriedBy(u32)),
  /** Apply `ceThreshold` only where `dsfield & mask == selector`. */
  ceThresholdSelector: optional(object({ selector: carriedBy(u8), mask: carriedBy(u8) })),
  /** Bytes of memory for queued packets. Default 32 MiB. */
  memoryLimit: optional(carriedBy(u32)),
  /** Packets dropped at once when the limit is hit. Default 64. */
  dropBatch: optional(carriedBy(u32)),
})

/** Absent options are the kernel's defaults (net/sched/sch_fq_codel.c). */
export interface FqCodelOptions extends InputOf<typeof options> {}
export const fqCodelOptions: Declaration<FqCodelOptions> = options

/** The options that are attributes of the same name, with the words and the unit of `tc`. */
const plain = {
  limit: ['limit'],
  flows: ['flows'],
  quantum: ['quantum'],
  target: ['target', 'us'],
  interval: ['interval', 'us'],
  ceThreshold: ['ce_threshold', 'us'],
  memoryLimit: ['memory_limit'],
  dropBatch: ['drop_batch'],
} as const satisfies Partial<Record<keyof FqCodelOptions, readonly string[]>>

type PlainOptions = Partial<Record<keyof typeof plain, number | undefined>>

const plainNames = Object.keys(plain) as (keyof typeof plain)[]

/** `fq_codel` (net/sched/sch_fq_codel.c): fair queueing with controlled delay, RFC 8290. */
export const fqCodel: OptionsKind<
  FqCodelOptions,
  Infer<typeof fqCodelAttributes>,
  InferInput<typeof fqCodelAttributes>
> = {
  codec: fqCodelAttributes,
  xstats: fqCodelXstats,
  toWire({ ecn, ceThresholdSelector: ce, ...options }) {
    const { interval, target, ceThreshold, memoryLimit, dropBatch, ...first } = given(options)
    return {
      ...first,
      interval,
      target,
      ecn: ecn === undefined ? undefined : Number(ecn),
      ceThreshold,
      ceThresholdMask: ce?.mask,
      ceThresholdSelector: ce?.selector,
      memoryLimit,
      dropBatch,
    }
  },
  fromWire: ({ ecn, ceThresholdMask: mask, ceThresholdSelector: selector = 0, ...options }) => ({
    ...plainOf(options),
    ...(ecn !== undefined && { ecn: ecn !== 0 }),
    ...(mask !== undefined && { ceThresholdSelector: { selector, mask } }),
  }),
  words({ ecn, ceThresholdSelector: ce, ...options }) {
    const { memoryLimit, dropBatch, ...first } = given(options)
    return [
      ...plainWords(first),
      ...(ce ? ['ce_threshold_selector', `${ce.selector}/${ce.mask}`] : []),
      ...plainWords({ memoryLimit, dropBatch }),
      ...(ecn === undefined ? [] : [ecn ? 'ecn' : 'noecn']),
    ]
  },
}

const plainWords = (options: PlainOptions): string[] =>
  plainNames.flatMap(name => {
    const [word, unit = ''] = plain[name] as readonly [string, string?]
    return options[name] === undefined ? [] : [word, `${options[name]}${unit}`]
  })

/** The plain options as the kernel is given them. */
function given(options: PlainOptions): PlainOptions {
  const plainOptions = plainOf(options)
  for (const name of ['interval', 'target', 'ceThreshold'] as const) {
    const time = plainOptions[name]
    if (time !== undefined) plainOptions[name] = codelTime(time)
  }
  return plainOptions
}

function plainOf(options: PlainOptions): PlainOptions {
  const picked: PlainOptions = {}
  for (const name of plainNames) if (options[name] !== undefined) picked[name] = options[name]
  return picked
}

/** A flow of `fq_codel`, shown as a class: it is there while packets of it wait, and cannot be made. */
export const fqCodelClass: OptionsKind<object, object> = {
  codec: attributes({}),
  xstats: fqCodelXstats,
  toWire: () => undefined,
  fromWire: () => ({}),
  words: () => [],
}
