import { referencePath } from '../../netns/network-namespace.js'
import type { ContainerLimits } from './limits.js'
import type { WantedContainer } from './table.js'
import { CONTAINER_INTERFACE } from '../layout/layout.js'
import { refuse } from '../options/option-checks.js'
import type { IsolateOptions } from '../options/options.js'
import { PortRanges } from '../ports/port-ranges.js'
import { processOf } from './process.js'

const isOther = (name: string | undefined): boolean => name !== undefined && name !== CONTAINER_INTERFACE

/**
 * Settles all that does not depend on other containers of what `isolate` is given.
 *
 * @throws IsolatorError ERR_INVALID_OPTION
 */
export function wantedContainer(
  id: string,
  options: IsolateOptions,
  limits: ContainerLimits,
): WantedContainer {
  const { netns, ports = [], pid = typeof netns === 'number' ? netns : undefined } = options
  const process = pid === undefined ? undefined : processOf(pid)
  if (options.pid !== undefined && !process) throw refuse('pid', pid, 'the pid of a process that is alive')
  return {
    id,
    netns,
    process,
    ports: PortRanges.from(ports),
    reference: referencePath(netns),
    ...(options.hold === false && { hold: false }),
    ...(isOther(options.interfaceName) && { interfaceName: options.interfaceName }),
    ...limits.ofNew(options),
  }
}
