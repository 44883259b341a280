import { argument, object, optional, type InputOf } from '../input/index.js'
import { openTransport } from '../netlink/open-transport.js'
import { dumpInput, type DumpOptions } from '../netlink/call-options.js'
import { NetlinkSocket } from '../netlink/socket.js'
import { netnsInput } from '../netns/network-namespace.js'
import { inetDiagReply } from './inet-diag.js'
import {
  inetSocketQueryInput,
  socketFrom,
  socketRequests,
  type InetSocket,
  type InetSocketQuery,
} from './inet-socket.js'
import { sockDiagProtocol } from './protocol.js'

const socketOptions = object({
  /** The network namespace whose sockets to list. Default: the caller's. Entering another needs CAP_SYS_ADMIN. */
  netns: optional(netnsInput),
})

export interface SockDiagSocketOptions extends InputOf<typeof socketOptions> {}

const checkQuery = argument('SockDiagSocket.list', 'query', optional(inetSocketQueryInput))
const checkDump = argument('SockDiagSocket.list', 'options', optional(dumpInput))
const checkOpen = argument('SockDiagSocket.open', 'options', optional(socketOptions))

/** Lists the sockets of a network namespace, as `ss` does. Needs no privilege beyond entering the namespace. */
export class SockDiagSocket implements AsyncDisposable {
  readonly #netlink: NetlinkSocket

  private constructor(netlink: NetlinkSocket) {
    this.#netlink = netlink
  }

  /** Opens a socket. Throws SystemError (`EPERM`, `ENOENT`, …), off Linux an error with code ERR_UNSUPPORTED_PLATFORM. */
  static async open(options: SockDiagSocketOptions = {}): Promise<SockDiagSocket> {
    checkOpen(options)
    const transport = openTransport(sockDiagProtocol.number, options.netns)
    return new SockDiagSocket(new NetlinkSocket(transport, sockDiagProtocol))
  }

  /** The sockets that match. Throws NetlinkError `ENOENT` where the kernel has no inet_diag for the protocol. */
  async list(query: InetSocketQuery = {}, options?: DumpOptions): Promise<InetSocket[]> {
    checkQuery(query)
    checkDump(options)
    const { protocol = 'tcp' } = query
    const sockets: InetSocket[] = []
    for (const request of socketRequests(query)) {
      for await (const message of this.#netlink.dump(request, options)) {
        if (message.type === inetDiagReply.type)
          sockets.push(socketFrom(message.decode(inetDiagReply), protocol))
      }
    }
    return sockets
  }

  /** Closes the socket; a call under way is rejected with NetlinkClosedError. */
  close(): void {
    this.#netlink.close()
  }

  /** Closes, and resolves when the kernel has its file descriptors back: see NetlinkSocket. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#netlink[Symbol.asyncDispose]()
  }
}
