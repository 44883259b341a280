import { refuse } from './option-checks.js'
import { formatSize } from './sizes.js'

/** How fast a container may send, or receive. */
export interface RateLimit {
  /** Bytes per second. */
  readonly rate: number
  /** Bytes per second while `burst` lasts. Absent: never faster than `rate`. */
  readonly ceil?: number
  /** Bytes that may go at `ceil` after a pause. Absent: as many as HTB needs to reach `rate`. */
  readonly burst?: number
}

/** The options that containers' limits in one direction follow from. Rates are bytes per second. */
export interface RatePolicy {
  readonly direction: 'egress' | 'ingress'
  /** The same for every container. */
  readonly perContainer?: number | undefined
  /** For each CPU of a container; `'auto'`: the link's speed divided by all CPUs. */
  readonly perCpu?: number | 'auto' | undefined
  readonly minimum?: number | undefined
  readonly maximum?: number | undefined
  readonly ceil?: number | undefined
  /** Bytes. */
  readonly burst?: number | undefined
}

/** What the limits of containers are scaled by. */
export interface HostRates {
  /** Bytes per second; undefined where the device does not say. */
  readonly linkSpeed: number | undefined
  /** How many CPUs containers share. */
  readonly cpus: number
}

/** 1 Mbit/s, Mesos's DEFAULT_MINIMUM_EGRESS_RATE_LIMIT, used in both directions. */
const DEFAULT_MINIMUM = 125_000

/** HTB knows no rate of 0, which no CPUs and no minimum would make; below this a burst of one frame does not fit its 274 s. */
const LEAST = 8

/** HTB keeps a burst as the time it takes at `rate`, in 32 bits of 64 ns: 274 s (struct tc_htb_opt). */
const MAXIMUM_BURST_SECONDS = 200

/** Whether containers are limited at all in this direction. */
export const limits = ({ perContainer, perCpu }: RatePolicy): boolean =>
  perContainer !== undefined || perCpu !== undefined

/**
 * Checks a policy against the host and computes what `'auto'` stands for.
 *
 * @throws IsolatorError ERR_INVALID_OPTION for a rate above the link's speed, which could not be kept, and for `'auto'`
 *   where the speed is unknown
 */
export function settleRatePolicy(policy: RatePolicy, { linkSpeed, cpus }: HostRates): RatePolicy {
  for (const field of ['perContainer', 'minimum'] as const) {
    const rate = policy[field]
    if (rate === undefined || linkSpeed === undefined || rate <= linkSpeed) continue
    throw refuse(
      optionName(policy.direction, field),
      formatSize(rate),
      `at most the speed of the link, ${formatSize(linkSpeed)} per second (networkLinkSpeed, where the device is wrong)`,
    )
  }
  if (policy.perCpu !== 'auto') return policy
  if (linkSpeed === undefined) {
    throw refuse(
      optionName(policy.direction, 'perCpu'),
      'auto',
      'a rate, or networkLinkSpeed beside it: the public interface does not tell its speed',
    )
  }
  return { ...policy, perCpu: Math.floor(linkSpeed / cpus) }
}

/** What a container with so many CPUs, of which whole ones count, gets under a settled policy: Mesos's egressHTBConfig and ingressHTBConfig. */
export function rateLimitFor(policy: RatePolicy, cpus: number): RateLimit | undefined {
  if (!limits(policy)) return undefined
  const { perContainer, perCpu, minimum = DEFAULT_MINIMUM, maximum = Infinity, ceil, burst } = policy
  const wanted = perContainer ?? (perCpu as number) * Math.floor(cpus)
  return rateLimit(Math.max(Math.min(Math.max(wanted, minimum), maximum), LEAST), ceil, burst)
}

/** A rate, and what is above it for a moment, as far as HTB can keep that. A ceil below the rate is none. */
export function rateLimit(rate: number, ceil?: number, burst?: number): RateLimit {
  if (ceil === undefined || ceil <= rate) return { rate }
  return { rate, ceil, ...(burst !== undefined && { burst: Math.min(burst, rate * MAXIMUM_BURST_SECONDS) }) }
}

export const sameLimit = (a: RateLimit | undefined, b: RateLimit | undefined): boolean =>
  a?.rate === b?.rate && a?.ceil === b?.ceil && a?.burst === b?.burst

/** The name of an option: Mesos's flag in camelCase. */
export function optionName(
  direction: RatePolicy['direction'],
  field: Exclude<keyof RatePolicy, 'direction'>,
): string {
  const Direction = direction === 'egress' ? 'Egress' : 'Ingress'
  switch (field) {
    case 'perContainer':
      return `${direction}RateLimitPerContainer`
    case 'perCpu':
      return `${direction}RatePerCpu`
    case 'minimum':
      return `minimum${Direction}RateLimit`
    case 'maximum':
      return `maximum${Direction}RateLimit`
    case 'ceil':
      return `${direction}CeilLimit`
    case 'burst':
      return `${direction}Burst`
  }
}
