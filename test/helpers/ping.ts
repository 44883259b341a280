import { randomBytes } from 'node:crypto'
import type { FrameTool } from './frame-tool.js'
import { icmp, ipv4, IPPROTO_ICMP } from './packets.js'
import type { NamespaceRef } from './topology.js'

const ICMP_ECHOREPLY = 0 // linux/icmp.h
const ICMP_ECHO = 8

export interface PingOptions {
  /** Bytes after the ICMP header. Default: 56. */
  size?: number
  ttl?: number
  /** Milliseconds. Default: 400. */
  timeout?: number
}

/** One echo request from a raw socket inside the namespace, through its routes and neighbours. */
export async function ping(
  tool: FrameTool,
  from: NamespaceRef,
  address: string,
  options: PingOptions = {},
): Promise<'answered' | 'timeout'> {
  const { size = 56, ttl = 64, timeout = 400 } = options
  const socket = await tool.rawSocket({ netns: from.path, protocol: IPPROTO_ICMP })
  try {
    const rest = randomBytes(4)
    const payload = randomBytes(size)
    // The kernel fills in the source, as the route says.
    const fields = { source: '0.0.0.0', destination: address, protocol: IPPROTO_ICMP, ttl }
    await socket.send(ipv4(fields, icmp({ type: ICMP_ECHO, rest }, payload)))
    const expected = icmp({ type: ICMP_ECHOREPLY, rest }, payload)
    // On loopback the request itself is seen too.
    const answer = await socket.next(({ bytes }) => bytes.subarray(20).equals(expected), timeout)
    return answer ? 'answered' : 'timeout'
  } finally {
    await socket.close()
  }
}
