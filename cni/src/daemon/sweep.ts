import type { ContainerInfo } from 'rtnetlink'

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

  /**
   * The ids of those that have had no process for long enough.
   *
   * @param processes by link
   */
  look(
    containers: readonly Pick<ContainerInfo, 'id' | 'link'>[],
    processes: ReadonlyMap<string, readonly number[]>,
    now = performance.now(),
  ): string[] {
    const ids = new Set(containers.map(({ id }) => id))
    for (const id of this.#emptySince.keys()) if (!ids.has(id)) this.#emptySince.delete(id)
    return containers.flatMap(({ id, link }) => {
      if ((processes.get(link)?.length ?? 0) > 0) this.#emptySince.set(id, undefined)
      else if (this.#emptySince.has(id)) {
        const since = this.#emptySince.get(id) ?? now
        this.#emptySince.set(id, since)
        if (now - since >= this.#ms) return [id]
      }
      return []
    })
  }
}
