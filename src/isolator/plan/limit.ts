import { qdisc, trafficClass, type ClassSpec, type HtbClass } from '../../tc/index.js'
import { linkName, shaperNames } from '../layout/layout.js'
import { sameLimit, type RateLimit } from '../options/rate-limit.js'
import { interfaceOf, type ContainerFacts, type HostFacts } from './facts.js'
import { plan, planAdd, planDelete, type Planned } from './planned.js'

/**
 * The limit of one direction, in Mesos's shape: HTB (`bw_limit`) and below its only class fq_codel (`bloat_reduction`).
 * For what a container sends it is on its own interface, for what it receives on the host's end of its veth.
 */
export const LIMIT = { htb: '1:', class: '1:1', fqCodel: '2:' } as const

/** Both are 1: the class that no filter has to choose takes everything, so nothing passes by the limit. */
const CLASS_MINOR = 1

/** With one class there are no turns to take; given, so that the kernel does not warn that it is big. */
const QUANTUM = 60_000

/**
 * Bytes that may go at once: a few ms of the rate, or a late timer would cost throughput that is never made up for. At
 * least a full frame.
 */
const burstOf = (rate: number): number => Math.max(1600, Math.ceil(rate / BURSTS_PER_SECOND))
const BURSTS_PER_SECOND = 250

/** Where a limit stands: on what `dev` sends. */
export interface LimitPlace {
  readonly dev: string
  readonly bloatReduction: HostFacts['bloatReduction']
  /** Bytes that each packet counts at least. */
  readonly mpu?: number
}

/** What a container sends, inside: its sockets feel it at once, and it can take it away. */
export const insidePlace = (
  { bloatReduction }: HostFacts,
  container: Pick<ContainerFacts, 'interfaceName'>,
): LimitPlace => ({
  dev: interfaceOf(container),
  bloatReduction,
})

/** What a container receives. */
export const ingressPlace = ({ bloatReduction }: HostFacts, { slot }: ContainerFacts): LimitPlace => ({
  dev: linkName(slot),
  bloatReduction,
})

/** What a container sends, where it cannot take it away: see shaper.ts. */
export const shaperPlace = ({ bloatReduction }: HostFacts, { slot }: ContainerFacts): LimitPlace => ({
  dev: shaperNames(slot).near,
  bloatReduction,
  mpu: LEAST_PACKET,
})

/**
 * HTB counts bytes, but what a flood of tiny packets costs others is packets: at 10 Mbit/s this lets 2,400 a second pass
 * instead of 19,500.
 */
const LEAST_PACKET = 512

/** The messages that limit what is sent at a place, in order; none for no limit. */
export const limitPlan = (place: LimitPlace, limit: RateLimit | undefined): Planned[] =>
  limit === undefined ? [] : limiting(place, limit)

const limiting = (place: LimitPlace, limit: RateLimit): Planned[] => [
  planAdd(qdisc, {
    dev: place.dev,
    parent: 'root',
    handle: LIMIT.htb,
    kind: 'htb',
    defaultClass: CLASS_MINOR,
  }),
  planAdd(trafficClass, htbClass(place, limit)),
  ...(place.bloatReduction === 'fq_codel'
    ? [
        planAdd(qdisc, {
          dev: place.dev,
          parent: LIMIT.class,
          handle: LIMIT.fqCodel,
          kind: 'fq_codel',
          ecn: true,
        }),
      ]
    : []),
]

/** What makes of one limit another, while packets flow. */
export function limitChange(
  place: LimitPlace,
  before: RateLimit | undefined,
  after: RateLimit | undefined,
): Planned[] {
  if (sameLimit(before, after)) return []
  if (!before) return limitPlan(place, after)
  if (!after) return [planDelete(qdisc, { dev: place.dev, parent: 'root', handle: LIMIT.htb, kind: 'htb' })]
  const undo = plan(trafficClass, 'change', htbClass(place, before))
  return [plan(trafficClass, 'change', htbClass(place, after), undo)]
}

const htbClass = ({ dev, mpu }: LimitPlace, { rate, ceil = rate, burst = burstOf(rate) }: RateLimit) =>
  ({
    dev,
    parent: LIMIT.htb,
    classid: LIMIT.class,
    kind: 'htb',
    rate,
    ceil,
    burst,
    cburst: burstOf(ceil),
    quantum: QUANTUM,
    mpu,
  }) as const satisfies ClassSpec

/**
 * The limit that a class was made for: what was not asked for, but follows from the rest, is left out. HTB keeps a burst as
 * the time it takes, so that it comes back rounded.
 */
export function limitOfClass({ rate: given, ceil: atMost, burst: kept }: HtbClass): RateLimit {
  const [rate, ceil] = [Number(given), Number(atMost ?? given)]
  const burst = Number(kept ?? 0)
  const rounding = 2 + rate / TICKS_PER_SECOND
  return {
    rate,
    ...(ceil !== rate && { ceil }),
    ...(Math.abs(burst - burstOf(rate)) > rounding && { burst }),
  }
}

/** PSCHED_TICKS_PER_SEC, net/pkt_sched.h: 64 ns each. */
const TICKS_PER_SECOND = 15_625_000
