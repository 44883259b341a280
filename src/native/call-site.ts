/** Where a call was made: its stack is captured then, and put into words only when an error needs it. */
export interface CallSite {
  readonly stack?: string
}

/**
 * The stack of the running call, from above `called` (default: from the caller of this): an error that comes from a thread or the kernel later
 * has none of the caller's frames. Takes 2 to 12 microseconds, most of them for frames that V8 has
 * optimized; Error.stackTraceLimit bounds it. So a thread is given its work first, and wakes up meanwhile.
 */
export function callSite(called: (...args: never[]) => unknown = callSite): CallSite {
  return takeCallSite({}, called)
}

/** The same into a `site` that was handed on already: the call was begun, and still runs. */
export function takeCallSite(site: CallSite, called: (...args: never[]) => unknown): CallSite {
  Error.captureStackTrace(site, called)
  return site
}

/** Gives an error the stack of the call that it is the outcome of. Anything else is returned as it is. */
export function calledFrom<T>(error: T, site: CallSite): T {
  if (!(error instanceof Error)) return error
  const define = (descriptor: PropertyDescriptor): void => {
    Object.defineProperty(error, 'stack', { configurable: true, ...descriptor })
  }
  define({
    get: () => `${error.name}: ${error.message}${(site.stack ?? '').replace(/^.*/, '')}`,
    set: (value: unknown) => {
      define({ value, writable: true })
    },
  })
  return error
}
