import type { Calls } from './calls.js'
import { notBegun, removeKnown, type RemovalListener } from './container/remove.js'
import type { Container, ContainerTable } from './container/table.js'
import type { HostContext } from './host/context.js'
import type { HostTurns } from './host/turns.js'

/** What takes an isolator's containers away. */
export class Cleanups {
  constructor(
    private readonly host: HostContext,
    private readonly containers: ContainerTable,
    private readonly calls: Calls,
    private readonly turns: HostTurns,
    private readonly listener: RemovalListener,
  ) {}

  /** Takes the containers of these ids away. Returns the ids of those that there were. */
  ofIds(ids: readonly string[]): Promise<ReadonlySet<string>> {
    return this.calls.run(() =>
      this.#inTurn(() => [...new Set(ids)].flatMap(id => this.containers.get(id) ?? [])),
    )
  }

  /** Takes a container away, if it is still there: another of the same id can have come. */
  async ofOne(container: Container): Promise<void> {
    await this.calls.run(() => this.#inTurn(() => (this.containers.has(container) ? [container] : [])))
  }

  /** Takes all of them away, in a turn of the caller's. */
  async ofAll(): Promise<void> {
    await this.#now([...this.containers])
  }

  /** Now or, where this isolator does not get its turn, later. */
  async #inTurn(which: () => Container[]): Promise<ReadonlySet<string>> {
    let begun = false
    try {
      return await this.turns.change(() => {
        begun = true
        return this.#now(which())
      })
    } catch (error) {
      throw begun ? error : notBegun(which(), error as Error, this.listener)
    }
  }

  /** Those that are still there once the calls under way are through. */
  #now(containers: readonly Container[]): Promise<ReadonlySet<string>> {
    return this.calls.afterwards(containers, () =>
      removeKnown(this.host, this.containers, containers, this.listener),
    )
  }
}
