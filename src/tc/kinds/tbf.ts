import { absent, object, whole, type Declaration, type InputOf } from '../../input/index.js'
import {
  attributes,
  binary,
  reported,
  struct,
  u32,
  u64,
  type Infer,
  type InferInput,
} from '../../netlink/codec/index.js'
import { bucketBytes } from '../bucket-size.js'
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
import { ticksOf } from '../ticks.js'

/** struct tc_tbf_qopt, linux/pkt_sched.h */
export const tcTbfQopt = struct({ rate: tcRatespec, peakrate: tcRatespec, limit: u32, buffer: u32, mtu: u32 })

/** TCA_TBF_*, linux/pkt_sched.h */
export const tbfAttributes = attributes({
  parms: ['TCA_TBF_PARMS', 1, tcTbfQopt],
  rtab: ['TCA_TBF_RTAB', 2, reported(binary)],
  ptab: ['TCA_TBF_PTAB', 3, reported(binary)],
  rate64: ['TCA_TBF_RATE64', 4, u64],
  prate64: ['TCA_TBF_PRATE64', 5, u64],
  burst: ['TCA_TBF_BURST', 6, u32],
  pburst: ['TCA_TBF_PBURST', 7, u32],
})

const options = object({
  rate: rateInput,
  /** Bytes that may go out at once. */
  burst: whole(1),
  /** Bytes that wait at most. */
  limit: whole(1),
})

const peak = object({
  /** How fast the burst may go out. Default: the speed of the device. */
  peakRate: rateInput,
  /** Bytes that may go out at once at the speed of the device; at least the MTU. */
  peakBurst: whole(1),
})

const noPeak = object({ peakRate: absent, peakBurst: absent })

interface TbfCommon extends PacketLength, InputOf<typeof options> {}
/** Of a tbf whose burst is limited in turn. */
export interface PeakedTbfOptions extends TbfCommon, InputOf<typeof peak> {}
export interface PlainTbfOptions extends TbfCommon, InputOf<typeof noPeak> {}
export type TbfOptions = PeakedTbfOptions | PlainTbfOptions

export const peakedTbfOptions: Declaration<PeakedTbfOptions> = object({}, packetLengthInput, options, peak)
export const plainTbfOptions: Declaration<PlainTbfOptions> = object({}, packetLengthInput, options, noPeak)

/** `tbf` (net/sched/sch_tbf.c): token bucket filter. */
export const tbf: OptionsKind<TbfOptions, Infer<typeof tbfAttributes>, InferInput<typeof tbfAttributes>> = {
  codec: tbfAttributes,
  toWire(options) {
    const rate = parseRate('rate', options.rate)
    const { burst, limit } = options
    const peak = peakOf(options)
    return {
      parms: {
        rate: ratespec(rate, options),
        peakrate: peak && ratespec(peak.rate, options),
        limit,
        buffer: ticksOf('burst', burst, rate),
        mtu: peak && ticksOf('peakBurst', peak.burst, peak.rate),
      },
      burst,
      rate64: rate64(rate),
      prate64: peak && rate64(peak.rate),
      pburst: peak?.burst,
    }
  },
  fromWire({ parms, rate64, prate64, burst, pburst }) {
    if (!parms) return { rate: 0, burst: 0, limit: 0 }
    const rate = rateOf(parms.rate, rate64)
    const peakRate = rateOf(parms.peakrate, prate64)
    const packetLength = packetLengthOf(parms.rate)
    return {
      rate: formatRate(rate),
      burst: burst ?? bucketBytes(parms.buffer, rate, packetLength),
      limit: parms.limit,
      ...(peakRate !== 0n && {
        peakRate: formatRate(peakRate),
        peakBurst: pburst ?? bucketBytes(parms.mtu, peakRate, packetLength),
      }),
      ...packetLength,
    }
  },
  words: options => [
    ...optionWords({ rate: rateWord(options.rate), burst: options.burst, limit: options.limit }),
    ...optionWords({ peakrate: optionalRateWord(options.peakRate), mtu: options.peakBurst }),
    ...packetLengthWords(options),
  ],
}

function peakOf({ peakRate, peakBurst }: TbfOptions): { rate: bigint; burst: number } | undefined {
  if (peakRate === undefined) return undefined
  return { rate: parseRate('peakRate', peakRate), burst: peakBurst }
}
