import type { ContainerTable } from '../container/table.js'
import type { HostContext } from '../host/context.js'
import { sleep } from '../kernel/sleep.js'
import { allPorts } from '../plan/facts.js'
import type { HostSocket } from './isolator-events.js'
import { deafSockets, type DeafSocket } from './verify-sockets.js'

/** What a watch calls. */
export interface SocketWatcher {
  /** A socket of the host has a port of a container: once for each socket. */
  found(socket: HostSocket): void
  /** A look has failed; the next one comes all the same. */
  failed(error: unknown): void
}

/**
 * Looks from time to time whether the host has a socket on a port of a container. The kernel does not notify of a socket that is
 * bound, so there is nothing to wait for. One look begins when the one before and the pause are over; none keeps the process alive.
 */
export class SocketWatch {
  readonly #host: HostContext
  readonly #containers: ContainerTable
  readonly #pause: number
  readonly #watcher: SocketWatcher
  #stop: AbortController | undefined

  /** @param seconds between two looks */
  constructor(host: HostContext, containers: ContainerTable, seconds: number, watcher: SocketWatcher) {
    this.#host = host
    this.#containers = containers
    this.#pause = seconds * 1000
    this.#watcher = watcher
  }

  /** Begins, unless it has begun. The first look is now, and finds what has been bound before, too. */
  start(): void {
    if (this.#stop) return
    this.#stop = new AbortController()
    void this.#run(this.#stop.signal)
  }

  /** Nothing is found from here on. */
  stop(): void {
    this.#stop?.abort()
    this.#stop = undefined
  }

  async #run(signal: AbortSignal): Promise<void> {
    let known: ReadonlySet<string> = new Set()
    while (!signal.aborted) {
      try {
        known = await this.#look(known, signal)
      } catch (error) {
        if (!signal.aborted) this.#watcher.failed(error)
      }
      await sleep(this.#pause, { ref: false, signal }).catch(() => undefined)
    }
  }

  /** @returns the sockets that are there: what has gone is forgotten */
  async #look(known: ReadonlySet<string>, signal: AbortSignal): Promise<ReadonlySet<string>> {
    const found = await deafSockets(this.#host, [...this.#containers])
    const there = new Set<string>()
    for (const deaf of found) {
      const name = nameOf(deaf)
      if (!known.has(name)) {
        // A call that is under way may be refused for this very socket.
        await deaf.container.settled
        if (signal.aborted) break
        if (!this.#has(deaf)) continue
        this.#watcher.found(described(deaf))
      }
      there.add(name)
    }
    return there
  }

  #has({ container, socket }: DeafSocket): boolean {
    return this.#containers.has(container) && allPorts(container).has(socket.localPort)
  }
}

const nameOf = ({ container: { id }, socket: { cookie, localPort } }: DeafSocket): string =>
  `${id} ${localPort} ${cookie}`

const described = ({ container: { id }, socket }: DeafSocket): HostSocket => {
  const { protocol, localAddress: address, localPort: port, uid, inode } = socket
  return { id, protocol, address, port, uid, inode }
}
