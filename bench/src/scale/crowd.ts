import { NetworkNamespace, PortMappingIsolator, type IsolateOptions } from '../../../lib/index.js'

/** Non-ephemeral ports begin here; each container has one. */
const FIRST_PORT = 1024
const EPHEMERAL_PORTS_PER_CONTAINER = 16

/** So many leave the host 1,600 ephemeral ports. */
export const MOST = 3700

export const idOf = (i: number): string => `c${i}`
export const portOf = (i: number): number => FIRST_PORT + i

/** The isolator of as many containers with 16 + 1 ports each. */
export function createIsolator(count: number, { ipv6 = false } = {}): Promise<PortMappingIsolator> {
  const firstEphemeral = Math.ceil((FIRST_PORT + count) / 16) * 16
  return PortMappingIsolator.create({
    publicInterface: 'eth0',
    ports: [[FIRST_PORT, FIRST_PORT + count - 1]],
    ephemeralPorts: [[firstEphemeral, firstEphemeral + count * EPHEMERAL_PORTS_PER_CONTAINER - 1]],
    ephemeralPortsPerContainer: EPHEMERAL_PORTS_PER_CONTAINER,
    ipv6,
  })
}

/** Makes a namespace for each index, isolates them with `isolate`, and lets go of what the isolator holds by then. */
export async function withNamespaces<T>(
  indices: readonly number[],
  isolate: (containers: (IsolateOptions & { id: string })[]) => Promise<T>,
): Promise<T> {
  const namespaces: NetworkNamespace[] = []
  try {
    for (let i = 0; i < indices.length; i++) namespaces.push(await NetworkNamespace.create())
    return await isolate(
      indices.map((index, i) => ({
        id: idOf(index),
        netns: namespaces[i] as NetworkNamespace,
        ports: [[portOf(index), portOf(index)]],
      })),
    )
  } finally {
    for (const netns of namespaces) netns.close()
  }
}
