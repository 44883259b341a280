import type { Test } from 'tap'
import type { ContainerInfo } from '../../src/isolator/container/info.js'
import { PortMappingIsolator } from '../../src/isolator/port-mapping-isolator.js'
import type { PortMappingIsolatorOptions } from '../../src/isolator/options/options.js'
import { NetworkNamespace } from '../../src/netns/network-namespace.js'
import { ipBatch } from '../helpers/iproute2.js'
import { allOf, canCreateNamespaces, hasAction, hasFilter, hasLink } from '../helpers/privilege.js'
import { createTopology, type NamespaceRef, type Topology } from '../helpers/topology.js'

/** What every test of the isolator needs of the kernel. */
export const needsIsolation = () =>
  allOf(canCreateNamespaces(), hasLink('veth'), hasFilter('u32'), hasFilter('bpf'), hasAction('mirred'))

/** Off the range that a new namespace allocates its ephemeral ports from, 32768 to 60999. */
export const OPTIONS = {
  publicInterface: 'eth0',
  ports: '31000-31999',
  ephemeralPorts: '20480-28671',
  ephemeralPortsPerContainer: 1024,
} as const

/** For traffic that is to arrive: machines are busy at times. What is to be dropped need not be waited for as long. */
export const PATIENTLY = { timeout: 5000 } as const

/** The first of the eight ports that the i-th container, from 0, is given. */
export const firstPort = (i: number): number => 31_000 + 8 * i

/** A namespace that is isolated. */
export interface IsolatedContainer extends NamespaceRef {
  info: ContainerInfo
}

export interface TopologyOfIsolator extends Partial<PortMappingIsolatorOptions> {
  /** How many namespaces to make for containers. Default: 2. */
  containers?: number
  /** The host's net.ipv4.ip_local_port_range. Default: the kernel's. */
  hostEphemeralPorts?: string
  /** `ip` lines on the host before the isolator is created. */
  hostLines?: readonly string[]
}

export interface IsolatedTopology {
  topology: Topology
  remote: NamespaceRef
  host: NamespaceRef
  isolator: PortMappingIsolator
}

/** A topology whose host is prepared; it is gone when the test ends. */
export async function preparedTopology(
  t: Test,
  { containers = 2, hostEphemeralPorts, hostLines = [], ...options }: TopologyOfIsolator = {},
): Promise<IsolatedTopology> {
  const topology = await createTopology({ containers, prefix: 'i' })
  t.teardown(() => topology.close())
  const { remote, host } = topology
  if (hostEphemeralPorts !== undefined) {
    await using netns = NetworkNamespace.open(host.name)
    await netns.writeSysctl('net.ipv4.ip_local_port_range', hostEphemeralPorts)
  }
  if (hostLines.length > 0) await ipBatch(host.name, [...hostLines])
  const isolator = await PortMappingIsolator.create({ ...OPTIONS, netns: host.name, ...options })
  t.teardown(() => destroyed(isolator, host.name))
  return { topology, remote, host, isolator }
}

/**
 * A test may have closed or destroyed it already. The names of its containers are in the /run/netns of all tests: one that is
 * left would give the containers of a later test other slots.
 */
async function destroyed(isolator: PortMappingIsolator, netns: string): Promise<void> {
  try {
    await isolator.destroy()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_ISOLATOR_CLOSED') throw error
    await PortMappingIsolator.remove({ netns })
  }
}

/** The same with two containers isolated, `web-1` and `web-2`; `port` is the first of eight that each has. */
export async function twoContainers(
  t: Test,
  options: TopologyOfIsolator = {},
): Promise<IsolatedTopology & Record<'c1' | 'c2', IsolatedContainer & { port: number }>> {
  const prepared = await preparedTopology(t, options)
  const isolated = async (i: number): Promise<IsolatedContainer & { port: number }> => {
    const namespace = prepared.topology.containers[i]!
    const port = firstPort(i)
    const info = await prepared.isolator.isolate(`web-${i + 1}`, {
      netns: namespace.name,
      ports: [[port, port + 7]],
    })
    return { ...namespace, info, port }
  }
  return { ...prepared, c1: await isolated(0), c2: await isolated(1) }
}
