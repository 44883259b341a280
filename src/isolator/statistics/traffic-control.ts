import type { Qdisc } from '../../tc/index.js'
import type { TrafficControlStatistics } from './resource-statistics.js'

/** Whose traffic a qdisc limits: what the container sends (its eth0), or what it receives (the host's end of its veth). */
export type Direction = 'egress' | 'ingress'

/** The class that all traffic of a limited device is in, and the queue below it has as its parent. */
const LIMITED_CLASS = '1:1'

/** The parents of the qdiscs of a limit. */
export const LIMIT_PLACES = ['root', LIMITED_CLASS] as const

/** The statistics of the qdiscs of a limit that are on a device; none where there is no limit. */
export function trafficControl(
  direction: Direction,
  qdiscs: readonly Qdisc[],
): TrafficControlStatistics<bigint>[] {
  const [bandwidth, bloat] =
    direction === 'egress'
      ? (['bw_limit', 'bloat_reduction'] as const)
      : (['ingress_bw_limit', 'ingress_bloat_reduction'] as const)
  return qdiscs.flatMap(({ kind, parent, statistics }) => {
    if (kind === 'htb' && parent === 'root') return [entry(bandwidth, statistics)]
    if (kind === 'fq_codel' && parent === LIMITED_CLASS) return [entry(bloat, statistics)]
    return []
  })
}

const entry = (
  id: TrafficControlStatistics['id'],
  { bytes, packets, drops, overlimits, requeues, backlog, qlen, rate }: Qdisc['statistics'],
): TrafficControlStatistics<bigint> => ({
  id,
  backlog: BigInt(backlog),
  bytes,
  drops: BigInt(drops),
  overlimits: BigInt(overlimits),
  packets,
  qlen: BigInt(qlen),
  ratebps: rate?.bytes ?? 0n,
  ratepps: rate?.packets ?? 0n,
  requeues: BigInt(requeues),
})
