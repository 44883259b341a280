import { object, oneOf, optional, text, whole, type Declaration, type InputOf } from '../input/index.js'
import { binding } from '../native/binding.js'

/** linux/socket.h, linux/net.h, asm-generic/socket.h */
const AF_INET = 2
const SOCK_STREAM = 1
const SOCK_DGRAM = 2
const SOL_SOCKET = 1
const SO_REUSEADDR = 2

const options = object({
  type: oneOf('tcp', 'udp'),
  /** Local IPv4 address. Default: any. */
  address: optional(text("an IPv4 address such as '10.9.0.2'")),
  /** Local port. Default 0: the kernel takes one from the namespace's ip_local_port_range. */
  port: optional(whole(0, 0xffff)),
})

export interface InetSocketOptions extends InputOf<typeof options> {}
export const inetSocketInput: Declaration<InetSocketOptions> = options

/**
 * Makes a socket inside `netns`, a file descriptor, binds it and returns its file descriptor. Throws TypeError or
 * RangeError on what is no address or port, SystemError where the kernel refuses.
 */
export function openInetSocket(
  netns: number,
  { type, address = '0.0.0.0', port = 0 }: InetSocketOptions,
): number {
  const local = sockaddrIn(address, port)
  const { openSocket, bind, setSocketOption } = binding()
  const socket = openSocket(netns, AF_INET, type === 'tcp' ? SOCK_STREAM : SOCK_DGRAM, 0)
  try {
    // As libuv does: connections of the past in TIME_WAIT are not in the way.
    if (type === 'tcp') setSocketOption(socket.fd, SOL_SOCKET, SO_REUSEADDR, 1)
    bind(socket.fd, local)
    return socket.release()
  } finally {
    socket.close()
  }
}

/** struct sockaddr_in, linux/in.h: the family in host order, port and address in network order. */
function sockaddrIn(address: string, port: number): Uint8Array {
  // Loaded here: importing node:net costs a program that opens no such socket 10 ms.
  const { isIPv4 } = process.getBuiltinModule('node:net')
  if (!isIPv4(address)) throw new TypeError(`'${address}' is not an IPv4 address`)
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) throw new RangeError(`${port} is not a port`)
  const bytes = new Uint8Array(16)
  bytes.set(new Uint8Array(Uint16Array.of(AF_INET).buffer))
  bytes.set([port >> 8, port & 0xff, ...address.split('.').map(Number)], 2)
  return bytes
}
