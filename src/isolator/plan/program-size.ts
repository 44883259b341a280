import { assemble } from '../../tc/classic-bpf/program.js'
import { IsolatorError } from '../isolator-error.js'
import { allowFilters, insideFilters } from './container.js'
import type { ContainerFacts, HostFacts } from './facts.js'

/** With no more ranges every program is far below the kernel's limit, whatever the options. IPv6 addresses take half of it. */
const FEW_RANGES = 128
const FEW_RANGES6 = 16

/**
 * Refuses more ports than the programs of a container can hold: 4,096 instructions each (BPF_MAXINSNS), about one for a single
 * port and two for a range, up to four times.
 *
 * @throws IsolatorError ERR_INVALID_OPTION
 */
export function refuseLargePrograms(host: HostFacts, container: ContainerFacts): void {
  const ranges = [...container.ports].length
  if (ranges <= (host.inet6 ? FEW_RANGES6 : FEW_RANGES)) return
  try {
    for (const { program } of [...allowFilters(host, container), ...insideFilters(host, container)])
      assemble(program)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new IsolatorError(
      'ERR_INVALID_OPTION',
      `ports of '${container.id}' are ${ranges} ranges, more than the programs that check a container's packets can hold ` +
        `(about ${host.inet6 ? '450 single ports, or 225' : '900 single ports, or 450'} ranges): ask for ports that lie together`,
      { cause: error, details: { option: 'ports', ranges } },
    )
  }
}
