type Waiter = (reason: Error) => void

/** Who waits for each signal. One listener serves them all: Node warns of a leak from the eleventh on. */
const waiters = new WeakMap<AbortSignal, Set<Waiter>>()

/** Settles as `promise` does, or rejects with the signal's reason when that comes first. Leaves no listener behind. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const stopWaiting = whenAborted(signal, reject)
    void promise.then(resolve, reject).finally(stopWaiting)
  })
}

/**
 * Calls `waiter` with the reason once the signal is aborted, at once if it is. Returns what takes that back. However many wait
 * for a signal, it has one listener.
 */
export function whenAborted(signal: AbortSignal, waiter: Waiter): () => void {
  if (signal.aborted) {
    waiter(signal.reason as Error)
    return () => undefined
  }
  const all = waiters.get(signal) ?? new Set()
  waiters.set(signal, all)
  if (all.size === 0) signal.addEventListener('abort', onAbort, { once: true })
  all.add(waiter)
  return () => {
    if (all.delete(waiter) && all.size === 0) signal.removeEventListener('abort', onAbort)
  }
}

function onAbort(this: AbortSignal): void {
  const all = [...(waiters.get(this) ?? [])]
  waiters.delete(this)
  for (const waiter of all) waiter(this.reason as Error)
}
