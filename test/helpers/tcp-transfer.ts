import type { AddressInfo } from 'node:net'
import { anyLike, tcpServerIn, tcpSocketIn } from './namespace-sockets.js'
import type { NamespaceRef } from './topology.js'

export interface Transfer {
  from: NamespaceRef
  to: NamespaceRef
  /** Where the receiver listens, and the sender connects to. */
  address: string
  port: number
  /** Bytes. */
  size: number
}

/** Sends so many bytes and closes; the seconds from the first packet until the receiver has heard the end: `time nc`. */
export async function tcpTransfer({ from, to, address, port, size }: Transfer): Promise<number> {
  const server = await tcpServerIn(to, address, port)
  let received = 0
  const heard = new Promise<void>((resolve, reject) => {
    server.once('connection', socket => {
      socket.on('data', chunk => (received += chunk.length))
      socket.once('end', resolve).once('error', reject)
    })
  })
  const sender = tcpSocketIn(from, anyLike(address))
  sender.on('error', () => undefined)
  try {
    const began = performance.now()
    sender.connect((server.address() as AddressInfo).port, address, () => sender.end(Buffer.alloc(size, 'a')))
    await heard
    const seconds = (performance.now() - began) / 1000
    if (received !== size) throw new Error(`${received} of ${size} bytes arrived`)
    return seconds
  } finally {
    sender.destroy()
    await new Promise<void>(resolve => server.close(() => resolve()))
  }
}
