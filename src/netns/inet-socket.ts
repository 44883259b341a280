/** linux/socket.h and linux/net.h */
export const AF_INET = 2
const SOCK_STREAM = 1
const SOCK_DGRAM = 2

export interface InetSocketOptions {
  type: 'tcp' | 'udp'
  /** Local IPv4 address. Default: any. */
  address?: string | undefined
  /** Local port. Default 0: the kernel takes one from the namespace's ip_local_port_range. */
  port?: number | undefined
  /** Makes a TCP socket listen, with so many connections waiting at most. */
  backlog?: number | undefined
}

/** Arguments of socket(2), bind(2) and listen(2). Throws TypeError or RangeError on what is no address or port. */
export function inetSocketArguments({ type, address = '0.0.0.0', port = 0, backlog }: InetSocketOptions): {
  type: number
  address: Uint8Array
  backlog: number | undefined
} {
  return { type: type === 'tcp' ? SOCK_STREAM : SOCK_DGRAM, address: sockaddrIn(address, port), backlog }
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
