import { referencePath } from '../../netns/network-namespace.js'
import { PortRanges } from '../ports/port-ranges.js'
import { isolatorArgument } from './declared.js'
import { isolatorOptions, parseOptions, type PortMappingIsolatorOptions } from './options.js'

const takes = {
  one: isolatorArgument('differingOptions', 'one', isolatorOptions),
  other: isolatorArgument('differingOptions', 'other', isolatorOptions),
}

/**
 * Names the options by which two isolators would differ. Options that mean the same do not differ, however they are written: a
 * default and its absence, `'37500KB'` and 38400000, ports as text and as pairs. Reads nothing of the host.
 *
 * @throws IsolatorError ERR_INVALID_OPTION for options that `PortMappingIsolator.create` would refuse on any host
 */
export function differingOptions(
  one: PortMappingIsolatorOptions,
  other: PortMappingIsolatorOptions,
): string[] {
  takes.one(one)
  takes.other(other)
  const [meaning, otherMeaning] = [meaningOf(one), meaningOf(other)]
  if (meaning === otherMeaning) return []
  const names = [
    ...new Set([...Object.keys(one), ...Object.keys(other)]),
  ] as (keyof PortMappingIsolatorOptions)[]
  return names.filter(name => one[name] !== other[name] && meaningWith(one, name, other[name]) !== meaning)
}

/** Undefined where the changed option does not go with the others, which is a difference as well. */
function meaningWith(options: PortMappingIsolatorOptions, name: string, value: unknown): string | undefined {
  try {
    return meaningOf({ ...options, [name]: value })
  } catch {
    return undefined
  }
}

/** Sets of ports as text: their members are private. */
const meaningOf = (options: PortMappingIsolatorOptions): string =>
  JSON.stringify(
    {
      ...parseOptions(options),
      ...(options.netns !== undefined && { netns: referencePath(options.netns) }),
    },
    (_name, value: unknown) => (value instanceof PortRanges ? String(value) : value),
  )
