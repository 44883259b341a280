import { referencePath, type NetnsReference } from '../netns/network-namespace.js'
import type { ContainerLimits } from './container-limits.js'
import type { NewContainer } from './container-table.js'
import { checkId, refuse } from './option-checks.js'
import { checkIsolateOptions, type IsolateOptions } from './options.js'
import { PortRanges } from './port-ranges.js'
import { processOf } from './process.js'

/** A container that is asked for, and its namespace. */
export type WantedContainer = NewContainer & { readonly netns: NetnsReference }

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
