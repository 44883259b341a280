import { boolean, either, object, oneOf, optional, type InputOf } from '../../input/index.js'
import { cpus, rate, rateOrNone, sizeThat } from './declared.js'
import { refuse } from './option-checks.js'
import { limits, optionName, rateLimit, type RateLimit, type RatePolicy } from './rate-limit.js'
import { formatSize, parseSize, type SizeInput } from './sizes.js'

const rateOrAuto = either(rate, oneOf('auto'))

const burst = sizeThat('more than 0 and less than 4GB', bytes => bytes >= 1 && bytes <= 0xffffffff)

export const rateOptions = object({
  /** What each container may send. Default: no limit. */
  egressRateLimitPerContainer: optional(rate),
  /** What each container may send for each of its CPUs; `'auto'`: the link's speed divided by `cpus`. */
  egressRatePerCpu: optional(rateOrAuto),
  /**
   * The least that any container gets; 0 for no such limit. Default 125000, 1 Mbit/s. Only with one of the two rates
   * above, as the following ones.
   */
  minimumEgressRateLimit: optional(rateOrNone),
  /** The most that any container gets. Default: no such limit. */
  maximumEgressRateLimit: optional(rate),
  /** What a container may send for a moment, after a pause. It counts where it is above the container's rate. */
  egressCeilLimit: optional(rate),
  /** How long that moment is: bytes at the rate of `egressCeilLimit`. */
  egressBurst: optional(burst),
  /** What each container may receive. Default: no limit. */
  ingressRateLimitPerContainer: optional(rate),
  /** What each container may receive for each of its CPUs; `'auto'`: the link's speed divided by `cpus`. */
  ingressRatePerCpu: optional(rateOrAuto),
  /** As `minimumEgressRateLimit`, for what containers receive. */
  minimumIngressRateLimit: optional(rateOrNone),
  /** As `maximumEgressRateLimit`, for what containers receive. */
  maximumIngressRateLimit: optional(rate),
  /** As `egressCeilLimit`, for what containers receive. */
  ingressCeilLimit: optional(rate),
  /** As `egressBurst`, for what containers receive. */
  ingressBurst: optional(burst),
  /** Give containers without an ingress limit one when they are updated. Default true, as in Mesos. */
  ingressIsolateExistingContainers: optional(boolean),
  /**
   * Where the limit on what a container sends stands: `'container'` (default) on its own eth0, as in Mesos, where a root
   * process inside can take it away; `'host'` there and on the host, for all it sends together.
   */
  egressEnforcement: optional(oneOf('container', 'host')),
  /** The speed of the public interface, for `'auto'` and the check of rates against it. Default: what the device says. */
  networkLinkSpeed: optional(rate),
  /** The CPUs that containers share, which `'auto'` divides the link's speed by (Mesos resource `cpus`). Default: the machine's. */
  cpus: optional(cpus),
})

/** What `isolate` and `update` take instead of what the options of `create` say. */
export const ownRateOptions = object({
  /** What the container may send: bytes per second. */
  egressRateLimit: optional(rate),
  /** What it may send for a moment, after a pause; only with `egressRateLimit`. It counts where it is above that. */
  egressCeilLimit: optional(rate),
  /** How long that moment is: bytes; only with `egressCeilLimit`. */
  egressBurst: optional(burst),
  /** What the container may receive: bytes per second. */
  ingressRateLimit: optional(rate),
  /** As `egressCeilLimit`, for what it receives. */
  ingressCeilLimit: optional(rate),
  /** As `egressBurst`, for what it receives. */
  ingressBurst: optional(burst),
})

/** A container's own limits. */
export interface OwnRateOptions extends InputOf<typeof ownRateOptions> {}

/**
 * A container's own limit in one direction, of options that are of the right types. Undefined: it has none of its own.
 *
 * @param linkSpeed bytes per second; undefined where the device does not say
 * @throws IsolatorError ERR_INVALID_OPTION for a rate above the link's speed, and for a ceil or a burst without what it goes with
 */
export function ownRateLimit(
  direction: RatePolicy['direction'],
  options: OwnRateOptions,
  linkSpeed: number | undefined,
): RateLimit | undefined {
  const names = [`${direction}RateLimit`, `${direction}CeilLimit`, `${direction}Burst`] as const
  const [rate, ceil, burst] = names.map(name => {
    const value = options[name]
    return value === undefined ? undefined : parseSize(value, name)
  })
  const [rateName, ceilName, burstName] = names
  if (burst !== undefined && ceil === undefined)
    throw refuse(burstName, options[burstName], `${ceilName} beside it`)
  if (ceil !== undefined && rate === undefined)
    throw refuse(ceilName, options[ceilName], `${rateName} beside it`)
  if (rate === undefined) return undefined
  if (linkSpeed === undefined || rate <= linkSpeed) return rateLimit(rate, ceil, burst)
  throw refuse(
    rateName,
    options[rateName],
    `at most the speed of the link, ${formatSize(linkSpeed)} per second`,
  )
}

/** The options of `create` that limit rates. Bytes per second, or bytes; numbers, or text such as `'37500KB'`. */
export interface RateOptions extends InputOf<typeof rateOptions> {}

/**
 * The policy of one direction, of options that are of the right types.
 *
 * @throws IsolatorError ERR_INVALID_OPTION for options that contradict each other: a fixed and a scaled rate, a minimum
 *   above the maximum, a burst without a ceil, any of them without a rate, and any of them without a rate
 */
export function ratePolicy(direction: RatePolicy['direction'], options: RateOptions): RatePolicy {
  const size = (field: Parameters<typeof optionName>[1]): number | undefined => {
    const name = optionName(direction, field)
    const value = options[name as keyof RateOptions] as SizeInput | undefined
    return value === undefined ? undefined : parseSize(value, name)
  }
  const auto = options[`${direction}RatePerCpu`] === 'auto'
  const policy = {
    direction,
    perContainer: size('perContainer'),
    perCpu: auto ? ('auto' as const) : size('perCpu'),
    minimum: size('minimum'),
    maximum: size('maximum'),
    ceil: size('ceil'),
    burst: size('burst'),
  }
  refuseContradictions(policy)
  return policy
}

function refuseContradictions(policy: RatePolicy): void {
  const { direction, perContainer, perCpu, minimum, maximum, ceil, burst } = policy
  if (perContainer !== undefined && perCpu !== undefined) {
    const fixed = optionName(direction, 'perContainer')
    throw refuse(optionName(direction, 'perCpu'), perCpu, `it or ${fixed}, not both`)
  }
  refuseWithoutRate(policy)
  if (minimum !== undefined && maximum !== undefined && minimum > maximum) {
    const name = optionName(direction, 'maximum')
    throw refuse(
      optionName(direction, 'minimum'),
      formatSize(minimum),
      `at most ${name}, ${formatSize(maximum)}`,
    )
  }
  if (burst !== undefined && ceil === undefined)
    throw refuse(
      optionName(direction, 'burst'),
      formatSize(burst),
      `${optionName(direction, 'ceil')} beside it`,
    )
}

/** Alone they would do nothing, and whoever set them would believe that containers are limited. */
function refuseWithoutRate(policy: RatePolicy): void {
  if (limits(policy)) return
  for (const field of ['minimum', 'maximum', 'ceil', 'burst'] as const) {
    const value = policy[field]
    if (value === undefined) continue
    const [fixed, scaled] = (['perContainer', 'perCpu'] as const).map(rate =>
      optionName(policy.direction, rate),
    )
    throw refuse(optionName(policy.direction, field), formatSize(value), `${fixed} or ${scaled} beside it`)
  }
}
