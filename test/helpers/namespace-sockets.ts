import dgram from 'node:dgram'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import net from 'node:net'
import { openInetSocket } from '../../src/netns/inet-socket.js'
import type { NamespaceRef } from './topology.js'

const ANY = '0.0.0.0'

function socketIn(namespace: NamespaceRef, type: 'tcp' | 'udp', address: string, port: number): number {
  const netns = openSync(namespace.path, 'r')
  try {
    return openInetSocket(netns, { type, address, port })
  } finally {
    closeSync(netns)
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
  const socket = dgram.createSocket('udp4')
  const listening = once(socket, 'listening') // emitted inside bind()
  socket.bind({ fd })
  await listening
  return socket
}
