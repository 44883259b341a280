import {
  abortSignal,
  boolean,
  either,
  list,
  object,
  oneOf,
  optional,
  type AnyDeclaration,
  type InputOf,
} from '../../input/index.js'
import { netnsInput } from '../../netns/network-namespace.js'
import { containerId, containerIds, isolatorArgument, portRanges } from './declared.js'
import { containerOptions, isolateOptions, updateOptions } from './options.js'

/** The ids that `recover` takes; `'all'` for every complete container. */
const knownIds = either(oneOf('all'), containerIds)

export const recoverOptions = object({
  /** Ids of other containers that stay until `cleanup`. Default: none. */
  orphans: optional(containerIds),
  /**
   * What becomes of complete containers that the call does not name: `'keep'` (default) they keep running, the isolator has
   * them, and `cleanup` removes them; `'remove'` removes them at once.
   */
  unknown: optional(oneOf('keep', 'remove')),
})

export const probeOptions = object({
  /** The network namespace of the host side, where the rights are needed: open, a path, a name in /run/netns, or a pid. Default: the caller's. */
  netns: optional(netnsInput),
})

/** What `PortMappingIsolator.probe` takes. */
export interface ProbeOptions extends InputOf<typeof probeOptions> {}

export const inspectOptions = object({
  /** The network namespace of the host side: open, a path, a name in /run/netns, or a pid. Default: the caller's. */
  netns: optional(netnsInput),
})

/** What `PortMappingIsolator.inspect` takes. */
export interface InspectOptions extends InputOf<typeof inspectOptions> {}

export const removeOptions = object(
  {
    /** Ids of containers that are to be removed, and nothing else. Default: everything of ours is removed. */
    ids: optional(containerIds),
  },
  inspectOptions,
)

/** What `PortMappingIsolator.remove` takes. */
export interface RemoveOptions extends InputOf<typeof removeOptions> {}

/** What `recover` takes beside the known ids. */
export interface RecoverOptions extends InputOf<typeof recoverOptions> {}

export const usageOptions = object({
  /** Counters as bigints, exact beyond 2^53. Default: false, numbers. */
  bigint: optional(boolean),
})

export const watchOptions = object({
  /** Gives up watching. */
  signal: optional(abortSignal),
})

/** What `watch` takes beside the id. */
export interface WatchOptions extends InputOf<typeof watchOptions> {}

const idOf = (method: string): ((id: unknown) => void) =>
  isolatorArgument(`PortMappingIsolator.${method}`, 'id', containerId)

const optionsOf = (method: string, name: string, declaration: AnyDeclaration): ((options: unknown) => void) =>
  isolatorArgument(`PortMappingIsolator.${method}`, name, declaration)

/**
 * What the methods of PortMappingIsolator take: each throws IsolatorError ERR_INVALID_OPTION for a value that is not as
 * declared. What `create` takes is in options.ts, beside its defaults.
 */
export const takes = {
  cleanup: idOf('cleanup'),
  cleanupMany: optionsOf('cleanupMany', 'ids', containerIds),
  explain: idOf('explain'),
  get: idOf('get'),
  inspectOptions: optionsOf('inspect', 'options', inspectOptions),
  isIn: idOf('isIn'),
  isInNetns: optionsOf('isIn', 'netns', netnsInput),
  isolate: idOf('isolate'),
  isolateOptions: optionsOf('isolate', 'options', isolateOptions),
  isolateMany: optionsOf('isolateMany', 'containers', list(containerOptions)),
  probeOptions: optionsOf('probe', 'options', probeOptions),
  recover: optionsOf('recover', 'known', knownIds),
  recoverOptions: optionsOf('recover', 'options', recoverOptions),
  refuseHostSockets: idOf('refuseHostSockets'),
  refuseHostSocketsPorts: optionsOf('refuseHostSockets', 'ports', portRanges),
  removeOptions: optionsOf('remove', 'options', removeOptions),
  repair: idOf('repair'),
  update: idOf('update'),
  updateOptions: optionsOf('update', 'options', updateOptions),
  usage: idOf('usage'),
  usageOptions: optionsOf('usage', 'options', usageOptions),
  usageAllOptions: optionsOf('usageAll', 'options', usageOptions),
  verify: idOf('verify'),
  watch: idOf('watch'),
  watchOptions: optionsOf('watch', 'options', watchOptions),
}
