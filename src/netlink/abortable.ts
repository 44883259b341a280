/** Settles as `promise` does, or rejects with the signal's reason when that comes first. Leaves no listener behind. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  let abort: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    abort = () => {
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', abort)
  })
  promise.catch(() => undefined)
  try {
    signal.throwIfAborted()
    return await Promise.race([promise, aborted])
  } finally {
    if (abort) signal.removeEventListener('abort', abort)
  }
}
