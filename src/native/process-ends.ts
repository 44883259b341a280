import type { DescriptorHandle } from './addon.js'
import { addToEpoll, openEpoll, openPidfd } from './system-calls.js'

/**
 * Tells at once when one of many processes has ended: one thread sleeps until then, for all of them. It does not keep the
 * event loop alive.
 */
export class ProcessEnds {
  readonly #epoll: number
  /** An I/O thread waits for the epoll instance as for a socket. Reading from it fails, and stops until `resume`. */
  readonly #handle: DescriptorHandle
  #closed = false

  /** @param onEnd called on the event loop, then not again until `resume` */
  constructor(onEnd: () => void) {
    this.#handle = openEpoll()
    this.#epoll = this.#handle.fd
    this.#handle.onEvent = onEnd
    try {
      this.#handle.start()
    } catch (error) {
      this.close()
      throw error
    }
  }

  /**
   * Waits for a process, too, until what is returned is closed.
   *
   * @throws SystemError ESRCH where there is none; ENOSYS before Linux 5.3, EPERM where it is forbidden
   */
  add(pid: number): Pick<DescriptorHandle, 'close'> {
    const handle = openPidfd(pid)
    try {
      addToEpoll(this.#epoll, handle.fd)
    } catch (error) {
      handle.close()
      throw error
    }
    return handle
  }

  /** To be called when the processes that have ended are closed. */
  resume(): void {
    if (!this.#closed) this.#handle.setPaused(false)
  }

  close(): void {
    this.#closed = true
    this.#handle.close()
  }
}
