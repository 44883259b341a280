import type { Container, ContainerTable } from './container/table.js'
import { closedError } from './isolator-error.js'
import { withLimitNamed } from './kernel/exhaustion.js'

/**
 * The calls of an isolator: those for one container run one after the other, all of them after a recovery, and none once
 * the isolator is closed.
 */
export class Calls {
  readonly #begun: () => void
  readonly #underWay = new Set<Promise<unknown>>()
  #recovery: Promise<unknown> | undefined
  #end: Promise<void> | undefined
  #closed = false

  /** `begun` is called before the work of each call. */
  constructor(begun: () => void) {
    this.#begun = begun
  }

  /**
   * Does the work of a call when no recovery is under way: at once, or a later call could come before it.
   *
   * @throws IsolatorError ERR_ISOLATOR_CLOSED once the isolator is closed
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    while (this.#recovery) await this.#recovery
    this.refuseOnceClosed()
    this.#begun()
    const call = withLimitNamed(work)
    this.#underWay.add(call)
    try {
      return await call
    } finally {
      this.#underWay.delete(call)
    }
  }

  /** Likewise that of a call that adds to what is there: not any more once its removal has begun. */
  add<T>(work: () => Promise<T>): Promise<T> {
    return this.run(() => {
      if (this.#end) throw closedError('the isolator is being destroyed')
      return work()
    })
  }

  /** Likewise that of a recovery, which calls that come later wait for. */
  recover<T>(work: () => Promise<T>): Promise<T> {
    return this.add(() => {
      const recovery = work()
      const settled: Promise<unknown> = settlementOf(recovery).then(() => {
        if (this.#recovery === settled) this.#recovery = undefined
      })
      this.#recovery = settled
      return recovery
    })
  }

  /** Does the work when the calls under way for these containers are through, and has further ones wait for it. */
  afterwards<T>(containers: readonly Container[], work: () => Promise<T>): Promise<T> {
    const done = Promise.all(containers.map(({ settled }) => settled)).then(work)
    for (const container of containers) container.settled = settlementOf(done)
    return done
  }

  /** The same with one container that is there, or without an id with all of them; of all, those that have gone are left out. */
  settled<T>(
    table: ContainerTable,
    id: string | undefined,
    work: (containers: readonly Container[]) => Promise<T>,
  ): Promise<T> {
    const wanted = id === undefined ? [...table] : [table.known(id)]
    return this.afterwards(wanted, () => {
      if (id !== undefined) for (const container of wanted) table.checkHas(container)
      return work(wanted.filter(container => table.has(container)))
    })
  }

  /** Takes everything away, once the calls under way are through. Where that fails, it is as if it had not begun. */
  async end(work: () => Promise<void>): Promise<void> {
    this.refuseOnceClosed()
    this.#end ??= this.#idle()
      .then(() => {
        this.#begun()
        return withLimitNamed(work)
      })
      .catch((error: unknown) => {
        this.#end = undefined
        throw error
      })
    await this.#end
  }

  /**
   * For calls that answer at once.
   *
   * @throws IsolatorError ERR_ISOLATOR_CLOSED once the isolator is closed
   */
  refuseOnceClosed(): void {
    if (this.#closed) throw closedError()
  }

  /** Lets no more calls begin. Resolves when those under way are through. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#idle()
    await settlementOf(this.#end)
  }

  async #idle(): Promise<void> {
    await Promise.allSettled(this.#underWay)
  }
}

/** Resolves when it settles, in either way. */
async function settlementOf(work: Promise<unknown> | undefined): Promise<void> {
  try {
    await work
  } catch {
    // Whoever asked for the work gets its error.
  }
}
