import { struct, u32, type Infer } from '../../netlink/codec/index.js'
import { optionWords, type OptionsKind } from '../options-kind.js'
import { wholeNumber } from '../whole-number.js'

/** struct tc_fifo_qopt, linux/pkt_sched.h */
export const tcFifoQopt = struct({ limit: u32 })

export interface FifoOptions {
  /** Packets (pfifo) or bytes (bfifo) that wait at most. Default: the device's txqueuelen, times its MTU for bfifo. */
  limit?: number | undefined
}

/** `pfifo` and `bfifo` (net/sched/sch_fifo.c). */
export const fifo: OptionsKind<FifoOptions, Infer<typeof tcFifoQopt>> = {
  codec: tcFifoQopt,
  toWire: ({ limit }) => (limit === undefined ? undefined : { limit: wholeNumber('limit', limit) }),
  fromWire: ({ limit }) => ({ limit }),
  words: ({ limit }) => optionWords({ limit }),
}
