import type { ContainerProcesses } from 'rtnetlink'

/**
 * Finds containers that have ended without a DEL: those whose namespace had a process when somebody looked, and has had none since.
 * One that never had a process is left alone, since its process may be about to start.
 */
export class Sweep {
  readonly #ms: number
  /** When a container was first seen without a process, after it had one; undefined while it has one. */
  readonly #emptySince = new Map<string, number | undefined>()

  constructor(ms: number) {
    this.#ms = ms
  }

  /** Of a container that is gone: another can get its id. */
  forget(id: string): void {
    this.#emptySince.delete(id)
  }

  /**
   * The ids of those that have had no process for long enough. One of which nobody can say stays as it is.
   */
  look(
    containers: ReadonlyMap<string, Pick<ContainerProcesses, 'alive'>>,
    now = performance.now(),
  ): string[] {
    for (const id of this.#emptySince.keys()) if (!containers.has(id)) this.#emptySince.delete(id)
    return [...containers].flatMap(([id, { alive }]) => {
      if (alive) this.#emptySince.set(id, undefined)
      else if (alive === false && this.#emptySince.has(id)) {
        const since = this.#emptySince.get(id) ?? now
        this.#emptySince.set(id, since)
        if (now - since >= this.#ms) return [id]
      }
      return []
    })
  }
}
