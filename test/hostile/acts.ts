import { setTimeout as sleep } from 'node:timers/promises'
import { udpSocketIn } from '../helpers/namespace-sockets.js'
import type { NamespaceRef } from '../helpers/topology.js'

/** Milliseconds: long enough for what is to be blocked. */
export const MOMENT = 250

/** What a UDP socket there, by default of IPv4, gets within a moment while `send` runs. */
export async function received(
  namespace: NamespaceRef,
  port: number,
  send: () => Promise<unknown>,
  any = '0.0.0.0',
): Promise<Buffer[]> {
  const socket = await udpSocketIn(namespace, any, port)
  const messages: Buffer[] = []
  socket.on('message', message => messages.push(message))
  try {
    await send()
    await sleep(MOMENT)
    return messages
  } finally {
    await new Promise<void>(resolve => socket.close(() => resolve()))
  }
}

/** Sends a datagram from an address and port, as a program in the namespace may when its root has allowed it. */
export async function sendFrom(
  namespace: NamespaceRef,
  address: string,
  port: number,
  to: [string, number],
): Promise<void> {
  const socket = await udpSocketIn(namespace, address, port)
  await new Promise<void>(resolve => socket.send('forged', to[1], to[0], () => resolve()))
  await new Promise<void>(resolve => socket.close(() => resolve()))
}
