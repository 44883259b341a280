import { list, number, object, oneOf, optional, type Declaration, type InputOf } from '../input/index.js'
import { carriedBy } from '../netlink/codec/carried-by.js'
import { attributes, bareText, u32, uncarried, type Infer, type InferInput } from '../netlink/codec/index.js'
import { defined } from './defined.js'
import { shellWord } from '../netlink/shell-word.js'

/** RTAX_*, linux/rtnetlink.h */
export const metricAttributes = attributes({
  lock: ['RTAX_LOCK', 1, uncarried(u32, hasOtherLocks)],
  mtu: ['RTAX_MTU', 2, u32],
  window: ['RTAX_WINDOW', 3, u32],
  rtt: ['RTAX_RTT', 4, u32],
  rttvar: ['RTAX_RTTVAR', 5, u32],
  ssthresh: ['RTAX_SSTHRESH', 6, u32],
  cwnd: ['RTAX_CWND', 7, u32],
  advmss: ['RTAX_ADVMSS', 8, u32],
  reordering: ['RTAX_REORDERING', 9, u32],
  hoplimit: ['RTAX_HOPLIMIT', 10, u32],
  initcwnd: ['RTAX_INITCWND', 11, u32],
  features: ['RTAX_FEATURES', 12, u32],
  rtoMin: ['RTAX_RTO_MIN', 13, u32],
  initrwnd: ['RTAX_INITRWND', 14, u32],
  quickack: ['RTAX_QUICKACK', 15, u32],
  congctl: ['RTAX_CC_ALGO', 16, bareText],
  fastopenNoCookie: ['RTAX_FASTOPEN_NO_COOKIE', 17, u32],
})

/** How many units of the kernel make what is given: it keeps round trip times in 1/8 ms, their variance in 1/4 ms. */
const units = { rtt: 8, rttvar: 4 } as const

const lockable = [
  'mtu',
  'window',
  'rtt',
  'rttvar',
  'ssthresh',
  'cwnd',
  'advmss',
  'reordering',
  'hoplimit',
  'initcwnd',
  'features',
  'rtoMin',
  'initrwnd',
  'quickack',
  'congctl',
  'fastopenNoCookie',
] as const

const metric = optional(carriedBy(u32))

const metricMembers = object({
  /** Bytes. */
  mtu: metric,
  advmss: metric,
  window: metric,
  rtt: optional(number(0, 0xffff_ffff / units.rtt)),
  rttvar: optional(number(0, 0xffff_ffff / units.rttvar)),
  ssthresh: metric,
  cwnd: metric,
  reordering: metric,
  hoplimit: metric,
  initcwnd: metric,
  /** RTAX_FEATURE_*: 1 is ECN. */
  features: metric,
  rtoMin: metric,
  initrwnd: metric,
  quickack: metric,
  /** Congestion control algorithm, `'bbr'`. */
  congctl: optional(carriedBy(bareText)),
  fastopenNoCookie: metric,
  /** Metrics that the kernel may not change by what it learns. */
  lock: optional(list(oneOf(...lockable))),
})

/** Values for the TCP connections of a route, in the words of `ip route`. Times are in milliseconds. */
export interface RouteMetrics extends InputOf<typeof metricMembers> {}
export const metricsInput: Declaration<RouteMetrics> = metricMembers

const lockBit = (name: (typeof lockable)[number]): number => 1 << metricAttributes.declarations[name][1]

/** True for RTAX_LOCK with a bit that has no name here. */
function hasOtherLocks(bits: number): boolean {
  return lockable.reduce((left, name) => left & ~lockBit(name), bits) !== 0
}

/** The attributes of metrics. */
export function metricsToAttributes({
  lock = [],
  ...metrics
}: RouteMetrics): InferInput<typeof metricAttributes> {
  return {
    ...metrics,
    lock: lock.length === 0 ? undefined : lock.reduce((bits, name) => bits | lockBit(name), 0),
    rtt: metrics.rtt === undefined ? undefined : Math.round(metrics.rtt * units.rtt),
    rttvar: metrics.rttvar === undefined ? undefined : Math.round(metrics.rttvar * units.rttvar),
  }
}

/** Metrics of the kernel; undefined where there are none. */
export function metricsFromAttributes(
  attributes: Infer<typeof metricAttributes> | undefined,
): RouteMetrics | undefined {
  if (!attributes) return undefined
  const { lock = 0, rtt, rttvar } = attributes
  const locked = lockable.filter(name => (lock & lockBit(name)) !== 0)
  return defined({
    ...attributes,
    unknown: undefined,
    rtt: rtt === undefined ? undefined : rtt / units.rtt,
    rttvar: rttvar === undefined ? undefined : rttvar / units.rttvar,
    lock: locked.length === 0 ? undefined : locked,
  })
}

/** The words of `ip route` for metrics. */
export function metricWords({ lock = [], features, congctl, ...metrics }: RouteMetrics): string[] {
  const locked = new Set<string>(lock)
  const words = Object.entries(metrics).map(([name, value]) => {
    const unit = name === 'rtt' || name === 'rttvar' || name === 'rtoMin' ? 'ms' : ''
    return `${wordOf(name)} ${lockWord(name, locked)}${value}${unit}`
  })
  if (features === 1) words.push('features ecn')
  if (congctl !== undefined) words.push(`congctl ${lockWord('congctl', locked)}${shellWord(congctl)}`)
  return words
}

/** `ip` locks rto_min in any case, and takes no `lock` for it, nor for the others. */
const lockWord = (name: string, locked: ReadonlySet<string>): string =>
  locked.has(name) && !['rtoMin', 'fastopenNoCookie', 'features'].includes(name) ? 'lock ' : ''

const wordOf = (name: string): string =>
  name === 'rtoMin' ? 'rto_min' : name === 'fastopenNoCookie' ? 'fastopen_no_cookie' : name
