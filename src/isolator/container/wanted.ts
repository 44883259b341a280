import { referencePath } from '../../netns/network-namespace.js'
import type { ContainerLimits } from './limits.js'
import type { WantedContainer } from './table.js'
import { checkId, refuse } from '../options/option-checks.js'
import { checkIsolateOptions, type IsolateOptions } from '../options/options.js'
import { PortRanges } from '../ports/port-ranges.js'
import { processOf } from './process.js'

/**
 * Checks what `isolate` is given and settles all that does not depend on other containers.
 *
 * @throws IsolatorError ERR_INVALID_OPTION
 */
export function wantedContainer(
  id: string,
  options: IsolateOptions,
  limits: ContainerLimits,
): WantedContainer {
  checkId(id)
  const {
    netns,
    ports = [],
    pid = typeof netns === 'number' ? netns : undefined,
  } = checkIsolateOptions(options)
  const process = pid === undefined ? undefined : processOf(pid)
  if (options.pid !== undefined && !process) throw refuse('pid', pid, 'the pid of a process that is alive')
  return {
    id,
    netns,
    process,
    ports: PortRanges.from(ports),
    reference: referencePath(netns),
    ...limits.ofNew(options),
  }
}

/** One of the containers of `isolateMany`. */
export type ContainerOptions = IsolateOptions & { readonly id: string }

/**
 * The same of many.
 *
 * @throws IsolatorError ERR_INVALID_OPTION
 */
export function wantedContainers(
  containers: readonly ContainerOptions[],
  limits: ContainerLimits,
): WantedContainer[] {
  if (!Array.isArray(containers)) throw refuse('containers', containers, 'a list of { id, netns, ports, … }')
  // Not map(), which passes over the holes of a sparse list.
  return Array.from(containers as readonly ContainerOptions[], (container, i) => {
    if (typeof container !== 'object' || (container as unknown) === null)
      throw refuse(`containers[${i}]`, container, '{ id, netns, ports, … }')
    const { id, ...options } = container
    return wantedContainer(id, options, limits)
  })
}
