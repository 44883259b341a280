import { boolean, object, optional, type Declaration, type InputOf } from '../input/index.js'

const offload = object({
  /** Do not give the filter to the device. */
  skipHardware: optional(boolean),
  /** Run the filter in the device only. */
  skipSoftware: optional(boolean),
})

/** Which of the software and the device's hardware runs a filter. */
export interface Offload extends InputOf<typeof offload> {}
export const offloadInput: Declaration<Offload> = offload

// TCA_CLS_FLAGS_*, linux/pkt_cls.h
const TCA_CLS_FLAGS_SKIP_HW = 1
const TCA_CLS_FLAGS_SKIP_SW = 2
const TCA_CLS_FLAGS_IN_HW = 4
const TCA_CLS_FLAGS_VERBOSE = 16

/** What may be given; the other flags only report. */
export const GIVEN_OFFLOAD_FLAGS = TCA_CLS_FLAGS_SKIP_HW | TCA_CLS_FLAGS_SKIP_SW | TCA_CLS_FLAGS_VERBOSE

/** TCA_U32_FLAGS, TCA_BPF_FLAGS_GEN, …: undefined where nothing is asked for. */
export function offloadFlags({ skipHardware, skipSoftware }: Offload): number | undefined {
  const flags = (skipHardware ? TCA_CLS_FLAGS_SKIP_HW : 0) | (skipSoftware ? TCA_CLS_FLAGS_SKIP_SW : 0)
  return flags === 0 ? undefined : flags
}

export const offloadOf = (flags = 0): Offload & { inHardware: boolean } => ({
  ...(flags & TCA_CLS_FLAGS_SKIP_HW && { skipHardware: true }),
  ...(flags & TCA_CLS_FLAGS_SKIP_SW && { skipSoftware: true }),
  inHardware: (flags & TCA_CLS_FLAGS_IN_HW) !== 0,
})

export const offloadWords = ({ skipHardware, skipSoftware }: Offload): string[] => [
  ...(skipHardware ? ['skip_hw'] : []),
  ...(skipSoftware ? ['skip_sw'] : []),
]
