import type { InspectedContainer } from '../../index.js'
import type { Library } from '../library.js'
import type { Field } from '../table.js'

/** Ports as the options of the isolator take them: `31000-31007,31500`. */
export const portsOf = ({ PortRanges }: Library, { ports }: InspectedContainer): string =>
  PortRanges.from(ports).toString()

export const ephemeralPortsOf = ({ ephemeralPorts: [first, last] }: InspectedContainer): string =>
  `${first}-${last}`

/** Whether packets pass, and whether somebody is there. */
export function stateOf({ up, alive }: InspectedContainer): Field {
  if (!up) return { text: 'link down', colour: 'red' }
  if (alive === false) return { text: 'no process', colour: 'yellow' }
  return alive ? { text: 'running', colour: 'green' } : { text: 'up' }
}

/** `37500KB/s`, and how fast for a while. */
export function rateOf({ formatSize }: Library, limit: InspectedContainer['egress']): string {
  if (limit === undefined) return ''
  const { rate, ceil } = limit
  return ceil === undefined ? `${formatSize(rate)}/s` : `${formatSize(rate)}/s to ${formatSize(ceil)}/s`
}

/** `3d 4h`: how long ago something was, in its two largest units. */
export function ageOf(since: string | undefined, now = Date.now()): string {
  if (since === undefined) return ''
  const seconds = Math.max(0, Math.floor((now - Date.parse(since)) / 1000))
  const [days, hours, minutes] = [86_400, 3600, 60].map(unit => Math.floor(seconds / unit)) as [
    number,
    number,
    number,
  ]
  if (days > 0) return `${days}d ${hours % 24}h`
  if (hours > 0) return `${hours}h ${minutes % 60}m`
  return minutes > 0 ? `${minutes}m ${seconds % 60}s` : `${seconds}s`
}
