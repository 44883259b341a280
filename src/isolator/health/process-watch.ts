import { binding, type ProcessEnds } from '../../native/binding.js'
import { SystemError } from '../../native/system-error.js'
import { isAlive, type Process } from '../container/process.js'

/** How often it is looked besides, ms: for processes of which there can be no pidfd (before Linux 5.3, or forbidden). */
const INTERVAL = 1000

interface Watched {
  readonly process: Process
  /** Its pidfd, where there is one. */
  readonly pidfd: ReturnType<ProcessEnds['add']> | undefined
}

/** Tells of processes that have ended. One timer and one thread for all, and none while there is nobody to watch. */
export class ProcessWatch<Key extends object> {
  readonly #ended: (key: Key) => void
  readonly #watched = new Map<Key, Watched>()
  #ends: ProcessEnds | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(ended: (key: Key) => void) {
    this.#ended = ended
  }

  add(key: Key, process: Process): void {
    this.delete(key)
    this.#watched.set(key, { process, pidfd: this.#pidfdOf(process) })
    this.#timer ??= setInterval(this.#look, INTERVAL).unref()
  }

  delete(key: Key): void {
    this.#watched.get(key)?.pidfd?.close()
    this.#watched.delete(key)
    if (this.#watched.size === 0) this.close()
  }

  close(): void {
    for (const { pidfd } of this.#watched.values()) pidfd?.close()
    this.#watched.clear()
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#ends?.close()
    this.#ends = undefined
  }

  #pidfdOf({ pid }: Process): Watched['pidfd'] {
    try {
      this.#ends ??= new (binding().ProcessEnds)(this.#look)
      return this.#ends.add(pid)
    } catch (error) {
      // Whatever the reason, the timer does without; a process that is gone it finds gone.
      if (error instanceof SystemError) return undefined
      throw error
    }
  }

  readonly #look = (): void => {
    for (const [key, { process }] of this.#watched) {
      if (isAlive(process)) continue
      this.delete(key)
      this.#ended(key)
    }
    this.#ends?.resume()
  }
}
