import type { NamespaceRef } from '../../../test/helpers/topology.js'
import { compile } from '../compile.js'
import { output } from '../output.js'

export type Protocol = 'tcp' | 'udp'

export interface Stream {
  readonly protocol: Protocol
  readonly from: NamespaceRef
  readonly to: NamespaceRef
  readonly address: string
  readonly port: number
  /** The second half is what counts. */
  readonly seconds: number
  /** Bytes per second that UDP is sent at. Default: as fast as the socket's buffer lets it. */
  readonly pace?: number
}

export interface Arrived {
  /** Payload, bytes per second. */
  readonly goodput: number
  /** Of the whole connection; 0 for UDP. */
  readonly retransmissions: number
}

/** Payload of a frame of 1514 bytes: TCP with timestamps, and UDP, over IPv4. HTB counts the frame. */
export const PAYLOAD: Readonly<Record<Protocol, number>> = { tcp: 1448, udp: 1472 }
export const FRAME = 1514

let program: Promise<string> | undefined

/** Sends one stream, and tells what arrived: see native/traffic.c. */
export async function runStream(stream: Stream): Promise<Arrived> {
  const { protocol, from, to, address, port, seconds, pace = 0 } = stream
  const args = [protocol, from.path, to.path, address, port, seconds, pace]
  const printed = await output(await (program ??= compile('traffic')), args.map(String))
  const arrived = JSON.parse(printed) as { bytes: number; seconds: number; retransmissions: number }
  return { goodput: arrived.bytes / arrived.seconds, retransmissions: arrived.retransmissions }
}
