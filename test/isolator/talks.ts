import type { Test } from 'tap'
import { tcpEcho, tcpExchange } from '../helpers/tcp-traffic.js'
import type { NamespaceRef } from '../helpers/topology.js'
import { udpEcho, udpExchange } from '../helpers/udp-traffic.js'
import { PATIENTLY } from './isolated-topology.js'

const PAYLOAD = Buffer.alloc(50_000, 'rtnetlink')

export interface Talk {
  readonly from: NamespaceRef
  /** Default: the one that the kernel chooses. */
  readonly localAddress?: string
  readonly to: NamespaceRef
  /** Where the server listens, and is asked. */
  readonly address: string
  readonly port: number
  /** The address that the server sees. */
  readonly seenAs: string
}

/** TCP and UDP with answers; and "refused" while nobody listens. */
export async function talks(
  t: Test,
  name: string,
  { from, localAddress, to, address, port, seenAs }: Talk,
): Promise<void> {
  const options = { ...PATIENTLY, ...(localAddress !== undefined && { localAddress }) }
  t.equal(await udpExchange(from, address, port, options), 'refused', `${name}: UDP, nobody listens`)
  t.equal(
    (await tcpExchange(from, address, port, PAYLOAD, options)).outcome,
    'refused',
    `${name}: TCP, nobody listens`,
  )
  await using tcp = await tcpEcho(to, address, port)
  await using udp = await udpEcho(to, address, port)
  const { outcome, answer } = await tcpExchange(from, address, port, PAYLOAD, options)
  t.equal(outcome, 'connected', `${name}: TCP`)
  t.ok(answer.equals(PAYLOAD), `${name}: TCP data`)
  t.equal(await udpExchange(from, address, port, options), 'answered', `${name}: UDP`)
  const peers = [tcp, udp].map(({ peers: [peer = ''] }) => peer.replace(/:\d*$/, ''))
  t.strictSame(peers, [seenAs, seenAs], `${name}: the source address`)
}
