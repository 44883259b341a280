/** `value` itself. Throws RangeError, naming the field, unless it is a whole number from `min` to `max`. */
export function wholeNumber(field: string, value: number, min = 0, max = 0xffff_ffff): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new RangeError(`${field} is ${String(value)}: expected a whole number from ${min} to ${max}`)
}

/** The same for a field that may be left out. */
export const optionalWholeNumber = (field: string, value: number | undefined): number | undefined =>
  value === undefined ? undefined : wholeNumber(field, value)
