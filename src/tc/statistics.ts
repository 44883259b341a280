import { attributesIn } from '../netlink/codec/attribute.js'
import { copyOf } from '../netlink/codec/codec.js'
import { decodeWithin } from '../netlink/codec/decode-error.js'
import {
  attributes,
  reported,
  struct,
  u32,
  u64,
  uncarried,
  type Codec,
  type Infer,
  type UnknownAttribute,
} from '../netlink/codec/index.js'

// linux/gen_stats.h
export const gnetStatsBasic = reported(struct({ bytes: u64, packets: u32 }))
export const gnetStatsRateEst = struct({ bps: u32, pps: u32 })
export const gnetStatsRateEst64 = reported(struct({ bps: u64, pps: u64 }))
export const gnetStatsQueue = reported(
  struct({ qlen: u32, backlog: u32, drops: u32, requeues: u32, overlimits: u32 }),
)

/** struct tc_stats, linux/pkt_sched.h: TCA_STATS, the 32-bit form of before 2004 that the kernel still sends. */
export const tcStats = reported(
  struct({
    bytes: u64,
    packets: u32,
    drops: u32,
    overlimits: u32,
    bps: u32,
    pps: u32,
    qlen: u32,
    backlog: u32,
  }),
)

const TCA_STATS_PAD = 6
const TCA_STATS_BASIC_HW = 7
const TCA_STATS_PKT64 = 8

/** The TCA_STATS_* set, linux/gen_stats.h, as declared; `statistics2` is what reads and writes it. */
export const statsAttributes = <X>(app: Codec<X>) =>
  attributes({
    basic: ['TCA_STATS_BASIC', 1, gnetStatsBasic],
    rateEst: ['TCA_STATS_RATE_EST', 2, uncarried(gnetStatsRateEst)],
    queue: ['TCA_STATS_QUEUE', 3, gnetStatsQueue],
    app: ['TCA_STATS_APP', 4, reported(app)],
    rateEst64: ['TCA_STATS_RATE_EST64', 5, gnetStatsRateEst64],
    basicHw: ['TCA_STATS_BASIC_HW', TCA_STATS_BASIC_HW, gnetStatsBasic],
    packets64: ['TCA_STATS_PKT64', TCA_STATS_PKT64, reported(u64)],
  })

type StatsOut<X> = Infer<ReturnType<typeof statsAttributes<X>>>

/** The decoded TCA_STATS2 or TCA_ACT_STATS. `packets64Hw` is the TCA_STATS_PKT64 of the hardware's share. */
export type Statistics2<X> = StatsOut<X> & { packets64Hw?: bigint }

/**
 * The nest in TCA_STATS2 and TCA_ACT_STATS. TCA_STATS_PKT64 can come twice in it: behind TCA_STATS_BASIC_HW it counts
 * the hardware's packets, elsewhere all of them (parse_packets64 in iproute2's tc/tc_util.c).
 *
 * @param app what TCA_STATS_APP holds; it is shown the siblings of the nest, TCA_KIND among them
 */
export function statistics2<X>(
  app: Codec<X>,
): Codec<Statistics2<X>> & { readonly set: ReturnType<typeof statsAttributes<X>> } {
  const set = statsAttributes(app)
  const byType = new Map(
    Object.entries(set.declarations).map(([key, [name, type, codec]]) => [type, { key, name, codec }]),
  )
  return {
    set,
    members: set.members,
    parts: [set],
    locate: (view, at, end, offset, siblings) => set.locate?.(view, at, end, offset, siblings) ?? [],
    put(writer, value, siblings = {}) {
      for (const [key, member] of Object.entries(value)) {
        if (member === undefined) continue
        if (key === 'unknown') set.put(writer, { unknown: value.unknown })
        else set.putOne(writer, key === 'packets64Hw' ? 'packets64' : key, member, siblings)
      }
    },
    get(view, at, end, siblings) {
      const value: Record<string, unknown> = {}
      const unknown: UnknownAttribute[] = []
      let previous: number | undefined
      for (const found of attributesIn(
        view,
        at,
        end,
        type => set.members.nameOf(type) ?? `attribute ${type}`,
      )) {
        const attribute = byType.get(found.type)
        if (attribute) {
          const { name, codec } = attribute
          const ofHardware = found.type === TCA_STATS_PKT64 && previous === TCA_STATS_BASIC_HW
          value[ofHardware ? 'packets64Hw' : attribute.key] = decodeWithin<unknown>(name, () =>
            codec.get(view, found.at, found.end, siblings),
          )
        } else {
          value['unknown'] = unknown
          unknown.push({ type: found.type, bytes: copyOf(view, found.at, found.end) })
        }
        if (found.type !== TCA_STATS_PAD) previous = found.type
      }
      return value
    },
  }
}

/** Bytes and packets. */
export interface Traffic {
  bytes: bigint
  packets: bigint
}

/** What the kernel counts of a qdisc, a class or an action. */
export interface Statistics extends Traffic {
  /** Packets dropped. */
  drops: number
  /** Packets that had to wait for the rate, or that an action did not let pass. */
  overlimits: number
  requeues: number
  /** Bytes in the queue. */
  backlog: number
  /** Packets in the queue. */
  qlen: number
  /** The kernel's rate estimate, where an estimator is attached: bytes and packets per second. */
  rate?: { bytes: bigint; packets: bigint }
  /** The share of `bytes` and `packets` that the device's hardware carried, if any. */
  hardware?: Traffic
}

type Basic = Infer<typeof gnetStatsBasic>

/**
 * The typed form of TCA_STATS2, or of TCA_STATS where that is all there is. All zero where there is neither. `app` is
 * TCA_STATS_APP, what is counted for one kind alone.
 */
export function statisticsOf(
  stats2: Statistics2<unknown> | undefined,
  stats?: Infer<typeof tcStats>,
): Statistics & { app?: unknown } {
  if (!stats2) return { ...NOTHING, ...(stats && fromTcStats(stats)) }
  const { basic, packets64, basicHw, packets64Hw, queue, rateEst, rateEst64, app } = stats2
  const rate = rateEst64 ?? rateEst
  return {
    ...traffic(basic, packets64),
    drops: queue?.drops ?? 0,
    overlimits: queue?.overlimits ?? 0,
    requeues: queue?.requeues ?? 0,
    backlog: queue?.backlog ?? 0,
    qlen: queue?.qlen ?? 0,
    ...(rate && { rate: { bytes: BigInt(rate.bps), packets: BigInt(rate.pps) } }),
    ...(basicHw && basicHw.bytes > 0n && { hardware: traffic(basicHw, packets64Hw) }),
    ...(app !== undefined && { app }),
  }
}

const NOTHING: Statistics = {
  bytes: 0n,
  packets: 0n,
  drops: 0,
  overlimits: 0,
  requeues: 0,
  backlog: 0,
  qlen: 0,
}

/** The kernel sends the 64-bit count of packets only where the 32 bits of `basic` have wrapped. */
const traffic = (basic: Basic | undefined, packets64: bigint | undefined): Traffic => ({
  bytes: basic?.bytes ?? 0n,
  packets: packets64 ?? BigInt(basic?.packets ?? 0),
})

const fromTcStats = ({
  bytes,
  packets,
  drops,
  overlimits,
  backlog,
  qlen,
}: Infer<typeof tcStats>): Partial<Statistics> => ({
  bytes,
  packets: BigInt(packets),
  drops,
  overlimits,
  backlog,
  qlen,
})
