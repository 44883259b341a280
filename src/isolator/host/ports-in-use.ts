import { NetlinkError } from '../../netlink/errors.js'
import type { InetSocket, SocketProtocol } from '../../sock-diag/index.js'
import { IsolatorError } from '../isolator-error.js'
import type { Inet6Facts } from '../plan/facts.js'
import { steeredAddresses } from '../plan/inet6.js'
import { LOOPBACK6 } from '../programs/frame-values.js'
import type { PortRange, PortRanges } from '../ports/port-ranges.js'
import type { HostContext } from './context.js'

/** Sockets of the host that would get no packets, or fewer, if a container had their port; by that port. */
export type SocketsOfHost = ReadonlyMap<number, readonly InetSocket[]>

/** Those that the layout steers by port and inet_diag lists. UDP-Lite goes where UDP does. */
const PROTOCOLS: readonly SocketProtocol[] = ['tcp', 'udp', 'udplite']

/**
 * The sockets of the host with local ports from `first` to `last` that a container's filters would make deaf: in whatever
 * state, since a connection, a bound socket that does not listen yet and one in TIME_WAIT wait for packets too. Those that
 * are bound to other addresses or interfaces lose nothing. Before Linux 6.8 the kernel does not list TCP sockets that are bound and
 * neither listen nor are connected.
 */
export async function socketsOfHost(host: HostContext, [first, last]: PortRange): Promise<SocketsOfHost> {
  const lists = await Promise.all(
    PROTOCOLS.map(protocol =>
      host.sockets.list({ protocol, localPorts: [first, last] }).catch((error: unknown) => {
        // The kernel has none of that protocol.
        if (error instanceof NetlinkError && error.code === 'ENOENT') return []
        throw error
      }),
    ),
  )
  const loopback = host.rt.devices.interfaceIndex(host.facts.loopbackInterface)
  const devices = new Set([0, host.publicIndex, loopback])
  const { address, inet6 } = host.facts
  const addresses = new Set([...STEERED_ON_LOOPBACK, address, ...(inet6 ? steered6(inet6) : [])])
  const byPort = new Map<number, InetSocket[]>()
  for (const socket of lists.flat()) {
    if (!devices.has(socket.ifindex) || !isSteeredAway(socket, addresses)) continue
    const others = byPort.get(socket.localPort)
    if (others) others.push(socket)
    else byPort.set(socket.localPort, [socket])
  }
  return byPort
}

/** Whether the host has a socket in a range of ports. */
export function hasOneIn(held: SocketsOfHost, [first, last]: PortRange): boolean {
  if (held.size === 0) return false
  for (let port = first; port <= last; port++) if (held.has(port)) return true
  return false
}

/** Whether packets to a socket are among those that the filters of its port take: to a shared address, and on lo to 127.0.0.1 and ::1. */
function isSteeredAway(
  { family, localAddress, v6only = false }: InetSocket,
  addresses: ReadonlySet<string>,
): boolean {
  if (family === 'inet6' && localAddress === '::') return !v6only || addresses.has(localAddress)
  return addresses.has(localAddress.replace(/^::ffff:/, ''))
}

const STEERED_ON_LOOPBACK = ['0.0.0.0', '127.0.0.1']

const steered6 = (inet6: Inet6Facts): string[] => ['::', LOOPBACK6, ...steeredAddresses(inet6)]

/**
 * Refuses ports on which the host has such a socket: once they are a container's, nobody would know why its service is deaf. Mesos
 * does not check this.
 *
 * @throws IsolatorError ERR_PORTS_IN_USE, naming the first such socket
 */
export function refusePortsInUse(
  held: SocketsOfHost,
  wanted: readonly { id: string; ports: PortRanges }[],
): void {
  for (const socket of [...held.values()].flat()) {
    const container = wanted.find(({ ports }) => ports.has(socket.localPort))
    if (container) throw inUse(container.id, socket)
  }
}

/** Looks for such sockets on the ports of one container to be, unless they are ignored. @throws IsolatorError likewise */
export async function refuseSocketsOfHost(
  host: HostContext,
  wanted: { readonly id: string; readonly ports: PortRanges },
): Promise<void> {
  const [first, last] = [wanted.ports.toJSON()[0], wanted.ports.toJSON().at(-1)]
  if (!first || !last || host.hostSockets === 'ignore') return
  refusePortsInUse(await socketsOfHost(host, [first[0], last[1]]), [wanted])
}

/** The command that shows who has a socket. */
export const whoHas = ({ protocol, localPort }: InetSocket): string =>
  `ss -anp${protocol === 'tcp' ? 't' : 'u'} 'sport = ${localPort}'`

function inUse(id: string, socket: InetSocket): IsolatorError {
  const { protocol, state, localAddress, localPort, remoteAddress, remotePort, uid } = socket
  const peer = remotePort === 0 ? '' : `, connected to ${remoteAddress}:${remotePort}`
  const what =
    state === 'time-wait'
      ? `a ${protocol} connection of the host from ${localAddress}:${localPort} to ${remoteAddress}:${remotePort} has ended, and the kernel still waits for late packets, for a minute`
      : `a ${protocol} socket of the host (uid ${uid}) is bound to ${localAddress}:${localPort}${peer}`
  return new IsolatorError(
    'ERR_PORTS_IN_USE',
    `'${id}' cannot have port ${localPort}: ${what}. See who: ${whoHas(socket)}`,
    { details: { port: localPort, protocol, state, address: localAddress } },
  )
}
