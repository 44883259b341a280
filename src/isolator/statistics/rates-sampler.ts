import type { LinkCounters } from './link-counters.js'
import type { RateSampling } from '../options/statistics-options.js'
import { PercentileRatesCollector } from './percentile-rates-collector.js'
import type { RateStatistics } from './resource-statistics.js'

/** Reads the counters of all containers there are. */
type ReadCounters<Container> = () => Promise<ReadonlyMap<Container, LinkCounters>>

/**
 * Samples the rates of all containers: one timer, and one read per interval. It does not keep the process alive. What is
 * known of a container goes with it.
 */
export class RatesSampler<Container extends object> {
  readonly #read: ReadCounters<Container>
  readonly #sampling: RateSampling
  readonly #collectors = new WeakMap<Container, PercentileRatesCollector>()
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(read: ReadCounters<Container>, sampling: RateSampling) {
    this.#read = read
    this.#sampling = sampling
    this.#after(0)
  }

  statisticsOf(container: Container): RateStatistics<bigint> {
    return this.#collectorOf(container).statistics
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #after(seconds: number): void {
    this.#timer = setTimeout(() => void this.#sample(), seconds * 1000).unref()
  }

  async #sample(): Promise<void> {
    const started = now()
    try {
      const counters = await this.#read()
      for (const [container, found] of counters) this.#collectorOf(container).sample(started, found)
    } catch {
      // A gap in the series; the next rates are those since the last sample.
    }
    if (!this.#closed) this.#after(Math.max(0, started + this.#sampling.interval - now()))
  }

  #collectorOf(container: Container): PercentileRatesCollector {
    const known = this.#collectors.get(container)
    if (known) return known
    const collector = new PercentileRatesCollector(this.#sampling)
    this.#collectors.set(container, collector)
    return collector
  }
}

/** Seconds, of a clock that does not go back. */
const now = (): number => performance.now() / 1000
