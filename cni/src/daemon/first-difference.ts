import { isDeepStrictEqual } from 'node:util'
import { PortRanges, type PortMappingIsolatorOptions, type PortRangesInput } from 'rtnetlink'

/** Options that a daemon sets for itself: a network does not have them. */
const OWN = ['exclusive', 'netns']

/** The same ports may be written in many ways. */
const PORTS = ['ports', 'ephemeralPorts']

/** A sentence on the first option that differs; undefined where the options come to the same. */
export function firstDifference(
  held: PortMappingIsolatorOptions,
  asked: PortMappingIsolatorOptions,
): string | undefined {
  const [ours, theirs] = [held, asked] as unknown as Record<string, unknown>[]
  const names = new Set([...Object.keys(held), ...Object.keys(asked)])
  for (const name of names) {
    if (
      OWN.includes(name) ||
      isDeepStrictEqual(comparable(name, ours?.[name]), comparable(name, theirs?.[name]))
    )
      continue
    return `rtnetlinkd has ${shown(name, ours?.[name])}, and this network ${shown(name, theirs?.[name])}`
  }
  return undefined
}

function comparable(name: string, value: unknown): unknown {
  if (!PORTS.includes(name) || value === undefined) return value
  return String(PortRanges.from(value as PortRangesInput))
}

const shown = (name: string, value: unknown): string =>
  value === undefined ? `no '${name}'` : `'${name}' ${JSON.stringify(value)}`
