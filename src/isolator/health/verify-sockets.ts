import type { Container } from '../container/table.js'
import type { HostContext } from '../host/context.js'
import { socketsOfHost, whoHas } from '../host/ports-in-use.js'
import type { InetSocket } from '../../sock-diag/index.js'
import { allPorts } from '../plan/facts.js'
import { foreign, type Fault } from './difference.js'

/**
 * The host's own sockets on ports of these containers: somebody has bound them since, and nothing reaches them. What no
 * process has any more is not reported: it ends by itself.
 */
export async function socketFaults(host: HostContext, containers: readonly Container[]): Promise<Fault[]> {
  if (host.hostSockets === 'ignore' || containers.length === 0) return []
  const owned = containers.map(container => ({ container, ports: allPorts(container) }))
  const ranges = owned.flatMap(({ ports }) => ports.toJSON())
  const first = ranges.reduce((lowest, [begin]) => Math.min(lowest, begin), Infinity)
  const last = ranges.reduce((highest, [, end]) => Math.max(highest, end), 0)
  const held = [...(await socketsOfHost(host, [first, last])).values()].filter(({ inode }) => inode !== 0)
  return held.flatMap(socket => {
    const owner = owned.find(({ ports }) => ports.has(socket.localPort))
    return owner ? [socketFault(owner.container, socket)] : []
  })
}

function socketFault({ id }: Container, socket: InetSocket): Fault {
  const { protocol, localAddress, localPort, uid } = socket
  const found = `a ${protocol} socket of the host (uid ${uid}) on ${localAddress}:${localPort}, which gets no packets`
  const { difference, mend } = foreign('deaf', whoHas(socket), found)
  return { difference: { id, ...difference }, mend }
}
