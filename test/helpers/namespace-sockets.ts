import dgram from 'node:dgram'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import net from 'node:net'
import { binding } from '../../src/native/binding.js'
import { ipv4Bytes } from './packets.js'
import type { NamespaceRef } from './topology.js'

const AF_INET = 2 // sys/socket.h
const SOCK_STREAM = 1
const SOCK_DGRAM = 2

const ANY = '0.0.0.0'

/** The bytes of a struct sockaddr_in (linux/in.h). */
function sockaddrIn(address: string, port: number): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.set(new Uint8Array(Uint16Array.of(AF_INET).buffer))
  bytes.writeUInt16BE(port, 2)
  ipv4Bytes(address).copy(bytes, 4)
  return bytes
}

function socketIn(
  namespace: NamespaceRef,
  type: number,
  address: string,
  port: number,
  backlog?: number,
): number {
  const netns = openSync(namespace.path, 'r')
  try {
    return binding().socket(netns, AF_INET, type, 0, sockaddrIn(address, port), backlog)
  } finally {
    closeSync(netns)
  }
}

/** A bound TCP socket that is not connected yet: the socket's own connect() does that, from inside the namespace. */
export function tcpSocketIn(namespace: NamespaceRef, address = ANY, port = 0): net.Socket {
  const fd = socketIn(namespace, SOCK_STREAM, address, port)
  // Without manualStart (lib/net.js) it would start to read, which fails before it is connected.
  return new net.Socket({ fd, manualStart: true } as net.SocketConstructorOpts)
}

/** Port 0 takes one from the namespace's ip_local_port_range. */
export async function tcpServerIn(
  namespace: NamespaceRef,
  address: string,
  port: number,
): Promise<net.Server> {
  const server = net.createServer().listen({ fd: socketIn(namespace, SOCK_STREAM, address, port, 128) })
  await once(server, 'listening')
  return server
}

export async function udpSocketIn(namespace: NamespaceRef, address = ANY, port = 0): Promise<dgram.Socket> {
  const fd = socketIn(namespace, SOCK_DGRAM, address, port)
  const socket = dgram.createSocket('udp4')
  const listening = once(socket, 'listening') // emitted inside bind()
  socket.bind({ fd })
  await listening
  return socket
}
