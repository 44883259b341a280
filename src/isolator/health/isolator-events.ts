import { callback, oneOf, type Declaration } from '../../input/index.js'
import type { SocketProtocol } from '../../sock-diag/index.js'
import type { IsolatorError } from '../isolator-error.js'
import { isolatorArgument } from '../options/declared.js'
import type { Repair } from './repair.js'

/** A container that is no more. */
export interface Gone {
  readonly id: string
  /** `'cleanup'` was called, its process ended, or its veth went: the container deleted its end, or its namespace ended. */
  readonly reason: 'cleanup' | 'exit' | 'link'
}

/** A socket of the host on a port of a container: it gets no packets, since the container gets them. */
export interface HostSocket {
  /** The container that has the port. */
  readonly id: string
  /** `'tcp'`, `'udp'` or `'udplite'`. */
  readonly protocol: SocketProtocol
  /** The local address, `'0.0.0.0'` or `'::'` for all of them. */
  readonly address: string
  readonly port: number
  /** The user who owns the socket. */
  readonly uid: number
  /** Its inode, as /proc/<pid>/fd has it. */
  readonly inode: number
}

/** The events of an isolator, by name, with the arguments of their listeners. */
export interface IsolatorEvents {
  /** A container has been taken away, by whomever. */
  gone: [Gone]
  /**
   * The host's interfaces have changed, and what followed from them has been put right, or could not be. With two empty
   * lists: what could not be before is as planned again.
   */
  repaired: [Repair]
  /**
   * Something inside a container, which its root can change, was refused or not answered within a second: ERR_INSIDE_CONTAINER,
   * `details.id` names the container. `usage()`, `update()` or `cleanup()` has gone on without it.
   */
  insideError: [IsolatorError]
  /**
   * A process of the host has bound a port of a container. Reported once for each socket, at the latest about `hostSocketsInterval`
   * seconds after it was bound. The isolator looks for such sockets only while this event has a listener.
   */
  hostSocket: [HostSocket]
  /** Something that was to be done by itself has failed, and is tried again. Without a listener it is a warning of the process. */
  error: [Error]
}

const event: Declaration<keyof IsolatorEvents> = oneOf(
  'gone',
  'repaired',
  'insideError',
  'hostSocket',
  'error',
)
const listener = callback('a function, which is called at each event')

const checksOf = (
  method: string,
): { event: (given: unknown) => void; listener: (given: unknown) => void } => ({
  event: isolatorArgument(`PortMappingIsolator.${method}`, 'event', event),
  listener: isolatorArgument(`PortMappingIsolator.${method}`, 'listener', listener),
})

/** What `on` and `off` take: each throws IsolatorError ERR_INVALID_OPTION for a value that is not as declared. */
export const listening = { on: checksOf('on'), off: checksOf('off') }
