import { IsolatorError, PortRanges } from 'rtnetlink'
import { CniError, CODE } from '../spec/cni-error.js'
import type { NetworkConfig } from './network-config.js'
import { PORTS_ANNOTATION, type PortMapping } from './runtime-config.js'

/** The name in CNI_ARGS that asks for ports, as Nomad's `network { cni { args } }` sets it. */
const PORTS_ARGUMENT = 'RTNETLINK_PORTS'

/**
 * The ports that a container asks for, by port mappings, by the capability `portRanges`, by an annotation of the pod and by
 * CNI_ARGS: all together, so that a range costs as much as a port.
 *
 * @throws CniError 101 for a mapping to another port, 104 for ports that the network lets nobody ask for, 7 for what is no range
 */
export function requestedPorts(
  { runtime, requestablePorts }: Pick<NetworkConfig, 'runtime' | 'requestablePorts'>,
  args: ReadonlyMap<string, string>,
): PortRanges {
  const annotations = runtime['io.kubernetes.cri.pod-annotations'] ?? {}
  const asked = [
    mappedPorts(runtime.portMappings ?? []),
    rangesIn('runtimeConfig.portRanges', runtime.portRanges),
    rangesIn(`the annotation ${PORTS_ANNOTATION}`, annotations[PORTS_ANNOTATION]),
    rangesIn(`${PORTS_ARGUMENT} in CNI_ARGS`, args.get(PORTS_ARGUMENT)),
  ].reduce((all, ports) => all.union(ports))
  if (requestablePorts !== undefined) refuseOthers(asked, rangesIn('requestablePorts', requestablePorts))
  return asked
}

function refuseOthers(asked: PortRanges, requestable: PortRanges): void {
  const others = asked.subtract(requestable)
  if (others.size === 0) return
  throw new CniError(
    CODE.portsUnmanaged,
    `ports ${others} cannot be asked for: requestablePorts of the network is ${requestable}`,
  )
}

/** A mapping without a port of the host publishes nothing. */
function mappedPorts(mappings: readonly PortMapping[]): PortRanges {
  const published = mappings.filter(({ hostPort = 0 }) => hostPort !== 0)
  for (const { hostPort = 0, containerPort } of published)
    if (hostPort !== containerPort) throw portsDiffer(hostPort, containerPort)
  return PortRanges.from(published.map(({ containerPort }) => [containerPort, containerPort] as const))
}

const portsDiffer = (hostPort: number, containerPort: number): CniError =>
  new CniError(
    CODE.portsDiffer,
    `hostPort ${hostPort} and containerPort ${containerPort} differ: containers of this network share the host's address, so that ` +
      `a port is the same on both sides. Have the program inside listen on ${hostPort}, or publish ${containerPort} as ${containerPort}`,
  )

function rangesIn(where: string, text: string | undefined): PortRanges {
  if (text === undefined) return PortRanges.empty
  try {
    return PortRanges.from(text)
  } catch (error) {
    if (!(error instanceof IsolatorError)) throw error
    throw new CniError(CODE.invalidConfiguration, `${where}: ${error.message}`)
  }
}
