import { refuseFlag } from './arguments.js'

/** The units of Mesos's `Duration` (stout/duration.hpp), in seconds. */
const UNITS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    ns: 1e-9,
    us: 1e-6,
    ms: 1e-3,
    secs: 1,
    mins: 60,
    hrs: 3600,
    days: 86_400,
    weeks: 604_800,
  }),
)

/**
 * Reads a duration such as `60secs` or `1.5mins`.
 *
 * @returns seconds
 * @throws IsolatorError ERR_INVALID_OPTION
 */
export function readDuration(text: string, flag: string): number {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)([a-z]+)$/.exec(text) ?? []
  const seconds = UNITS.get(unit)
  if (seconds !== undefined) return Number(digits) * seconds
  const units = [...UNITS.keys()].join(', ')
  throw refuseFlag(flag, text, `'${text}' is not a duration: expected one such as 60secs (${units})`)
}
