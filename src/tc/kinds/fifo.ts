import { object, optional, type Declaration, type InputOf } from '../../input/index.js'
import { carriedBy } from '../../netlink/codec/carried-by.js'
import { struct, u32, type Infer } from '../../netlink/codec/index.js'
import { optionWords, type OptionsKind } from '../options-kind.js'

/** struct tc_fifo_qopt, linux/pkt_sched.h */
export const tcFifoQopt = struct({ limit: u32 })

const options = object({
  /** Packets (pfifo) or bytes (bfifo) that wait at most. Default: the device's txqueuelen, times its MTU for bfifo. */
  limit: optional(carriedBy(u32)),
})

export interface FifoOptions extends InputOf<typeof options> {}
export const fifoOptions: Declaration<FifoOptions> = options

/** `pfifo` and `bfifo` (net/sched/sch_fifo.c). */
export const fifo: OptionsKind<FifoOptions, Infer<typeof tcFifoQopt>> = {
  codec: tcFifoQopt,
  toWire: ({ limit }) => (limit === undefined ? undefined : { limit }),
  fromWire: ({ limit }) => ({ limit }),
  words: ({ limit }) => optionWords({ limit }),
}
