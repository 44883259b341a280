import type { Device } from '../netlink/devices.js'
import type { Steps } from '../netlink/object-type.js'
import { alternativeNames } from './alternative-names.js'
import { laterMembers, type LinkKey, type AnyLinkSpec } from './link-spec.js'

/**
 * How a link with such members is made: first without them, then they are set, and at last the link is brought up, so
 * that they are in force from the start. Undefined if one message says it all.
 */
export function linkSteps(spec: AnyLinkSpec): Steps<AnyLinkSpec, LinkKey> | undefined {
  const later = laterMembers.find(member => isSet(spec[member]))
  if (later === undefined) return undefined
  const dev = placeOf(spec, later)
  const { alias, inet, inet6, bridgePort, alternativeNames: names = [], up, ...first } = spec
  const settings = { alias, inet, inet6, bridgePort }
  return {
    steps: [
      { verb: 'add', spec: first as AnyLinkSpec },
      ...(Object.values(settings).some(isSet)
        ? [{ verb: 'change', spec: { dev, ...settings } } as const]
        : []),
      ...(names.length > 0 ? [{ request: alternativeNames.add(dev, names) }] : []),
      ...(up === true ? [{ verb: 'change', spec: { dev, up } } as const] : []),
    ],
    undo: dev,
  }
}

const isSet = (value: unknown): boolean =>
  value !== undefined && !(Array.isArray(value) && value.length === 0)

/** By what the messages behind the first find the link. */
function placeOf({ name, index, netns }: AnyLinkSpec, later: string): Device {
  const dev = index ?? name
  if (dev !== undefined && !String(dev).includes('%') && netns === undefined) return dev
  throw new TypeError(
    `${later}: it is set once the link is there, which takes a name or an index, and no netns; set it with change, inside`,
  )
}
