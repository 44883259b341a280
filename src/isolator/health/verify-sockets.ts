import type { Container } from '../container/table.js'
import type { HostContext } from '../host/context.js'
import { socketsOfHost, whoHas } from '../host/ports-in-use.js'
import type { InetSocket } from '../../sock-diag/index.js'
import { allPorts } from '../plan/facts.js'
import { PortOwners } from '../ports/port-owners.js'
import { PortRanges } from '../ports/port-ranges.js'
import { foreign, type Fault } from './difference.js'

/** A socket of the host on a port of a container. */
export interface DeafSocket {
  readonly container: Container
  readonly socket: InetSocket
}

/**
 * The host's own sockets on ports of these containers: somebody has bound them since, and nothing reaches them. What no
 * process has any more is left out: it ends by itself. The kernel is asked once for each protocol and family, whatever the
 * number of containers; it is not asked at all with `hostSockets: 'ignore'`.
 */
export async function deafSockets(
  host: HostContext,
  containers: readonly Container[],
): Promise<DeafSocket[]> {
  if (host.hostSockets === 'ignore' || containers.length === 0) return []
  const owners = new PortOwners()
  for (const container of containers) owners.give(allPorts(container), container.slot)
  const bySlot = new Map(containers.map(container => [container.slot, container]))
  const ranges = containers.flatMap(container => allPorts(container).toJSON())
  const first = ranges.reduce((lowest, [begin]) => Math.min(lowest, begin), Infinity)
  const last = ranges.reduce((highest, [, end]) => Math.max(highest, end), 0)
  const held = await socketsOfHost(host, [first, last])
  return [...held].flatMap(([port, sockets]) => {
    const container = bySlot.get(owners.taken(PortRanges.from([[port, port]]))?.slot ?? 0)
    if (!container) return []
    return sockets.filter(({ inode }) => inode !== 0).map(socket => ({ container, socket }))
  })
}

/** Such sockets as faults. */
export async function socketFaults(host: HostContext, containers: readonly Container[]): Promise<Fault[]> {
  const found = await deafSockets(host, containers)
  return found.map(socketFault)
}

function socketFault({ container: { id }, socket }: DeafSocket): Fault {
  const { protocol, localAddress, localPort, uid } = socket
  const found = `a ${protocol} socket of the host (uid ${uid}) on ${localAddress}:${localPort}, which gets no packets`
  const { difference, mend } = foreign('deaf', whoHas(socket), found)
  return { difference: { id, ...difference }, mend }
}
