/** What has to be taken back when a call fails half-way, last first. */
export class Undo {
  readonly #steps: (() => Promise<void> | void)[] = []

  push(step: () => Promise<void> | void): void {
    this.#steps.push(step)
  }

  /** Takes everything back. A step that fails does not keep the others from running; it is reported with `cause`. */
  async run(cause: unknown): Promise<never> {
    const failures: unknown[] = []
    for (const step of this.#steps.reverse()) {
      try {
        await step()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length === 0) throw cause
    throw new AggregateError(
      [cause, ...failures],
      `${String(cause)}; and taking back what was done failed too`,
      { cause },
    )
  }
}

/** Runs `work`; when it fails, takes back what it had pushed and throws its error. */
export async function allOrNothing<T>(work: (undo: Undo) => Promise<T>): Promise<T> {
  const undo = new Undo()
  try {
    return await work(undo)
  } catch (error) {
    return undo.run(error)
  }
}
