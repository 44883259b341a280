import { anyLike, udpSocketIn } from './namespace-sockets.js'
import type { EchoServer } from './tcp-traffic.js'
import type { NamespaceRef } from './topology.js'

/** `refused`: an ICMP "port unreachable" came back; `timeout`: nothing did. */
export type UdpOutcome = 'answered' | 'refused' | 'timeout'

export interface UdpOptions {
  /** Default: one of the namespace's ip_local_port_range. */
  localPort?: number
  /** Default: the one that the kernel's routes choose. */
  localAddress?: string
  /** Default: `hello`. */
  payload?: Uint8Array
  /** Milliseconds. Default: 400. */
  timeout?: number
}

/** A socket that sends every datagram back. Port 0 takes one from the namespace's ip_local_port_range. */
export async function udpEcho(namespace: NamespaceRef, address: string, port: number): Promise<EchoServer> {
  const socket = await udpSocketIn(namespace, address, port)
  const peers: string[] = []
  socket.on('message', (message, sender) => {
    peers.push(`${sender.address}:${sender.port}`)
    socket.send(message, sender.port, sender.address)
  })
  const close = (): Promise<void> => new Promise(resolve => socket.close(() => resolve()))
  return { port: socket.address().port, peers, close, [Symbol.asyncDispose]: close }
}

/** Sends one datagram from a connected socket and waits for the same in return. */
export async function udpExchange(
  from: NamespaceRef,
  address: string,
  port: number,
  options: UdpOptions = {},
): Promise<UdpOutcome> {
  const { localPort, localAddress, payload = Buffer.from('hello'), timeout = 400 } = options
  const socket = await udpSocketIn(from, localAddress ?? anyLike(address), localPort)
  try {
    return await new Promise<UdpOutcome>((resolve, reject) => {
      const timer = setTimeout(() => resolve('timeout'), timeout)
      const settle = (action: () => void): void => {
        clearTimeout(timer)
        action()
      }
      socket.on('message', message => {
        if (message.equals(payload)) settle(() => resolve('answered'))
      })
      // Only a connected socket hears of an ICMP error.
      const onError = (error: NodeJS.ErrnoException | null): void => {
        if (error) settle(() => (error.code === 'ECONNREFUSED' ? resolve('refused') : reject(error)))
      }
      socket.on('error', onError)
      const onConnect = (error?: NodeJS.ErrnoException): void =>
        error ? onError(error) : socket.send(payload, onError)
      socket.connect(port, address, onConnect)
    })
  } finally {
    await new Promise<void>(resolve => socket.close(() => resolve()))
  }
}
