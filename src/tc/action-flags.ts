import type { nlaBitfield32 } from './bitfield.js'
import { boolean, object, oneOf, optional, type Declaration, type InputOf } from '../input/index.js'
import type { Infer } from '../netlink/codec/index.js'

const flags = object({
  /** Which counters of the hardware to have: its own at once, late ones, or none. Default: any. */
  hwStats: optional(oneOf('immediate', 'delayed', 'disabled')),
  /** Count in one place instead of one for each CPU, which takes less memory. */
  noPercpu: optional(boolean),
  /** Do not give the action to the device. */
  skipHardware: optional(boolean),
  /** Run the action in the device only. */
  skipSoftware: optional(boolean),
})

/** How the kernel counts what an action does, and where it runs. */
export interface ActionFlags extends InputOf<typeof flags> {}
export const actionFlagsInput: Declaration<ActionFlags> = flags

type Bitfield = Infer<typeof nlaBitfield32>

/** TCA_ACT_HW_STATS_*, linux/pkt_cls.h */
const HW_STATS = { disabled: 0, immediate: 1, delayed: 2 } as const

/** TCA_ACT_FLAGS_*, linux/pkt_cls.h */
const FLAGS = { noPercpu: 1, skipHardware: 2, skipSoftware: 4 } as const
const names = Object.keys(FLAGS) as (keyof typeof FLAGS)[]

/** TCA_ACT_HW_STATS, as iproute2 sends it. */
export function hwStatsToWire({ hwStats }: ActionFlags): Bitfield | undefined {
  if (hwStats === undefined) return undefined
  const value = HW_STATS[hwStats]
  return { value, selector: value }
}

/** TCA_ACT_FLAGS. */
export function flagsToWire({ noPercpu, skipHardware, skipSoftware }: ActionFlags): Bitfield | undefined {
  const value =
    (noPercpu ? FLAGS.noPercpu : 0) |
    (skipHardware ? FLAGS.skipHardware : 0) |
    (skipSoftware ? FLAGS.skipSoftware : 0)
  return value === 0 ? undefined : { value, selector: value }
}

/** The inverse of both. The kernel lists the counters only where they are not any. */
export function actionFlagsOf({ hwStats, flags }: { hwStats?: Bitfield; flags?: Bitfield }): ActionFlags {
  const found = (Object.keys(HW_STATS) as (keyof typeof HW_STATS)[]).find(
    name => HW_STATS[name] === hwStats?.value,
  )
  return {
    ...(found && { hwStats: found }),
    ...Object.fromEntries(names.filter(name => (flags?.value ?? 0) & FLAGS[name]).map(name => [name, true])),
  }
}

/** `hw_stats disabled no_percpu`, as `tc` reads them. */
export const actionFlagWords = ({ hwStats, noPercpu, skipHardware, skipSoftware }: ActionFlags): string[] => [
  ...(hwStats === undefined ? [] : ['hw_stats', hwStats]),
  ...(noPercpu ? ['no_percpu'] : []),
  ...(skipHardware ? ['skip_hw'] : []),
  ...(skipSoftware ? ['skip_sw'] : []),
]
