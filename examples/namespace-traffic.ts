/** Real traffic between namespaces: sockets made inside them, driven by node:net and node:dgram. */
import dgram from 'node:dgram'
import { once } from 'node:events'
import net from 'node:net'
import type { NetworkNamespace } from 'rtnetlink'

/** How long "nothing came" takes. */
const PATIENCE_MS = 300

/** A TCP server inside that greets with its name. */
export async function tcpServer(netns: NetworkNamespace, name: string, port: number): Promise<net.Server> {
  const server = net.createServer(client => {
    client.on('error', () => undefined)
    client.end(name)
  })
  server.listen({ fd: netns.openSocket({ type: 'tcp', port }) })
  await once(server, 'listening')
  return server
}

/** What a TCP connection from inside to `address:port` comes to: the greeting, or why there was none. */
export function tcpAsk(
  netns: NetworkNamespace,
  address: string,
  port: number,
  localPort?: number,
): Promise<string> {
  // Until it is connected there is nothing to read, and reading would fail: hence manualStart.
  const options = { fd: netns.openSocket({ type: 'tcp', port: localPort }), manualStart: true }
  const socket = new net.Socket(options)
  return new Promise(resolve => {
    const finish = (outcome: string): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(outcome)
    }
    const timer = setTimeout(() => {
      finish('no answer')
    }, PATIENCE_MS)
    socket.on('data', greeting => {
      finish(`"${greeting.toString()}" (from port ${socket.localPort})`)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      finish(error.code === 'ECONNREFUSED' ? 'refused' : String(error.code))
    })
    socket.connect(port, address)
  })
}

/** A UDP server inside that answers with its name. */
export async function udpServer(netns: NetworkNamespace, name: string, port: number): Promise<dgram.Socket> {
  const socket = dgram.createSocket('udp4')
  socket.on('message', (_, { address, port }) => {
    socket.send(name, port, address)
  })
  const listening = once(socket, 'listening')
  socket.bind({ fd: netns.openSocket({ type: 'udp', port }) })
  await listening
  return socket
}

/** What a datagram from inside to `address:port` is answered with. */
export function udpAsk(
  netns: NetworkNamespace,
  address: string,
  port: number,
  localPort?: number,
): Promise<string> {
  const socket = dgram.createSocket('udp4')
  return new Promise(resolve => {
    const finish = (outcome: string): void => {
      clearTimeout(timer)
      socket.close()
      resolve(outcome)
    }
    const timer = setTimeout(() => {
      finish('no answer')
    }, PATIENCE_MS)
    socket.on('message', answer => {
      finish(`"${answer.toString()}"`)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      finish(error.code ?? error.message)
    })
    socket.bind({ fd: netns.openSocket({ type: 'udp', port: localPort }) }, () => {
      socket.send('?', port, address)
    })
  })
}
