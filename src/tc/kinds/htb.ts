import { boolean, object, optional, whole, type Declaration, type InputOf } from '../../input/index.js'
import { carriedBy } from '../../netlink/codec/carried-by.js'
import {
  attributes,
  binary,
  reported,
  flag,
  s32,
  struct,
  u32,
  u64,
  type Infer,
  type InferInput,
} from '../../netlink/codec/index.js'
import { optionWords, type OptionsKind } from '../options-kind.js'
import {
  formatRate,
  optionalRateWord,
  packetLengthInput,
  packetLengthOf,
  packetLengthWords,
  parseRate,
  rate64,
  rateInput,
  rateOf,
  ratespec,
  rateWord,
  tcRatespec,
  type PacketLength,
} from '../rate.js'
import { bytesOf, ticksOf } from '../ticks.js'

// linux/pkt_sched.h
export const tcHtbOpt = struct({
  rate: tcRatespec,
  ceil: tcRatespec,
  buffer: u32,
  cbuffer: u32,
  quantum: u32,
  level: u32,
  prio: u32,
})
export const tcHtbGlob = struct({ version: u32, rate2quantum: u32, defcls: u32, debug: u32, directPkts: u32 })
export const tcHtbXstats = struct({ lends: u32, borrows: u32, giants: u32, tokens: s32, ctokens: s32 })

/** TCA_HTB_*, linux/pkt_sched.h: INIT is of the qdisc, PARMS of a class. */
export const htbAttributes = attributes({
  parms: ['TCA_HTB_PARMS', 1, tcHtbOpt],
  init: ['TCA_HTB_INIT', 2, tcHtbGlob],
  ctab: ['TCA_HTB_CTAB', 3, reported(binary)],
  rtab: ['TCA_HTB_RTAB', 4, reported(binary)],
  directQlen: ['TCA_HTB_DIRECT_QLEN', 5, u32],
  rate64: ['TCA_HTB_RATE64', 6, u64],
  ceil64: ['TCA_HTB_CEIL64', 7, u64],
  offload: ['TCA_HTB_OFFLOAD', 9, flag],
})

type Wire = Infer<typeof htbAttributes>
type WireIn = InferInput<typeof htbAttributes>

/** TC_HTB_PROTOVER, the major number of the interface's version. */
const HTB_VERSION = 3
/** TC_HTB_NUMPRIO, linux/pkt_sched.h */
const HTB_PRIORITIES = 8
const DEFAULT_RATE_TO_QUANTUM = 10

const options = object({
  /** Minor number of the class for packets that no filter classifies: 0x10 is `1:10`. Default 0: they are not limited. */
  defaultClass: optional(whole(0, 0xffff)),
  /** A class without a quantum gets its rate divided by this. Default 10. */
  rateToQuantum: optional(whole(1)),
  /** Packets that wait at most of those that no class takes. Default: the device's txqueuelen. */
  directQlen: optional(carriedBy(u32)),
  /** Let the device do the work. */
  offload: optional(boolean),
})

export interface HtbOptions extends InputOf<typeof options> {}
export const htbOptions: Declaration<HtbOptions> = options

/** `htb` (net/sched/sch_htb.c): hierarchical token bucket, the qdisc. */
export const htb: OptionsKind<HtbOptions, Wire, WireIn> = {
  codec: htbAttributes,
  toWire: ({ defaultClass = 0, rateToQuantum = DEFAULT_RATE_TO_QUANTUM, directQlen, offload }) => ({
    init: {
      version: HTB_VERSION,
      rate2quantum: rateToQuantum,
      defcls: defaultClass,
    },
    directQlen,
    offload: offload ? true : undefined,
  }),
  fromWire: ({ init, directQlen, offload }) => ({
    ...(init && { defaultClass: init.defcls, rateToQuantum: init.rate2quantum }),
    ...(directQlen !== undefined && { directQlen }),
    ...(offload && { offload }),
  }),
  words: ({ defaultClass, rateToQuantum, directQlen, offload }) => [
    ...(rateToQuantum === DEFAULT_RATE_TO_QUANTUM ? [] : optionWords({ r2q: rateToQuantum })),
    ...optionWords({
      default: defaultClass ? defaultClass.toString(16) : undefined,
      direct_qlen: directQlen,
    }),
    ...(offload ? ['offload'] : []),
  ],
}

const classOptions = object({
  /** What the class gets in any case. */
  rate: rateInput,
  /** What it gets at most, when others leave something. Default: `rate`. */
  ceil: optional(rateInput),
  /** Bytes it may send at once at the rate of `ceil`. Default 1600, and 1 ns of `rate`. */
  burst: optional(carriedBy(u32)),
  /** Bytes it may send at once at the speed of the device. Default 1600, and 1 ns of `ceil`. */
  cburst: optional(carriedBy(u32)),
  /** 0 to 7: lower ones are offered what others leave first. Default 0. */
  priority: optional(whole(0, HTB_PRIORITIES - 1)),
  /** Bytes it sends in its turn. Default: `rate` / `rateToQuantum`, within 1000 to 200000. */
  quantum: optional(carriedBy(u32)),
})

export interface HtbClassOptions extends PacketLength, InputOf<typeof classOptions> {}
export const htbClassOptions: Declaration<HtbClassOptions> = object({}, packetLengthInput, classOptions)

/** How often the class got and gave rate; tokens are ticks of 64 ns. */
export type HtbClassXstats = Infer<typeof tcHtbXstats>

/** `htb` (net/sched/sch_htb.c): hierarchical token bucket, a class. */
export const htbClass: OptionsKind<HtbClassOptions, Wire, WireIn> = {
  codec: htbAttributes,
  xstats: tcHtbXstats,
  toWire(options) {
    const rate = parseRate('rate', options.rate)
    const ceil = options.ceil === undefined ? rate : parseRate('ceil', options.ceil)
    return {
      rate64: rate64(rate),
      ceil64: rate64(ceil),
      parms: {
        rate: ratespec(rate, options),
        ceil: ratespec(ceil, options),
        buffer: ticksOf('burst', options.burst ?? defaultBurst(rate), rate),
        cbuffer: ticksOf('cburst', options.cburst ?? defaultBurst(ceil), ceil),
        quantum: options.quantum ?? 0,
        prio: options.priority ?? 0,
      },
    }
  },
  fromWire({ parms, rate64, ceil64 }) {
    if (!parms) return { rate: 0 }
    const rate = rateOf(parms.rate, rate64)
    const ceil = rateOf(parms.ceil, ceil64)
    return {
      rate: formatRate(rate),
      ceil: formatRate(ceil),
      burst: bytesOf(parms.buffer, rate),
      cburst: bytesOf(parms.cbuffer, ceil),
      priority: parms.prio,
      quantum: parms.quantum,
      ...packetLengthOf(parms.rate),
    }
  },
  words: ({ rate, ceil, burst, cburst, priority, quantum, ...packetLength }) => [
    ...optionWords({ rate: rateWord(rate), ceil: optionalRateWord(ceil), burst, cburst }),
    ...optionWords({ prio: priority || undefined, quantum: quantum || undefined }),
    ...packetLengthWords(packetLength),
  ],
}

/** As iproute2 (tc/q_htb.c): room for a packet, and for one tick of the kernel's clock, which counts nanoseconds. */
const defaultBurst = (rate: bigint): number => Number(rate / 1_000_000_000n) + 1600
