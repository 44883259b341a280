import { differingOptions, type PortMappingIsolatorOptions } from 'rtnetlink'

/** Options that a daemon sets for itself: a network does not have them. */
const OWN = ['exclusive', 'netns']

/**
 * A sentence on the first option that differs; undefined where the options come to the same.
 *
 * @throws IsolatorError ERR_INVALID_OPTION for options of the network that do not go together
 */
export function firstDifference(
  held: PortMappingIsolatorOptions,
  asked: PortMappingIsolatorOptions,
): string | undefined {
  const [name] = differingOptions(withoutOwn(held), withoutOwn(asked)) as (keyof PortMappingIsolatorOptions)[]
  return name && `rtnetlinkd has ${shown(name, held[name])}, and this network ${shown(name, asked[name])}`
}

const withoutOwn = (options: PortMappingIsolatorOptions): PortMappingIsolatorOptions =>
  Object.fromEntries(
    Object.entries(options).filter(([name]) => !OWN.includes(name)),
  ) as unknown as PortMappingIsolatorOptions

const shown = (name: string, value: unknown): string =>
  value === undefined ? `no '${name}'` : `'${name}' ${JSON.stringify(value)}`
