import dgram from 'node:dgram'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import net from 'node:net'
import { binding } from '../../src/native/binding.js'
import { ipv6ToWords } from '../../src/netlink/codec/addresses.js'
import { openInetSocket } from '../../src/netns/inet-socket.js'
import type { NamespaceRef } from './topology.js'

const ANY = '0.0.0.0'

/** Any address of the family of another. */
export const anyLike = (address: string): string => (net.isIPv6(address) ? '::' : ANY)

function socketIn(namespace: NamespaceRef, type: 'tcp' | 'udp', address: string, port: number): number {
  const netns = openSync(namespace.path, 'r')
  try {
    return net.isIPv6(address)
      ? inet6Socket(netns, type, address, port)
      : openInetSocket(netns, { type, address, port })
  } finally {
    closeSync(netns)
  }
}

const AF_INET6 = 10 // linux/socket.h
const SOCK_STREAM = 1 // linux/net.h
const SOCK_DGRAM = 2

/** As openInetSocket, for IPv6: bound to a struct sockaddr_in6 (linux/in6.h). */
function inet6Socket(netns: number, type: 'tcp' | 'udp', address: string, port: number): number {
  const bytes = Buffer.alloc(28)
  bytes.set(new Uint8Array(Uint16Array.of(AF_INET6).buffer))
  bytes.writeUInt16BE(port, 2)
  ipv6ToWords(address).forEach((word, i) => bytes.writeUInt32BE(word, 8 + 4 * i))
  const { openSocket, bind } = binding()
  const socket = openSocket(netns, AF_INET6, type === 'tcp' ? SOCK_STREAM : SOCK_DGRAM, 0)
  try {
    bind(socket.fd, bytes)
    return socket.release()
  } finally {
    socket.close()
  }
}

/** A bound TCP socket that is not connected yet: the socket's own connect() does that, from inside the namespace. */
export function tcpSocketIn(namespace: NamespaceRef, address = ANY, port = 0): net.Socket {
  const fd = socketIn(namespace, 'tcp', address, port)
  // Without manualStart (lib/net.js) it would start to read, which fails before it is connected.
  return new net.Socket({ fd, manualStart: true } as net.SocketConstructorOpts)
}

/** Port 0 takes one from the namespace's ip_local_port_range. */
export async function tcpServerIn(
  namespace: NamespaceRef,
  address: string,
  port: number,
): Promise<net.Server> {
  const server = net.createServer().listen({ fd: socketIn(namespace, 'tcp', address, port) })
  await once(server, 'listening')
  return server
}

export async function udpSocketIn(namespace: NamespaceRef, address = ANY, port = 0): Promise<dgram.Socket> {
  const fd = socketIn(namespace, 'udp', address, port)
  const socket = dgram.createSocket(net.isIPv6(address) ? 'udp6' : 'udp4')
  const listening = once(socket, 'listening') // emitted inside bind()
  socket.bind({ fd })
  await listening
  return socket
}
