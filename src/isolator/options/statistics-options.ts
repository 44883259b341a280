import { boolean, object, optional, type InputOf } from '../../input/index.js'
import { secondsFrom } from './declared.js'
import { refuse, refuseAlone } from './option-checks.js'

/** Mesos's least interval, seconds. */
const LEAST_INTERVAL = 0.02
const seconds = secondsFrom(0)

export const statisticsOptions = object({
  /** Count TCP connections. Default: false. Costs an entry into the namespace of each container asked about. */
  networkEnableSocketStatisticsSummary: optional(boolean),
  /** Percentiles of TCP's round-trip times. Default: false. Lists the container's sockets each time. */
  networkEnableSocketStatisticsDetails: optional(boolean),
  /** The counters of IP, ICMP, TCP and UDP. Default: false. Costs an entry into the namespace. */
  networkEnableSnmpStatistics: optional(boolean),
  /** Sample rates all the time, and report their percentiles. Default: false. Needs the two options below. */
  networkEnableRateStatistics: optional(boolean),
  /** How far back rates are kept: seconds, more than the interval. Only with `networkEnableRateStatistics`. */
  networkRateStatisticsWindow: optional(seconds),
  /**
   * From one sample to the next: seconds, at least 0.02. Each reads the counters of all links once. Only with
   * `networkEnableRateStatistics`.
   */
  networkRateStatisticsInterval: optional(seconds),
})

/** The options of `PortMappingIsolator.create` that say what `usage()` reports beside the counters: Mesos's flags. */
export interface NetworkStatisticsOptions extends InputOf<typeof statisticsOptions> {}

/** How rates are sampled, in seconds. */
export interface RateSampling {
  /** How far back rates are kept. */
  readonly window: number
  /** From one sample to the next. */
  readonly interval: number
}

/** What to read beside the counters, which are always read. */
export interface StatisticsOptions {
  readonly socketSummary: boolean
  readonly socketDetails: boolean
  readonly snmp: boolean
  /** Undefined: no rates. */
  readonly rates: RateSampling | undefined
}

/**
 * Fills in defaults; the types are checked.
 *
 * @throws IsolatorError ERR_INVALID_OPTION by the rules of Mesos, where rates are to be sampled
 */
export function parseStatisticsOptions(options: NetworkStatisticsOptions): StatisticsOptions {
  refuseAlone(options, ['networkRateStatisticsWindow', 'networkRateStatisticsInterval'], {
    needs: 'networkEnableRateStatistics',
  })
  return {
    socketSummary: options.networkEnableSocketStatisticsSummary ?? false,
    socketDetails: options.networkEnableSocketStatisticsDetails ?? false,
    snmp: options.networkEnableSnmpStatistics ?? false,
    rates: options.networkEnableRateStatistics === true ? rateSampling(options) : undefined,
  }
}

function rateSampling({
  networkRateStatisticsWindow: window,
  networkRateStatisticsInterval: interval,
}: NetworkStatisticsOptions): RateSampling {
  if (interval === undefined || interval < LEAST_INTERVAL)
    throw refuse('networkRateStatisticsInterval', interval, `seconds, at least ${LEAST_INTERVAL}`)
  if (window === undefined || window <= interval)
    throw refuse(
      'networkRateStatisticsWindow',
      window,
      `seconds, more than networkRateStatisticsInterval, which is ${interval}`,
    )
  return { window, interval }
}
