import type { TimerOptions } from 'node:timers'

/** Resolves after `ms`. Loads node:timers/promises at the first call: importing it costs every program that imports us. */
export const sleep = (ms: number, options?: TimerOptions): Promise<void> =>
  process.getBuiltinModule('node:timers/promises').setTimeout(ms, undefined, options)
