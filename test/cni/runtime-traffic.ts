import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { tcpSocketIn } from '../helpers/namespace-sockets.js'
import { HOST_IP, REMOTE_IP, type NamespaceRef } from '../helpers/topology.js'
import { udpEcho, udpExchange } from '../helpers/udp-traffic.js'
import { PATIENTLY } from '../isolator/isolated-topology.js'

/** The network namespace of a process. */
export const namespaceOf = (pid: number): NamespaceRef => ({
  name: String(pid),
  path: `/proc/${pid}/ns/net`,
})

/** Who a container's `/serve` says that it is asked by. It may just have started. */
export async function askedBy(from: NamespaceRef, address: string, port: number): Promise<string> {
  const deadline = performance.now() + PATIENTLY.timeout
  for (;;) {
    try {
      const [peer = ''] = (await get(from, address, port)).trim().split(':')
      return peer
    } catch (error) {
      if (performance.now() > deadline) throw error
      await sleep(50)
    }
  }
}

async function get(from: NamespaceRef, address: string, port: number): Promise<string> {
  const sent = request({
    createConnection: () => tcpSocketIn(from).connect(port, address),
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

/** Asserts that a server is reached from everywhere, and sees by whom. */
export async function reachesAll(
  t: Test,
  { container, tcp, udp }: Server,
  { remote, host, other }: Record<'remote' | 'host' | 'other', NamespaceRef>,
): Promise<void> {
  const sources: [name: string, from: NamespaceRef, address: string, seenAs: string][] = [
    ['remote', remote, HOST_IP, REMOTE_IP],
    ['the host', host, HOST_IP, HOST_IP],
    ['the host by localhost', host, '127.0.0.1', '127.0.0.1'],
    ['another container', other, HOST_IP, HOST_IP],
    ['localhost inside', container, '127.0.0.1', '127.0.0.1'],
    ['itself by the shared address', container, HOST_IP, HOST_IP],
  ]
  await using echo = await udpEcho(container, '0.0.0.0', udp)
  for (const [name, from, address, seenAs] of sources) {
    t.equal(await askedBy(from, address, tcp), seenAs, `TCP from ${name}`)
    t.equal(await udpExchange(from, address, udp, PATIENTLY), 'answered', `UDP from ${name}`)
    t.equal(echo.peers.at(-1)?.split(':')[0], seenAs, `UDP from ${name}: the source`)
  }
}
