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
import { optionWords, type OptionsKind } from '../options-kind.js'
import { optionalWholeNumber, wholeNumber } from '../whole-number.js'

/** TCA_FQ_CODEL_*, linux/pkt_sched.h */
export const fqCodelAttributes = attributes({
  target: ['TCA_FQ_CODEL_TARGET', 1, u32],
  limit: ['TCA_FQ_CODEL_LIMIT', 2, u32],
  interval: ['TCA_FQ_CODEL_INTERVAL', 3, u32],
  ecn: ['TCA_FQ_CODEL_ECN', 4, u32],
  flows: ['TCA_FQ_CODEL_FLOWS', 5, u32],
  quantum: ['TCA_FQ_CODEL_QUANTUM', 6, u32],
  ceThreshold: ['TCA_FQ_CODEL_CE_THRESHOLD', 7, u32],
  dropBatchSize: ['TCA_FQ_CODEL_DROP_BATCH_SIZE', 8, u32],
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

/** Absent options are the kernel's defaults (net/sched/sch_fq_codel.c). */
export interface FqCodelOptions {
  /** Packets in all queues together. Default 10240. */
  limit?: number | undefined
  /** Queues that flows are hashed to. Fixed once the qdisc is made. Default 1024, at most 65536. */
  flows?: number | undefined
  /** Bytes a flow may send in its turn. Default: the device's MTU. */
  quantum?: number | undefined
  /** Acceptable delay in the queue, in microseconds. Default 5000. */
  target?: number | undefined
  /** Time in which the delay has to fall below the target, in microseconds. Default 100000. */
  interval?: number | undefined
  /** Mark packets of ECN-capable flows instead of dropping them. Default true. */
  ecn?: boolean | undefined
  /** Mark every packet that has waited longer, in microseconds. Default: off. */
  ceThreshold?: number | undefined
  /** Apply `ceThreshold` only where `dsfield & mask == selector`. */
  ceThresholdSelector?: { selector: number; mask: number } | undefined
  /** Bytes of memory for queued packets. Default 32 MiB. */
  memoryLimit?: number | undefined
  /** Packets dropped at once when the limit is hit. Default 64. */
  dropBatch?: number | undefined
}

type Wire = Infer<typeof fqCodelAttributes>

/**
 * What to give to the kernel for a time of so many microseconds to be listed as such. It counts in units of 1024 ns and
 * rounds down when it is given a time and when it lists it (CODEL_SHIFT, include/net/codel.h): what is listed as 4999
 * was given as 5000.
 */
function codelTime(field: string, microseconds: number | undefined): number | undefined {
  if (microseconds === undefined) return undefined
  const units = Math.ceil((wholeNumber(field, microseconds) * 1000) / 1024)
  return Math.min(Math.ceil((units * 1024) / 1000), 0xffff_ffff)
}

function timeWord(field: string, microseconds: number | undefined): string | undefined {
  const time = codelTime(field, microseconds)
  return time === undefined ? undefined : `${time}us`
}

/** `fq_codel` (net/sched/sch_fq_codel.c): fair queueing with controlled delay, RFC 8290. */
export const fqCodel: OptionsKind<FqCodelOptions, Wire, InferInput<typeof fqCodelAttributes>> = {
  codec: fqCodelAttributes,
  xstats: fqCodelXstats,
  toWire: options => ({
    limit: optionalWholeNumber('limit', options.limit),
    flows: optionalWholeNumber('flows', options.flows),
    quantum: optionalWholeNumber('quantum', options.quantum),
    interval: codelTime('interval', options.interval),
    target: codelTime('target', options.target),
    ecn: options.ecn === undefined ? undefined : Number(options.ecn),
    ceThreshold: codelTime('ceThreshold', options.ceThreshold),
    ceThresholdMask: options.ceThresholdSelector?.mask,
    ceThresholdSelector: options.ceThresholdSelector?.selector,
    memoryLimit: optionalWholeNumber('memoryLimit', options.memoryLimit),
    dropBatchSize: optionalWholeNumber('dropBatch', options.dropBatch),
  }),
  fromWire: ({
    limit,
    flows,
    quantum,
    target,
    interval,
    ecn,
    ceThreshold,
    memoryLimit,
    dropBatchSize,
    ...ce
  }) => ({
    ...(limit !== undefined && { limit }),
    ...(flows !== undefined && { flows }),
    ...(quantum !== undefined && { quantum }),
    ...(target !== undefined && { target }),
    ...(interval !== undefined && { interval }),
    ...(ecn !== undefined && { ecn: ecn !== 0 }),
    ...(ceThreshold !== undefined && { ceThreshold }),
    ...(ce.ceThresholdMask !== undefined && {
      ceThresholdSelector: { selector: ce.ceThresholdSelector ?? 0, mask: ce.ceThresholdMask },
    }),
    ...(memoryLimit !== undefined && { memoryLimit }),
    ...(dropBatchSize !== undefined && { dropBatch: dropBatchSize }),
  }),
  words: ({
    limit,
    flows,
    quantum,
    target,
    interval,
    ecn,
    ceThreshold,
    ceThresholdSelector,
    memoryLimit,
    dropBatch,
  }) => [
    ...optionWords({
      limit,
      flows,
      quantum,
      target: timeWord('target', target),
      interval: timeWord('interval', interval),
      ce_threshold: timeWord('ceThreshold', ceThreshold),
      ce_threshold_selector:
        ceThresholdSelector && `${ceThresholdSelector.selector}/${ceThresholdSelector.mask}`,
      memory_limit: memoryLimit,
      drop_batch: dropBatch,
    }),
    ...(ecn === undefined ? [] : [ecn ? 'ecn' : 'noecn']),
  ],
}

/** A flow of `fq_codel`, shown as a class: it is there while packets of it wait, and cannot be made. */
export const fqCodelClass: OptionsKind<object, object> = {
  codec: attributes({}),
  xstats: fqCodelXstats,
  toWire: () => undefined,
  fromWire: () => ({}),
  words: () => [],
}
