import type { Test } from 'tap'
import {
  PortMappingIsolator,
  type IsolateOptions,
  type PortMappingIsolatorOptions,
} from '../../../src/index.js'
import { createTopology, type NamespaceRef, type Topology } from '../../helpers/topology.js'
import {
  preparedTopology,
  type IsolatedContainer,
  type IsolatedTopology,
} from '../../isolator/isolated-topology.js'

/*
 * The numbers of Mesos's src/tests/containerizer/port_mapping_tests.cpp.
 */

export const OPTIONS = {
  ports: '31000-32000',
  ephemeralPorts: '30001-30999',
  ephemeralPortsPerContainer: 16,
} as const

export const CONTAINER1_PORTS = '31000-31499'
export const CONTAINER2_PORTS = '31500-32000'

/** A port of container 1. */
export const VALID_PORT = 31_001
/** A port that is in no range: containers never receive anything on it. */
export const INVALID_PORT = 32_502

export interface Prepared extends IsolatedTopology {
  /** Isolates the i-th namespace, from 0, as `container<i+1>`. */
  isolate: (i: number, options: Omit<IsolateOptions, 'netns'>) => Promise<IsolatedContainer>
}

/** A host with Mesos's port ranges, and namespaces for two containers. */
export async function prepare(t: Test, options: Partial<PortMappingIsolatorOptions> = {}): Promise<Prepared> {
  const prepared = await preparedTopology(t, { ...OPTIONS, ...options })
  const isolate: Prepared['isolate'] = async (i, options) => {
    const namespace = prepared.topology.containers[i]!
    const info = await prepared.isolator.isolate(`container${i + 1}`, { ...options, netns: namespace.name })
    return { ...namespace, info }
  }
  return { ...prepared, isolate }
}

export interface Agent {
  topology: Topology
  host: NamespaceRef
  /** What a start of Mesos's agent does with its isolator: the one before is closed, its containers stay. */
  start: (options?: Partial<PortMappingIsolatorOptions>) => Promise<PortMappingIsolator>
}

/** A host on which the isolator can be started again. */
export async function agent(t: Test): Promise<Agent> {
  const topology = await createTopology({ prefix: 'm' })
  t.teardown(() => topology.close())
  let running: PortMappingIsolator | undefined
  const start: Agent['start'] = async options => {
    await running?.close()
    running = await PortMappingIsolator.create({ ...OPTIONS, netns: topology.host.name, ...options })
    return running
  }
  t.teardown(async () => (await start()).destroy())
  return { topology, host: topology.host, start }
}
