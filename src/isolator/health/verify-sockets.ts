import type { Container } from '../container/table.js'
import type { HostContext } from '../host/context.js'
import { socketsOfHost, whoHas } from '../host/ports-in-use.js'
import type { InetSocket } from '../../sock-diag/index.js'
import { allPorts } from '../plan/facts.js'
import { PortOwners } from '../ports/port-owners.js'
import { PortRanges } from '../ports/port-ranges.js'
import { foreign, type Fault } from './difference.js'

/**
 * The host's own sockets on ports of these containers: somebody has bound them since, and nothing reaches them. What no
 * process has any more is not reported: it ends by itself.
 */
export async function socketFaults(host: HostContext, containers: readonly Container[]): Promise<Fault[]> {
  if (host.hostSockets === 'ignore' || containers.length === 0) return []
  const owners = new PortOwners()
  for (const container of containers) owners.give(allPorts(container), container.slot)
  const bySlot = new Map(containers.map(container => [container.slot, container]))
  const ranges = containers.flatMap(container => allPorts(container).toJSON())
  const first = ranges.reduce((lowest, [begin]) => Math.min(lowest, begin), Infinity)
  const last = ranges.reduce((highest, [, end]) => Math.max(highest, end), 0)
  const held = await socketsOfHost(host, [first, last])
  return [...held].flatMap(([port, sockets]) => {
    const owner = bySlot.get(owners.taken(PortRanges.from([[port, port]]))?.slot ?? 0)
    return owner ? sockets.filter(({ inode }) => inode !== 0).map(socket => socketFault(owner, socket)) : []
  })
}

function socketFault({ id }: Container, socket: InetSocket): Fault {
  const { protocol, localAddress, localPort, uid } = socket
  const found = `a ${protocol} socket of the host (uid ${uid}) on ${localAddress}:${localPort}, which gets no packets`
  const { difference, mend } = foreign('deaf', whoHas(socket), found)
  return { difference: { id, ...difference }, mend }
}
