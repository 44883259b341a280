import { linkName } from './layout.js'
import type { ContainerPlan } from './plan/container.js'
import type { ContainerFacts, HostFacts, Sysctl } from './plan/facts.js'
import type { Planned } from './plan/planned.js'

/** `/proc/sys` as `sysctl` takes it; the optional ones may be missing in a kernel or namespace. */
const sysctlLine = ({ name, value, optional }: Sysctl): string =>
  `sysctl ${optional ? '-e ' : ''}-qw ${name}='${value}'`

/** The commands of messages, to be run in the namespace of that name. */
const commands = (planned: readonly Planned[], netns: string | undefined): string[] =>
  planned.flatMap(message => message.command().split(' && ')).map(line => inNamespace(line, netns))

const sysctlLines = (sysctls: readonly Sysctl[], netns: string | undefined): string[] =>
  sysctls.map(sysctl => inNamespace(sysctlLine(sysctl), netns))

/** The same command for another namespace: `-n` where the program has it. */
function inNamespace(line: string, netns: string | undefined): string {
  if (netns === undefined) return line
  const [program = '', ...rest] = line.split(' ')
  return program === 'ip' || program === 'tc'
    ? `${program} -n ${netns} ${rest.join(' ')}`
    : `ip netns exec ${netns} ${line}`
}

/**
 * A container as the commands that make the same, one per line, in order. `reference` is the path of its namespace, the
 * name `pm<slot>` is what the first lines give it.
 */
export function explainContainer(
  host: HostFacts,
  { slot }: ContainerFacts,
  plan: ContainerPlan,
  reference: string,
): string[] {
  const container = linkName(slot)
  const handle = `/run/netns/${container}`
  return [
    `mkdir -p /run/netns && touch ${handle} && mount --bind ${reference} ${handle}`,
    ...commands(plan.pair, host.netnsName),
    ...sysctlLines(plan.hostSysctls, host.netnsName),
    ...commands(plan.inside, container),
    ...sysctlLines(plan.insideSysctls, container),
    ...commands(plan.guard, host.netnsName),
    ...commands(plan.commit, host.netnsName),
  ]
}

/** What `create()` made of the host, likewise. */
export const explainHost = (host: HostFacts, planned: readonly Planned[]): string[] =>
  commands(planned, host.netnsName)
