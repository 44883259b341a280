import { addon, type NetlinkHandle } from './addon.js'
import { addToEpoll, epoll, eventfd, pidfdOpen } from './system-calls.js'

/**
 * Tells at once when one of many processes has ended: one thread sleeps until then, for all of them. It does not keep the
 * event loop alive.
 */
export class ProcessEnds {
  readonly #epoll: number
  /** An I/O thread waits for the epoll instance as for a socket. Reading from it fails, and stops until `resume`. */
  readonly #handle: NetlinkHandle
  #closed = false

  /** @param onEnd called on the event loop, then not again until `resume` */
  constructor(onEnd: () => void) {
    const { NetlinkHandle } = addon()
    this.#epoll = epoll()
    this.#handle = new NetlinkHandle(this.#epoll)
    this.#handle.onEvent = onEnd
    try {
      this.#handle.start(eventfd())
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
  add(pid: number): Pick<NetlinkHandle, 'close'> {
    const { NetlinkHandle } = addon()
    const fd = pidfdOpen(pid)
    const handle = new NetlinkHandle(fd)
    try {
      addToEpoll(this.#epoll, fd)
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
