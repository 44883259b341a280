/** Nanoseconds in the unit that leaves one to three digits before the point: `'2.9 us'`. */
export function duration(nanoseconds: number): string {
  const microseconds = nanoseconds / 1000
  if (microseconds < 999.5) return `${significant(microseconds)} us`
  return `${significant(microseconds / 1000)} ms`
}

/** `'1.13x'`, `'39x'`, `'412x'`. */
export const times = (ratio: number): string => `${significant(ratio)}x`

const significant = (value: number): string => value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)
