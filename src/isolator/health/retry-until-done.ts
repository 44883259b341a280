import { sleep } from '../kernel/sleep.js'

/** Before the second try, ms. The pause doubles with each further one. */
const FIRST_PAUSE = 1000
const LONGEST_PAUSE = 60_000

/**
 * Does what must not be given up: a failure is reported, and the work is tried again after a pause, until it succeeds or
 * the signal aborts. Resolves when it has been tried once. A pause does not keep the process alive.
 */
export async function retryUntilDone(
  work: () => Promise<void>,
  failed: (error: unknown) => void,
  signal: AbortSignal,
  pause = FIRST_PAUSE,
): Promise<void> {
  if (signal.aborted) return
  try {
    await work()
  } catch (error) {
    failed(error)
    retryLater(work, failed, signal, pause)
  }
}

/** The same for work that has failed already: the first try comes after a pause. */
export function retryLater(
  work: () => Promise<void>,
  failed: (error: unknown) => void,
  signal: AbortSignal,
  pause = FIRST_PAUSE,
): void {
  sleep(pause, { ref: false, signal }).then(
    () => retryUntilDone(work, failed, signal, Math.min(2 * pause, LONGEST_PAUSE)),
    () => undefined,
  )
}
