const UNITS = ['', 'k', 'M', 'G', 'T', 'P', 'E']

/** A count in few characters: `9999`, `12.3k`, `4.0M`. Units are powers of 1000. */
export function shortNumber(value: number | bigint): string {
  let rest = Number(value)
  if (rest < 10_000) return `${rest}`
  let unit = 0
  // What would be shown as 1000.0 belongs to the next unit.
  while (rest >= 999.95 && unit < UNITS.length - 1) {
    rest /= 1000
    unit++
  }
  return `${rest.toFixed(1)}${UNITS[unit]}`
}
