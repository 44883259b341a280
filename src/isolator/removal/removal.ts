import type { IsolatorError } from '../isolator-error.js'
import { namingLimit } from '../kernel/exhaustion.js'

/** What `PortMappingIsolator.remove` came to. If all lists are empty, then there was nothing of ours. */
export interface Removal {
  /** Ids of the containers that were removed; for a link without an id, its name. */
  readonly containers: readonly string[]
  /** Ids that the call named and the host does not have. */
  readonly missing: readonly string[]
  /** What else was removed or restored, in words. */
  readonly removed: readonly string[]
  /** What could not be removed or restored, and why, a sentence each. A further call tries again. */
  readonly left: readonly string[]
}

/** Notes what becomes of the steps of a removal: one that fails keeps no other from being done. */
export class RemovalLog {
  readonly containers: string[] = []
  readonly missing: string[] = []
  readonly removed: string[] = []
  readonly left: string[] = []
  /** Whether something of the host could not be removed. What stays inside a container is its own. */
  isPartial = false
  /** Why, of the first. */
  cause: unknown

  /** @param insideFailed is called if something inside a container could not be removed. Default: it is left */
  constructor(
    readonly insideFailed: (error: IsolatorError) => void = error => {
      this.left.push(error.message)
    },
  ) {}

  /** Does a step. If it fails, then what it was to do is left. */
  async step(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
      this.removed.push(what)
    } catch (error) {
      this.failed(what, error)
    }
  }

  get result(): Removal {
    const { containers, missing, removed, left } = this
    return { containers, missing, removed, left }
  }

  /** Notes what is left, and why. */
  failed(what: string, error: unknown): void {
    const named = namingLimit(error)
    const [reason] = (named instanceof Error ? named.message : String(named)).split('\n')
    this.left.push(`${what}: ${reason}`)
    this.cause ??= error
    this.isPartial = true
  }
}
