/** Lets the event loop do what else is due. */
export const nextTurn = (): Promise<void> =>
  new Promise(resolve => {
    setImmediate(resolve)
  })

/** Lets so many tasks run at a time. Further ones wait, in the order they came. */
export class ConcurrencyLimit {
  #free: number
  readonly #waiting: (() => void)[] = []
  readonly #onePerTurn: boolean
  #turn = Promise.resolve()

  /**
   * @param width how many tasks run at a time
   * @param options.onePerTurn start one task per turn of the event loop, so that their synchronous parts do not add up
   *   to a long stop. Default: false
   */
  constructor(width: number, { onePerTurn = false }: { onePerTurn?: boolean } = {}) {
    this.#free = width
    this.#onePerTurn = onePerTurn
  }

  /** Runs a task when there is room. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
    if (this.#onePerTurn) {
      this.#turn = this.#turn.then(nextTurn)
      await this.#turn
    }
    try {
      return await task()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free++
    }
  }
}
