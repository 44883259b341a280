import type { AddressInfo, Socket } from 'node:net'
import { anyLike, tcpServerIn, tcpSocketIn } from './namespace-sockets.js'
import type { NamespaceRef } from './topology.js'

/** `timeout` is what "blocked" looks like. */
export type TcpOutcome = 'connected' | 'refused' | 'timeout'

export interface TcpOptions {
  /** Default: one of the namespace's ip_local_port_range. */
  localPort?: number
  /** Default: the one that the kernel's routes choose. */
  localAddress?: string
  /** Milliseconds for all of it. Default: 400. */
  timeout?: number
}

export interface EchoServer extends AsyncDisposable {
  port: number
  /** `address:port` of each client (of each datagram's sender), as the server saw it. */
  peers: string[]
  close(): Promise<void>
}

/** A server that sends back what it gets. Port 0 takes one from the namespace's ip_local_port_range. */
export async function tcpEcho(namespace: NamespaceRef, address: string, port: number): Promise<EchoServer> {
  const server = await tcpServerIn(namespace, address, port)
  const peers: string[] = []
  const clients = new Set<Socket>()
  server.on('connection', client => {
    peers.push(`${client.remoteAddress}:${client.remotePort}`)
    clients.add(client)
    client.on('error', () => undefined) // a client may be gone before its echo
    client.on('close', () => clients.delete(client))
    client.pipe(client)
  })
  const close = (): Promise<void> => {
    for (const client of clients) client.destroy()
    return new Promise(resolve => server.close(() => resolve()))
  }
  return { port: (server.address() as AddressInfo).port, peers, close, [Symbol.asyncDispose]: close }
}

/** Connects and closes again. Errors other than "refused" and "timed out" reject. */
export async function tcpConnect(
  from: NamespaceRef,
  address: string,
  port: number,
  options: TcpOptions = {},
): Promise<TcpOutcome> {
  const { outcome } = await tcpExchange(from, address, port, Buffer.alloc(0), options)
  return outcome
}

export interface TcpExchange {
  /** `timeout` also if the connection stood but the answer was not complete in time. */
  outcome: TcpOutcome
  /** What came back, up to the length of what was sent. */
  answer: Buffer
  /** The client's own port; undefined if it did not connect. */
  localPort: number | undefined
}

/** Connects, sends `payload`, waits for as many bytes in return, and closes. */
export function tcpExchange(
  from: NamespaceRef,
  address: string,
  port: number,
  payload: Uint8Array,
  options: TcpOptions = {},
): Promise<TcpExchange> {
  const { localPort: wanted, localAddress, timeout = 400 } = options
  const socket = tcpSocketIn(from, localAddress ?? anyLike(address), wanted)
  const chunks: Buffer[] = []
  let received = 0
  let localPort: number | undefined
  return new Promise((resolve, reject) => {
    const finish = (outcome: TcpOutcome): void => {
      clearTimeout(timer)
      socket.destroy()
      socket.once('close', () => resolve({ outcome, answer: Buffer.concat(chunks), localPort }))
    }
    const timer = setTimeout(() => finish('timeout'), timeout)
    socket.on('connect', () => {
      localPort = socket.localPort
      if (payload.length === 0) finish('connected')
      else socket.write(payload)
    })
    socket.on('data', chunk => {
      chunks.push(chunk)
      received += chunk.length
      if (received >= payload.length) finish('connected')
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') return finish('refused')
      clearTimeout(timer)
      reject(error)
    })
    socket.connect(port, address)
  })
}
