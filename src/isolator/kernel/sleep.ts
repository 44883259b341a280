import { whenAborted } from '../../netlink/abortable.js'

interface SleepOptions {
  /** Whether the process stays alive meanwhile. Default: true */
  readonly ref?: boolean
  /** Ends the sleep: it rejects with the signal's reason then. Any number can wait for the same signal. */
  readonly signal?: AbortSignal
}

/** Resolves after `ms`. */
export function sleep(ms: number, { ref = true, signal }: SleepOptions = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      stopWaiting?.()
      resolve()
    }, ms)
    if (!ref) timer.unref()
    const stopWaiting =
      signal &&
      whenAborted(signal, reason => {
        clearTimeout(timer)
        reject(reason)
      })
  })
}
