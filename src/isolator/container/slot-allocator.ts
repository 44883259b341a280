import { IsolatorError } from '../isolator-error.js'
import { MAXIMUM_SLOT } from '../layout/layout.js'
import { LowestFree } from '../ports/lowest-free.js'

/** Hands out slots, the numbers from which all names and handles of a container follow. Always the lowest free one. */
export class SlotAllocator {
  /** Index 0 is slot 1. */
  readonly #slots = new LowestFree(MAXIMUM_SLOT)

  /** How many slots are free. */
  get free(): number {
    return this.#slots.free
  }

  /**
   * Takes the lowest free slot, in constant time.
   *
   * @throws IsolatorError ERR_PORTS_EXHAUSTED when all 4,095 are taken
   */
  allocate(): number {
    const index = this.#slots.lowest()
    if (index === undefined) {
      throw new IsolatorError(
        'ERR_PORTS_EXHAUSTED',
        `All ${MAXIMUM_SLOT} slots are taken: clean a container up first`,
      )
    }
    this.#slots.take(index)
    return index + 1
  }

  /**
   * Takes the slot of a container that is there already.
   *
   * @throws RangeError when it is taken or not within 1 to 4095
   */
  allocateExact(slot: number): void {
    if (!this.#slots.has(slot - 1)) {
      throw new RangeError(`Slot ${slot} is taken or not within 1 to ${MAXIMUM_SLOT}`)
    }
    this.#slots.take(slot - 1)
  }

  /** Whether a slot is free. */
  isFree(slot: number): boolean {
    return this.#slots.has(slot - 1)
  }

  /** Gives a slot back; no effect if it is free. */
  release(slot: number): void {
    this.#slots.release(slot - 1)
  }
}
