import { IsolatorError } from '../isolator-error.js'

/** What has to be taken back when a call fails half-way, last first. */
export class Undo {
  readonly #steps: (() => Promise<void> | void)[] = []

  push(step: () => Promise<void> | void): void {
    this.#steps.push(step)
  }

  /**
   * Takes everything back, then throws `cause`. A step that fails does not keep the others from running.
   *
   * @throws IsolatorError ERR_NOT_UNDONE where a step failed: `details.left` has what stayed, `cause` why the call failed
   */
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
    throw notUndone(cause, failures)
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

function notUndone(cause: unknown, failures: readonly unknown[]): IsolatorError {
  const left = failures.map(wordsOf)
  return new IsolatorError(
    'ERR_NOT_UNDONE',
    `${firstLine(cause)}; and not everything could be taken back: ${left.join('; ')}. ` +
      'What stayed is removed by recover(), or by verify() and repair()',
    { cause, details: { left, errors: failures } },
  )
}

/** What a step that takes back was to do, and why it could not. */
function wordsOf(error: unknown): string {
  const { command } = error as { command?: string | undefined }
  return command === undefined ? firstLine(error) : `${command} (${firstLine(error)})`
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''
