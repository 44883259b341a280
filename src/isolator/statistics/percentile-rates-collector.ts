import type { LinkCounters } from './link-counters.js'
import type { RateSampling } from '../options/statistics-options.js'
import { percentiles } from './percentiles.js'
import type { RateStatistics } from './resource-statistics.js'
import { TimeSeries } from './time-series.js'

/** Of which counter at the host's end each rate of the container is: what one end transmits, the other receives. */
const COUNTERS = {
  rx_rate: 'txBytes',
  rx_packet_rate: 'txPackets',
  rx_drop_rate: 'txDropped',
  rx_error_rate: 'txErrors',
  tx_rate: 'rxBytes',
  tx_packet_rate: 'rxPackets',
  tx_drop_rate: 'rxDropped',
  tx_error_rate: 'rxErrors',
} as const satisfies Partial<Record<keyof RateStatistics, keyof LinkCounters>>

type RateName = keyof typeof COUNTERS

const NAMES = Object.keys(COUNTERS) as RateName[]

/** Per second, whole numbers. */
type Rates = Readonly<Record<RateName, number>>

/** The rates of one container over a window of time, by Mesos's rules. */
export class PercentileRatesCollector {
  readonly #sampling: RateSampling
  readonly #rates: TimeSeries<Rates>
  #previous: { time: number; counters: LinkCounters } | undefined

  constructor(sampling: RateSampling) {
    const { window, interval } = sampling
    this.#sampling = sampling
    this.#rates = new TimeSeries(window, Math.floor(window / interval))
  }

  /**
   * Takes a sample. The first one gives no rate.
   *
   * @param time seconds, of a clock that does not go back
   * @param counters those at the host's end of the veth
   */
  sample(time: number, counters: LinkCounters): void {
    const previous = this.#previous
    this.#previous = { time, counters }
    // Counters only grow: smaller ones are those of another link of the same name.
    if (
      !previous ||
      time <= previous.time ||
      NAMES.some(name => grown(previous.counters, counters, name) < 0n)
    )
      return
    const elapsed = time - previous.time
    const rates = NAMES.map(name => [
      name,
      Math.trunc(Number(grown(previous.counters, counters, name)) / elapsed),
    ])
    this.#rates.add(time, Object.fromEntries(rates) as Rates)
  }

  /** The percentiles, without those for which there are too few samples. */
  get statistics(): RateStatistics<bigint> {
    const samples = this.#rates.values
    const rates = NAMES.flatMap(name => {
      const found = percentiles(samples.map(sample => sample[name]))
      return found ? [[name, found]] : []
    })
    return {
      ...(Object.fromEntries(rates) as Partial<RateStatistics<bigint>>),
      sampling_window_secs: this.#sampling.window,
      sampling_interval_secs: this.#sampling.interval,
    }
  }
}

const grown = (before: LinkCounters, after: LinkCounters, name: RateName): bigint =>
  after[COUNTERS[name]] - before[COUNTERS[name]]
