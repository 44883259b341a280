import type { RatePercentiles } from './resource-statistics.js'

const FRACTIONS = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99, p999: 0.999, p9999: 0.9999 } as const

/** Mesos computes them of two samples and more. */
const LEAST_SAMPLES = 2

/**
 * Percentiles by Mesos's rule (libprocess, process/statistics.hpp): interpolated between the two neighbours, and cut to a
 * whole number.
 *
 * @param rates whole numbers, in any order
 * @returns undefined of fewer than two
 */
export function percentiles(rates: readonly number[]): RatePercentiles<bigint> | undefined {
  if (rates.length < LEAST_SAMPLES) return undefined
  const sorted = rates.toSorted((a, b) => a - b)
  const of = (fraction: number): bigint => BigInt(percentile(sorted, fraction))
  return {
    min: of(0),
    max: of(1),
    p50: of(FRACTIONS.p50),
    p90: of(FRACTIONS.p90),
    p95: of(FRACTIONS.p95),
    p99: of(FRACTIONS.p99),
    p999: of(FRACTIONS.p999),
    p9999: of(FRACTIONS.p9999),
    samples: BigInt(sorted.length),
  }
}

function percentile(sorted: readonly number[], fraction: number): number {
  const position = fraction * (sorted.length - 1)
  const index = Math.floor(position)
  const [below = 0, above = below] = sorted.slice(index, index + 2)
  return Math.trunc(below + (above - below) * (position - index))
}
