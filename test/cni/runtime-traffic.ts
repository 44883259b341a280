import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { anyLike, tcpSocketIn } from '../helpers/namespace-sockets.js'
import { HOST_IP, REMOTE_IP, type NamespaceRef } from '../helpers/topology.js'
import { udpEcho, udpExchange } from '../helpers/udp-traffic.js'
import { HOST_IP6, REMOTE_IP6 } from '../isolator/inet6-topology.js'
import { PATIENTLY } from '../isolator/isolated-topology.js'

/** The network namespace of a process. */
export const namespaceOf = (pid: number): NamespaceRef => ({
  name: String(pid),
  path: `/proc/${pid}/ns/net`,
})

/** Who a container's `/serve`, which has one socket for both families, says that it is asked by. It may just have started. */
export async function askedBy(from: NamespaceRef, address: string, port: number): Promise<string> {
  const deadline = performance.now() + PATIENTLY.timeout
  for (;;) {
    try {
      return (await get(from, address, port)).trim().replace(/^\[(::ffff:)?(.*)\]$/, '$2')
    } catch (error) {
      if (performance.now() > deadline) throw error
      await sleep(50)
    }
  }
}

async function get(from: NamespaceRef, address: string, port: number): Promise<string> {
  const sent = request({
    createConnection: () => tcpSocketIn(from, anyLike(address)).connect(port, address),
    path: '/cgi-bin/peer',
    timeout: 2000,
  })
  sent.on('timeout', () => sent.destroy(new Error(`${address}:${port} does not answer`)))
  sent.end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return text(response)
}

export interface Server {
  container: NamespaceRef
  /** Of `/serve`. */
  tcp: number
  /** One that nobody listens on. */
  udp: number
}

/** The addresses of one family: of the host, of its loopback interface, and of the remote. */
interface Addresses {
  readonly shared: string
  readonly loopback: string
  readonly wire: string
}

export const INET: Addresses = { shared: HOST_IP, loopback: '127.0.0.1', wire: REMOTE_IP }
export const INET6: Addresses = { shared: HOST_IP6, loopback: '::1', wire: REMOTE_IP6 }

/** Asserts that a server is reached from everywhere, and sees by whom. */
export async function reachesAll(
  t: Test,
  { container, tcp, udp }: Server,
  { remote, host, other }: Record<'remote' | 'host' | 'other', NamespaceRef>,
  { shared, loopback, wire }: Addresses = INET,
): Promise<void> {
  const sources: [name: string, from: NamespaceRef, address: string, seenAs: string][] = [
    ['remote', remote, shared, wire],
    ['the host', host, shared, shared],
    ['the host by localhost', host, loopback, loopback],
    ['another container', other, shared, shared],
    ['localhost inside', container, loopback, loopback],
    ['itself by the shared address', container, shared, shared],
  ]
  await using echo = await udpEcho(container, anyLike(shared), udp)
  for (const [name, from, address, seenAs] of sources) {
    t.equal(await askedBy(from, address, tcp), seenAs, `TCP from ${name} to ${address}`)
    t.equal(await udpExchange(from, address, udp, PATIENTLY), 'answered', `UDP from ${name} to ${address}`)
    t.equal(echo.peers.at(-1)?.replace(/:\d+$/, ''), seenAs, `UDP from ${name}: the source`)
  }
}
