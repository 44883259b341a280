/** Index of the first item of a sorted list that has been `reached`, or its length; the test must not turn false again. */
export function firstIndex<T>(sorted: readonly T[], reached: (item: T) => boolean): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (reached(sorted[middle] as T)) high = middle
    else low = middle + 1
  }
  return low
}
