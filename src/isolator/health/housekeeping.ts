import { EventEmitter } from 'node:events'
import { whenAborted } from '../../netlink/abortable.js'
import { closedError, type IsolatorError } from '../isolator-error.js'
import type { Container, ContainerTable } from '../container/table.js'
import type { HostContext } from '../host/context.js'
import { HostWatch } from './host-watch.js'
import type { Gone, IsolatorEvents } from './isolator-events.js'
import { linkName } from '../layout/layout.js'
import { retryLater, retryUntilDone } from './retry-until-done.js'
import { RouteWatch } from './route-watch.js'
import { ProcessWatch } from './process-watch.js'
import { SocketWatch } from './socket-watch.js'
import type { Repair } from './repair.js'
import { nextTurn } from '../kernel/concurrency-limit.js'

/** What is done by itself when the host changes. */
export interface Chores {
  /** @throws where a container could not be removed */
  cleanup(container: Container): Promise<unknown>
  repair(): Promise<Repair>
}

/** Containers that are looked at between two turns of the event loop. */
const CONTAINERS_PER_TURN = 256

/**
 * Follows the host's links and routes once somebody wants to know: cleans a container up whose interface has gone, and repairs
 * what depends on the public interface or on routes when these change. What fails is reported and tried again.
 */
export class Housekeeping {
  readonly #host: HostContext
  readonly #containers: ContainerTable
  readonly #chores: Chores
  readonly #events = new EventEmitter<IsolatorEvents>()
  /** Why containers that nobody has cleaned up are gone. */
  readonly #lost = new WeakMap<Container, 'exit' | 'link'>()
  /** Those whose removal is tried again. */
  readonly #removing = new WeakSet<Container>()
  readonly #processes = new ProcessWatch<Container>(container => {
    void this.#cleanUp(container, 'exit')
  })
  readonly #sockets: SocketWatch
  readonly #closed = new AbortController()
  #watch: HostWatch | undefined
  #routes: RouteWatch | undefined
  /** One repair after the other. */
  #repairing: Promise<void> = Promise.resolve()
  /** The one that has not begun yet: it will see what changes until then. */
  #next: Promise<void> | undefined

  /** Whether something was left the last time: that it is no more is news as well. */
  #left = false

  constructor(host: HostContext, containers: ContainerTable, chores: Chores) {
    this.#host = host
    this.#containers = containers
    this.#chores = chores
    this.#sockets = new SocketWatch(host, containers, host.hostSocketsInterval, {
      found: socket => {
        this.#tell('hostSocket', socket)
      },
      failed: this.#fail,
    })
    this.#events.setMaxListeners(0)
  }

  on<Name extends keyof IsolatorEvents>(event: Name, listener: Listener<Name>): void {
    this.#start()
    this.#events.on(event, listener as never)
    this.#watchSockets()
  }

  off<Name extends keyof IsolatorEvents>(event: Name, listener: Listener<Name>): void {
    this.#events.off(event, listener as never)
    this.#watchSockets()
  }

  /** Sockets are looked for as long as somebody wants to know. */
  #watchSockets(): void {
    const isWanted = this.#events.listenerCount('hostSocket') > 0 && !this.#closed.signal.aborted
    if (isWanted) this.#sockets.start()
    else this.#sockets.stop()
  }

  /** Resolves when the container is gone. */
  watch(container: Container, signal: AbortSignal | undefined): Promise<Gone> {
    const stops = [this.#closed.signal, ...(signal ? [signal] : [])]
    const stopped = stops.find(({ aborted }) => aborted)
    if (stopped) return Promise.reject(stopped.reason as Error)
    this.#start()
    return new Promise((resolve, reject) => {
      const settle = (outcome: () => void) => {
        this.#events.off('gone', listener)
        for (const stopWaiting of waits) stopWaiting()
        outcome()
      }
      const listener = (gone: Gone): void => {
        if (gone.id === container.id)
          settle(() => {
            resolve(gone)
          })
      }
      this.#events.on('gone', listener)
      const waits = stops.map(stop =>
        whenAborted(stop, reason => {
          settle(() => {
            reject(reason)
          })
        }),
      )
      // It may have gone before the links were followed.
      void this.#cleanUpIfLost(container)
    })
  }

  /** Notes that a container has been made. */
  made(container: Container): void {
    if (this.#watch && container.process) this.#processes.add(container, container.process)
  }

  /** Notes that a container has been taken away. */
  gone(container: Container, reason: Gone['reason'] = this.#lost.get(container) ?? 'cleanup'): void {
    this.#processes.delete(container)
    const gone: Gone = { id: container.id, reason }
    this.#tell('gone', gone)
  }

  /** Notes that a container's namespace has ended, and that what was left of it has been removed. */
  ended(container: Container): void {
    this.gone(container, this.#lost.get(container) ?? 'link')
  }

  /** Reports what was refused inside a container. */
  readonly insideFailed = (error: IsolatorError): void => {
    this.#tell('insideError', error)
  }

  /** Calls the listeners. One that throws must not keep the others from hearing, nor the isolator from its work. */
  #tell<Name extends 'gone' | 'insideError' | 'hostSocket'>(
    event: Name,
    ...told: IsolatorEvents[Name]
  ): void {
    for (const listener of this.#events.listeners(event) as Listener<Name>[]) {
      try {
        listener(...told)
      } catch (error) {
        this.#fail(error)
      }
    }
  }

  /** Reports what has failed and could not be reported to a caller. */
  readonly failed = (error: Error): void => {
    this.#fail(error)
  }

  /** Goes on trying to remove a container that a call could not remove. */
  keepRemoving(container: Container): void {
    if (this.#removing.has(container) || this.#lost.has(container)) return
    this.#removing.add(container)
    retryLater(
      async () => {
        await container.settled
        if (this.#isThere(container)) await this.#chores.cleanup(container)
      },
      this.#fail,
      this.#closed.signal,
    )
  }

  /** Resolves when a repair that is under way is through. */
  async close(): Promise<void> {
    this.#closed.abort(closedError())
    this.#processes.close()
    this.#watch?.stop()
    this.#routes?.stop()
    this.#sockets.stop()
    await this.#repairing
  }

  #start(): void {
    if (this.#watch || this.#closed.signal.aborted) return
    this.#watch = new HostWatch(this.#host, {
      begun: () => {
        void this.#cleanUpLost()
      },
      linkGone: slot => {
        const container = this.#containers.inSlot(slot)
        if (container) void this.#cleanUpIfLost(container)
      },
      hostChanged: () => {
        void this.hostChanged()
      },
      failed: this.#fail,
    })
    this.#routes = new RouteWatch(this.#host, {
      changed: () => {
        void this.hostChanged()
      },
      failed: this.#fail,
    })
    for (const container of this.#containers) this.made(container)
  }

  /** Whether changes of the host's routes are seen as they happen. */
  get followsRoutes(): boolean {
    return this.#routes?.listening ?? false
  }

  /** Puts right what follows from the host's interfaces. Resolves when that has been tried. */
  hostChanged(): Promise<void> {
    this.#next ??= this.#repairing.then(() => {
      this.#next = undefined
      return retryUntilDone(() => this.#repair(), this.#fail, this.#closed.signal)
    })
    this.#repairing = this.#next
    return this.#next
  }

  /** Cleans up what was lost before the links were followed. */
  async #cleanUpLost(): Promise<void> {
    for (const [i, container] of [...this.#containers].entries()) {
      void this.#cleanUpIfLost(container)
      if (i % CONTAINERS_PER_TURN === CONTAINERS_PER_TURN - 1) await nextTurn()
    }
  }

  /** Cleans a container up if its link is not there, and no call is under way that makes or removes it. */
  async #cleanUpIfLost(container: Container): Promise<void> {
    await container.settled
    const { devices } = this.#host.rt
    if (!this.#isThere(container) || this.#lost.has(container)) return
    if (devices.interfaceIndex(linkName(container.slot)) === 0) await this.#cleanUp(container, 'link')
  }

  /** Cleans a container up, however often that fails. */
  #cleanUp(container: Container, reason: 'exit' | 'link'): Promise<void> {
    return retryUntilDone(
      async () => {
        await container.settled
        if (!this.#isThere(container) || this.#removing.has(container)) return
        this.#lost.set(container, reason)
        await this.#chores.cleanup(container)
      },
      this.#fail,
      this.#closed.signal,
    )
  }

  #isThere(container: Container): boolean {
    return !this.#closed.signal.aborted && this.#containers.get(container.id) === container
  }

  async #repair(): Promise<void> {
    if (this.#closed.signal.aborted) return
    const result = await this.#chores.repair()
    const { repaired, left } = result
    const settled = this.#left && left.length === 0
    this.#left = left.length > 0
    if (repaired.length > 0 || this.#left || settled) this.#events.emit('repaired', result)
  }

  readonly #fail = (error: unknown): void => {
    if (this.#closed.signal.aborted) return
    if (this.#events.listenerCount('error') > 0) this.#events.emit('error', error as Error)
    else process.emitWarning(error as Error)
  }
}

export type Listener<Name extends keyof IsolatorEvents> = (...told: IsolatorEvents[Name]) => void
