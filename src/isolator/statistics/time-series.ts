interface Sample<T> {
  readonly time: number
  readonly value: T
}

/** Thinning out needs an element between two others. */
const LEAST_CAPACITY = 3

/**
 * What happened within a window of time, as Mesos keeps it (libprocess, process/timeseries.hpp): when there are more
 * samples than it has room for, every other one of the older half goes, so that it spans the window with the latest
 * samples dense and the older ones sparse.
 */
export class TimeSeries<T> {
  readonly #window: number
  readonly #capacity: number
  readonly #samples: Sample<T>[] = []
  /** Index of the sample that is the next to go. */
  #next = 1

  /** @param window in the unit of the times given to `add` */
  constructor(window: number, capacity: number) {
    this.#window = window
    this.#capacity = Math.max(LEAST_CAPACITY, capacity)
  }

  /** Oldest first. */
  get values(): T[] {
    return this.#samples.map(({ value }) => value)
  }

  /** Appends a sample. Its time is now, and later than that of those before. */
  add(time: number, value: T): void {
    this.#samples.push({ time, value })
    this.#expire(time - this.#window)
    this.#thinOut()
  }

  /** Drops what is not younger than the window. */
  #expire(limit: number): void {
    const kept = this.#samples.findIndex(({ time }) => time > limit)
    this.#samples.splice(0, kept)
    // Where the next one to go is gone itself, thinning out begins anew.
    this.#next = this.#next > kept ? this.#next - kept : 1
  }

  #thinOut(): void {
    while (this.#samples.length > this.#capacity) {
      if (this.#next > this.#samples.length / 2) this.#next = 1
      this.#samples.splice(this.#next, 1)
      this.#next++
    }
  }
}
