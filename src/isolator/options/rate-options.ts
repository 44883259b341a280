import { isBoolean, oneOf, refuse, type Checks } from './option-checks.js'
import { optionName, type RatePolicy } from './rate-limit.js'
import { formatSize, parseSize, type SizeInput } from './sizes.js'

/** The options of `create` that limit rates. Bytes per second, or bytes; numbers, or text such as `'37500KB'`. */
export interface RateOptions {
  /** What each container may send. Default: no limit. */
  egressRateLimitPerContainer?: SizeInput | undefined
  /** What each container may send for each of its CPUs; `'auto'`: the link's speed divided by `cpus`. */
  egressRatePerCpu?: SizeInput | undefined
  /** The least that any container gets; 0 for no such limit. Default 125000, 1 Mbit/s. */
  minimumEgressRateLimit?: SizeInput | undefined
  /** The most that any container gets. Default: no such limit. */
  maximumEgressRateLimit?: SizeInput | undefined
  /** What a container may send for a moment, after a pause. It counts where it is above the container's rate. */
  egressCeilLimit?: SizeInput | undefined
  /** How long that moment is: bytes at the rate of `egressCeilLimit`. */
  egressBurst?: SizeInput | undefined
  /** What each container may receive. Default: no limit. */
  ingressRateLimitPerContainer?: SizeInput | undefined
  /** What each container may receive for each of its CPUs; `'auto'`: the link's speed divided by `cpus`. */
  ingressRatePerCpu?: SizeInput | undefined
  /** As for egress. */
  minimumIngressRateLimit?: SizeInput | undefined
  maximumIngressRateLimit?: SizeInput | undefined
  ingressCeilLimit?: SizeInput | undefined
  ingressBurst?: SizeInput | undefined
  /** Give containers without an ingress limit one when they are updated. Default true, as in Mesos. */
  ingressIsolateExistingContainers?: boolean | undefined
  /**
   * Where the limit on what a container sends stands: `'container'` (default) on its own eth0, as in Mesos, where a root
   * process inside can take it away; `'host'` there and on the host, for all it sends together.
   */
  egressEnforcement?: 'container' | 'host' | undefined
  /** The speed of the public interface, for `'auto'` and the check of rates against it. Default: what the device says. */
  networkLinkSpeed?: SizeInput | undefined
  /** The CPUs that containers share, which `'auto'` divides the link's speed by (Mesos resource `cpus`). Default: the machine's. */
  cpus?: number | undefined
}

/** 1 TB/s: what HTB, a link's alias and a double all hold with room to spare. */
const MAXIMUM_RATE = 10 ** 12

export function isRate(value: unknown, option: string): void {
  const rate = parseSize(value as SizeInput, option)
  if (rate < 1 || rate >= MAXIMUM_RATE)
    throw refuse(option, value, 'more than 0 and less than 10^12 bytes per second')
}

/** 0 is no minimum. */
function isMinimum(value: unknown, option: string): void {
  if (parseSize(value as SizeInput, option) !== 0) isRate(value, option)
}

function isRateOrAuto(value: unknown, option: string): void {
  if (value !== 'auto') isRate(value, option)
}

function isBurst(value: unknown, option: string): void {
  const bytes = parseSize(value as SizeInput, option)
  if (bytes < 1 || bytes > 0xffffffff) throw refuse(option, value, 'more than 0 and less than 4GB')
}

/** CPUs come in fractions. */
export function isCpus(value: unknown, option: string): void {
  if (typeof value !== 'number' || !(value > 0) || value === Infinity)
    throw refuse(option, value, 'a number above 0')
}

export const RATE_CHECKS: Checks<RateOptions> = {
  egressRateLimitPerContainer: isRate,
  egressRatePerCpu: isRateOrAuto,
  minimumEgressRateLimit: isMinimum,
  maximumEgressRateLimit: isRate,
  egressCeilLimit: isRate,
  egressBurst: isBurst,
  ingressRateLimitPerContainer: isRate,
  ingressRatePerCpu: isRateOrAuto,
  minimumIngressRateLimit: isMinimum,
  maximumIngressRateLimit: isRate,
  ingressCeilLimit: isRate,
  ingressBurst: isBurst,
  ingressIsolateExistingContainers: isBoolean,
  egressEnforcement: oneOf('container', 'host'),
  networkLinkSpeed: isRate,
  cpus: isCpus,
}

/**
 * The policy of one direction, of options that are of the right types.
 *
 * @throws IsolatorError ERR_INVALID_OPTION for options that contradict each other: a fixed and a scaled rate, a minimum
 *   above the maximum, a burst without a ceil
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
