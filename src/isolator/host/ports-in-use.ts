import type { InetSocket, SockDiagSocket } from '../../sock-diag/index.js'
import { IsolatorError } from '../isolator-error.js'
import type { PortRange, PortRanges } from '../ports/port-ranges.js'

/** Sockets of the host that wait for whoever comes: listening TCP, and UDP that is bound but not connected. */
async function waitingSockets(sockets: SockDiagSocket): Promise<InetSocket[]> {
  const lists = await Promise.all([
    sockets.list({ protocol: 'tcp', states: ['listening'] }),
    sockets.list({ protocol: 'udp', states: ['closed'] }),
  ])
  return lists.flat()
}

/**
 * Refuses ports on which somebody on the host listens: once they are a container's, that service would be deaf, and
 * nobody would know why. Mesos does not check this. One look at the host's sockets, for however many containers.
 *
 * @throws IsolatorError ERR_PORTS_IN_USE, naming the first such socket
 */
export async function refusePortsInUse(
  sockets: SockDiagSocket,
  wanted: readonly { id: string; ports: PortRanges }[],
): Promise<void> {
  const asking = wanted.filter(({ ports }) => ports.size > 0)
  if (asking.length === 0) return
  for (const socket of await waitingSockets(sockets)) {
    const container = asking.find(({ ports }) => ports.has(socket.localPort))
    if (container) throw inUse(container.id, socket)
  }
}

function inUse(id: string, { protocol, localAddress, localPort, uid }: InetSocket): IsolatorError {
  return new IsolatorError(
    'ERR_PORTS_IN_USE',
    `'${id}' cannot have port ${localPort}: a ${protocol} socket of the host (uid ${uid}) is bound to ${localAddress}:${localPort}. ` +
      `See who: ss -${protocol === 'tcp' ? 'lntp' : 'lnup'} 'sport = ${localPort}'`,
    { details: { port: localPort, protocol, address: localAddress } },
  )
}

/**
 * Every local port of the host's TCP and UDP sockets, connected ones and those in TIME_WAIT included: where the managed
 * ports overlap the host's ephemeral range, connections of before the reservation can have any of them.
 *
 * @returns tells whether a range has such a port
 */
export async function portsOfHost(sockets: SockDiagSocket): Promise<(range: PortRange) => boolean> {
  const lists = await Promise.all([sockets.list({ protocol: 'tcp' }), sockets.list({ protocol: 'udp' })])
  const used = new Set(lists.flat().map(({ localPort }) => localPort))
  return ([first, last]) => {
    for (let port = first; port <= last; port++) if (used.has(port)) return true
    return false
  }
}
