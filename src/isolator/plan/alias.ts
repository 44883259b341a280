import type { ContainerFacts } from './facts.js'
import type { PortRange } from '../ports/port-ranges.js'
import type { RateLimit } from '../options/rate-limit.js'

/** What a container's alias tells: all of it that no filter of the host does. */
export type Alias = Pick<ContainerFacts, 'id' | 'ephemeralPorts' | 'egress'>

/**
 * The alias of a container's link: its id, its ephemeral range, and the limit that stands inside the container, where it
 * cannot be trusted: `web-1 32768-33791 tx=38400000`, with a ceil and a burst `tx=38400000,57600000,15000`. At most 252
 * of the 255 bytes that IFALIASZ (linux/if.h) leaves.
 */
export function formatAlias({ id, ephemeralPorts: [first, last], egress }: Alias): string {
  return [id, `${first}-${last}`, ...(egress ? [`tx=${limitWord(egress)}`] : [])].join(' ')
}

/** Reads an alias; undefined for one that is not of a container. */
export function parseAlias(alias: string | undefined): Alias | undefined {
  const parts = /^([^\s/]+) (\d+)-(\d+)(?: tx=(\d+)(?:,(\d+))?(?:,(\d+))?)?$/.exec(alias ?? '')
  if (!parts?.[1]) return undefined
  const [first, last, rate, ceil, burst] = parts
    .slice(2)
    .map(part => ((part as string | undefined) === undefined ? undefined : Number(part)))
  const ephemeralPorts = portRange(first, last)
  if (!ephemeralPorts) return undefined
  return {
    id: parts[1],
    ephemeralPorts,
    ...(rate !== undefined && { egress: parsedLimit(rate, ceil, burst) }),
  }
}

const limitWord = ({ rate, ceil, burst }: RateLimit): string =>
  [rate, ceil, burst].filter(part => part !== undefined).join(',')

const parsedLimit = (rate: number, ceil: number | undefined, burst: number | undefined): RateLimit => ({
  rate,
  ...(ceil !== undefined && { ceil }),
  ...(burst !== undefined && { burst }),
})

const portRange = (first = -1, last = -1): PortRange | undefined =>
  first >= 0 && first <= last && last <= 0xffff ? [first, last] : undefined
