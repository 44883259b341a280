import { shellWord } from '../netlink/shell-word.js'
import { NETNS_RUN_DIR } from '../netns/named.js'
import { BACKLOG } from './host/backlog.js'
import type { HostRecord } from './layout/host-record.js'
import { bridgeName, FIRST_SLOT, linkName } from './layout/layout.js'
import { bridgePlan } from './plan/bridge.js'
import { containerPlan } from './plan/container.js'
import { featureLine, sysctlLine } from './plan/command-lines.js'
import { isHeld, type ContainerFacts, type HostFacts, type Sysctl } from './plan/facts.js'
import { hostPlan, loopbackPlan } from './plan/host.js'
import type { Planned } from './plan/planned.js'
import type { PortRanges } from './ports/port-ranges.js'
import { RESERVED_PORTS } from './host/reserved-ports.js'

const NAMED = `${NETNS_RUN_DIR}/`

/** The commands of messages, to be run in the namespace of that path; undefined for the caller's. */
const commands = (planned: readonly Planned[], path: string | undefined): string[] =>
  planned.flatMap(message => message.command().split(' && ')).map(line => forNamespace(line, path))

const sysctlLines = (sysctls: readonly Sysctl[], path: string | undefined): string[] =>
  sysctls.map(sysctl => forNamespace(sysctlLine(sysctl), path))

/** The same command for another namespace: `-n` where the program has it and the namespace a name. */
function forNamespace(line: string, path: string | undefined): string {
  if (path === undefined) return line
  if (!path.startsWith(NAMED)) return `nsenter ${shellWord(`--net=${path}`)} ${line}`
  const name = shellWord(path.slice(NAMED.length))
  const [program = '', ...rest] = line.split(' ')
  return program === 'ip' || program === 'tc'
    ? `${program} -n ${name} ${rest.join(' ')}`
    : `ip netns exec ${name} ${line}`
}

/**
 * Gives a namespace the name of its container. After `recover()` nothing else is known of the namespace than that name: then
 * the line makes another namespace of the name.
 */
const naming = (path: string, name: string): string =>
  path === `${NAMED}${name}`
    ? `ip netns add ${name}`
    : `mkdir -p ${NETNS_RUN_DIR} && touch ${NAMED}${name} && mount --bind ${shellWord(path)} ${NAMED}${name}`

/**
 * A container as the commands that make the same, one per line, in order. Its `reference` is the path of its namespace, the
 * name `pm<slot>` is what the first lines give it, if a name is to hold it.
 */
export function explainContainer(
  host: HostFacts,
  container: ContainerFacts & { readonly reference: string },
): string[] {
  const name = linkName(container.slot)
  const held = isHeld(container)
  const path = held ? `${NAMED}${name}` : container.reference
  const plan = containerPlan(host, container, { fd: 0, ...(!held && { path }) })
  return [
    ...(held
      ? [naming(container.reference, name), forNamespace(`ip netns set ${name} auto`, host.netnsPath)]
      : []),
    ...commands(plan.pair, host.netnsPath),
    ...sysctlLines(plan.hostSysctls, host.netnsPath),
    ...plan.hostFeatures.map(feature => forNamespace(featureLine(feature, 'off'), host.netnsPath)),
    ...sysctlLines(plan.insideBefore, path),
    ...commands(plan.inside, path),
    ...sysctlLines(plan.insideSysctls, path),
    ...commands(plan.guard, host.netnsPath),
    ...commands(plan.commit, host.netnsPath),
  ]
}

/** The host's sysctls that `create()` sets where it is asked to; undefined where it has not. */
export interface HostSettings {
  /** All of net.ipv4.ip_local_reserved_ports. */
  readonly reserved: PortRanges | undefined
  /** net.core.netdev_max_backlog, which the first network namespace alone has. */
  readonly backlog: number | undefined
}

/** What `create()` made of the host, and the bridges that containers in these slots need, likewise. */
export function explainHost(
  host: HostFacts,
  record: HostRecord,
  { reserved, backlog }: HostSettings,
  slots: readonly number[],
): string[] {
  const loopback = loopbackPlan(host, record)
  const sysctl = (name: string, value: PortRanges | number): Sysctl => ({
    name,
    value: value.toString(),
    optional: false,
  })
  const bridges = host.bridged ? new Set([FIRST_SLOT, ...slots].map(bridgeName)) : []
  return [
    ...commands(loopback, host.netnsPath),
    ...commands(
      [...bridges].flatMap(name => bridgePlan(name, host)),
      host.netnsPath,
    ),
    ...(reserved ? sysctlLines([sysctl(RESERVED_PORTS, reserved)], host.netnsPath) : []),
    ...(backlog === undefined ? [] : [sysctlLine(sysctl(BACKLOG, backlog))]),
    ...commands(hostPlan(host, record).slice(loopback.length), host.netnsPath),
  ]
}
