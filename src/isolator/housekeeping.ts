import { EventEmitter } from 'node:events'
import type { Container, ContainerTable } from './container-table.js'
import type { HostContext } from './host-context.js'
import { HostWatch } from './host-watch.js'
import type { Gone, IsolatorEvents } from './isolator-events.js'
import { linkName } from './layout.js'
import { ProcessWatch } from './process-watch.js'
import type { Repair } from './repair.js'

/** What is done by itself when the host's links change. */
export interface Chores {
  cleanup(id: string): Promise<boolean>
  repair(): Promise<Repair>
}

/**
 * Follows the host's links once somebody wants to know: cleans a container up whose interface has gone, and repairs what
 * depends on the public interface when that changes.
 */
export class Housekeeping {
  readonly #host: HostContext
  readonly #containers: ContainerTable
  readonly #chores: Chores
  readonly #events = new EventEmitter<IsolatorEvents>()
  /** Why containers that nobody has cleaned up are gone. */
  readonly #lost = new WeakMap<Container, 'exit' | 'link'>()
  readonly #processes = new ProcessWatch<Container>(container => {
    this.#cleanUp(container, 'exit').catch(this.#fail)
  })
  readonly #closed = new AbortController()
  #watch: HostWatch | undefined
  /** One repair after the other. */
  #repairing: Promise<unknown> = Promise.resolve()

  constructor(host: HostContext, containers: ContainerTable, chores: Chores) {
    this.#host = host
    this.#containers = containers
    this.#chores = chores
    this.#events.setMaxListeners(0)
  }

  on<Name extends keyof IsolatorEvents>(event: Name, listener: Listener<Name>): void {
    this.#start()
    this.#events.on(event, listener as never)
  }

  off<Name extends keyof IsolatorEvents>(event: Name, listener: Listener<Name>): void {
    this.#events.off(event, listener as never)
  }

  /** Resolves when the container is gone. */
  watch(container: Container, signal: AbortSignal | undefined): Promise<Gone> {
    const stop = AbortSignal.any([this.#closed.signal, ...(signal ? [signal] : [])])
    if (stop.aborted) return Promise.reject(stop.reason as Error)
    this.#start()
    return new Promise((resolve, reject) => {
      const settle = (outcome: () => void) => {
        this.#events.off('gone', listener)
        stop.removeEventListener('abort', abort)
        outcome()
      }
      const listener = (gone: Gone): void => {
        if (gone.id === container.id)
          settle(() => {
            resolve(gone)
          })
      }
      const abort = (): void => {
        settle(() => {
          reject(stop.reason as Error)
        })
      }
      this.#events.on('gone', listener)
      stop.addEventListener('abort', abort)
      // It may have gone before the links were followed.
      this.#cleanUpIfLost(container).catch(this.#fail)
    })
  }

  /** Notes that a container has been made. */
  made(container: Container): void {
    if (this.#watch && container.process) this.#processes.add(container, container.process)
  }

  /** Notes that a container has been taken away. */
  gone(container: Container): void {
    this.#processes.delete(container)
    const gone: Gone = { id: container.id, reason: this.#lost.get(container) ?? 'cleanup' }
    // One that throws must not keep the others from hearing, nor the isolator from its work.
    for (const listener of this.#events.listeners('gone') as Listener<'gone'>[]) {
      try {
        listener(gone)
      } catch (error) {
        this.#fail(error)
      }
    }
  }

  close(): void {
    this.#closed.abort(new Error('the isolator is closed'))
    this.#processes.close()
    this.#watch?.stop()
  }

  #start(): void {
    if (this.#watch || this.#closed.signal.aborted) return
    this.#watch = new HostWatch(this.#host, {
      linkGone: slot => {
        const container = this.#containers.inSlot(slot)
        if (container) this.#cleanUpIfLost(container).catch(this.#fail)
      },
      hostChanged: () => {
        this.#repairing = this.#repairing.then(() => this.#repair()).catch(this.#fail)
      },
      failed: this.#fail,
    })
    for (const container of this.#containers) this.made(container)
  }

  /** Cleans a container up if its link is not there, and no call is under way that makes or removes it. */
  async #cleanUpIfLost(container: Container): Promise<void> {
    await container.settled
    const { devices } = this.#host.rt
    if (this.#closed.signal.aborted || this.#containers.get(container.id) !== container) return
    if (devices.interfaceIndex(linkName(container.slot)) !== 0) return
    await this.#cleanUp(container, 'link')
  }

  async #cleanUp(container: Container, reason: 'exit' | 'link'): Promise<void> {
    await container.settled
    if (this.#closed.signal.aborted || this.#containers.get(container.id) !== container) return
    this.#lost.set(container, reason)
    await this.#chores.cleanup(container.id)
  }

  async #repair(): Promise<void> {
    if (this.#closed.signal.aborted) return
    const result = await this.#chores.repair()
    if (result.repaired.length + result.left.length > 0) this.#events.emit('repaired', result)
  }

  readonly #fail = (error: unknown): void => {
    if (this.#closed.signal.aborted) return
    if (this.#events.listenerCount('error') > 0) this.#events.emit('error', error as Error)
    else process.emitWarning(error as Error)
  }
}

export type Listener<Name extends keyof IsolatorEvents> = (...told: IsolatorEvents[Name]) => void
