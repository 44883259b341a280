import { setTimeout as sleep } from 'node:timers/promises'
import { ip, ipJson } from './iproute2.js'
import type { NamespaceRef } from './topology.js'
import { udpExchange } from './udp-traffic.js'

interface Neighbour {
  dst: string
  dev: string
  lladdr?: string
}

/** The MAC address that a namespace's neighbour table has for an address. */
export async function neighbour(namespace: NamespaceRef, address: string): Promise<string | undefined> {
  const entries = await ipJson<Neighbour>(namespace.name, 'neigh show')
  return entries.find(({ dst, lladdr }) => dst === address && lladdr !== undefined)?.lladdr
}

/**
 * Empties the device's neighbour table, sends a datagram to the address, or to one that it is the gateway to, and returns the MAC
 * address that was found; undefined if none was within `timeout` ms.
 */
export async function resolveNeighbour(
  namespace: NamespaceRef,
  device: string,
  address: string,
  timeout = 500,
  sentTo = address,
): Promise<string | undefined> {
  await ip(namespace.name, `neigh flush dev ${device}`)
  const deadline = performance.now() + timeout
  await udpExchange(namespace, sentTo, 9, { timeout: 20 })
  for (;;) {
    const found = await neighbour(namespace, address)
    if (found !== undefined || performance.now() > deadline) return found
    await sleep(20)
  }
}
