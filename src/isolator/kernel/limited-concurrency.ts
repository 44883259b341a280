/** Lets the event loop do what else is due. */
export const nextTurn = (): Promise<void> =>
  new Promise(resolve => {
    setImmediate(resolve)
  })

/**
 * Lets so many tasks run at a time; others wait, in the order they came. One task starts per turn of the event loop, so
 * that what each does at once does not add up to a long stop.
 */
export class Gate {
  #free: number
  readonly #waiting: (() => void)[] = []
  #turn = Promise.resolve()

  constructor(width: number) {
    this.#free = width
  }

  /** Runs a task when there is room. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
    this.#turn = this.#turn.then(nextTurn)
    await this.#turn
    try {
      return await task()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free++
    }
  }
}
