import { isAlive, type Process } from './process.js'

/**
 * How often it is looked, ms. A pidfd would tell at once, but Node cannot wait for one, and a thread for each container
 * would be a high price for a second.
 */
const INTERVAL = 1000

/** Tells of processes that have ended, within a second. One timer for all, and none while there is nobody to watch. */
export class ProcessWatch<Key extends object> {
  readonly #ended: (key: Key) => void
  readonly #watched = new Map<Key, Process>()
  #timer: NodeJS.Timeout | undefined

  constructor(ended: (key: Key) => void) {
    this.#ended = ended
  }

  add(key: Key, process: Process): void {
    this.#watched.set(key, process)
    this.#timer ??= setInterval(() => {
      this.#look()
    }, INTERVAL).unref()
  }

  delete(key: Key): void {
    this.#watched.delete(key)
    if (this.#watched.size === 0) this.close()
  }

  close(): void {
    this.#watched.clear()
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #look(): void {
    for (const [key, process] of this.#watched) {
      if (isAlive(process)) continue
      this.delete(key)
      this.#ended(key)
    }
  }
}
