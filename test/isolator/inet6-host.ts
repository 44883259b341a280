/** A host with IPv6 that has no isolator yet, and what its containers have of it. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Test } from 'tap'
import type { PortMappingIsolatorOptions } from '../../src/isolator/options/options.js'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import { ipBatch, ipJson } from '../helpers/iproute2.js'
import { tcpConnect, tcpEcho } from '../helpers/tcp-traffic.js'
import { createTopology, HOST_MAC, type NamespaceRef, type Topology } from '../helpers/topology.js'
import { HOST_LINES, REMOTE_LINES } from './inet6-topology.js'
import { OPTIONS, PATIENTLY } from './isolated-topology.js'
import { settleLoopback } from './kernel-state.js'

export const PORTS = '31000-31007'
export const OTHER_IP6 = '2001:db8:9::3'

/** A topology with one namespace for a container. */
export async function emptyTopology(t: Test, hostLines: readonly string[] = HOST_LINES): Promise<Topology> {
  const topology = await createTopology({ containers: 1, prefix: 'i' })
  t.teardown(() => topology.close())
  await settleLoopback(topology.host, HOST_MAC)
  await ipBatch(topology.host.name, [...hostLines])
  await ipBatch(topology.remote.name, REMOTE_LINES)
  return topology
}

export const create = (
  { host }: Topology,
  options: Partial<PortMappingIsolatorOptions> = {},
): Promise<PortMappingIsolator> =>
  PortMappingIsolator.create({ ...OPTIONS, netns: host.name, ipv6: true, ...options })

interface ShownAddress {
  family: string
  local: string
  prefixlen: number
  scope: string
  deprecated?: boolean
}

/** The IPv6 addresses of a container. */
async function shownIn({ name }: NamespaceRef): Promise<ShownAddress[]> {
  const links = await ipJson<{ addr_info: ShownAddress[] }>(name, 'addr show dev eth0')
  return links.flatMap(({ addr_info }) => addr_info.filter(({ family }) => family === 'inet6'))
}

export const addressesIn = async (container: NamespaceRef): Promise<string[]> =>
  (await shownIn(container)).map(({ local }) => local)

/** Its global ones, in the order in which it prefers them. */
export const prefixesIn = async (container: NamespaceRef): Promise<string[]> =>
  (await shownIn(container)).flatMap(({ local, prefixlen, scope, deprecated }) =>
    scope === 'global' ? [`${local}/${prefixlen}${deprecated ? ' deprecated' : ''}`] : [],
  )

/** Whether the remote reaches a server in the first container by an address. */
export async function reaches({ remote, containers: [c1] }: Topology, address: string): Promise<string> {
  await using server = await tcpEcho(c1!, '::', 31_000)
  return await tcpConnect(remote, address, server.port, PATIENTLY)
}

/** What is warned of meanwhile. */
export async function warningsOf(work: () => Promise<unknown>): Promise<string[]> {
  const warnings: string[] = []
  const note = (warning: Error & { code?: string }): void => {
    if (warning.code === 'RTNETLINK_ROUTES') warnings.push(warning.message)
  }
  process.on('warning', note)
  try {
    await work()
    await nextTurn()
    return warnings
  } finally {
    process.off('warning', note)
  }
}
