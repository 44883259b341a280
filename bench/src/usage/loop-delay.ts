import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

/** How fine delays are measured, milliseconds: the timer that measures them is late by this much at least. */
const RESOLUTION = 1

export interface Timed {
  readonly milliseconds: number
  /** The longest that the event loop was kept from its timers meanwhile. */
  readonly blocked: number
}

/** Times an asynchronous call, and how long at most it keeps the event loop from anything else. */
export async function timed(call: () => Promise<unknown>): Promise<Timed> {
  const monitor = monitorEventLoopDelay({ resolution: RESOLUTION })
  monitor.enable()
  await sleep(5 * RESOLUTION)
  monitor.reset()
  const started = performance.now()
  await call()
  const milliseconds = performance.now() - started
  await sleep(5 * RESOLUTION)
  monitor.disable()
  return { milliseconds, blocked: Math.max(0, monitor.max / 1e6 - RESOLUTION) }
}
