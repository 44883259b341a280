import { PortMappingIsolator, type PortMappingIsolatorOptions } from '../../../lib/index.js'
import { createTopology, type NamespaceRef, type Topology } from '../../../test/helpers/topology.js'

/** The topology of the tests, with an isolator at its host. */
export class IsolatedHost implements AsyncDisposable {
  readonly topology: Topology
  readonly isolator: PortMappingIsolator

  private constructor(topology: Topology, isolator: PortMappingIsolator) {
    this.topology = topology
    this.isolator = isolator
  }

  /** @param prepare is shown the topology before the isolator reads it */
  static async create(
    containers: number,
    options: Partial<PortMappingIsolatorOptions>,
    prepare: (topology: Topology) => Promise<void> = async () => undefined,
  ): Promise<IsolatedHost> {
    const topology = await createTopology({ containers, prefix: 'b' })
    try {
      await prepare(topology)
      const isolator = await PortMappingIsolator.create({
        netns: topology.host.name,
        ports: '31000-31999',
        ephemeralPorts: '20480-28671',
        ...options,
      })
      return new IsolatedHost(topology, isolator)
    } catch (error) {
      await topology.close()
      throw error
    }
  }

  /** Isolates the i-th container, from 0, with the port 31000 + i; gives its namespace and the host's end of its veth. */
  async isolate(i: number): Promise<NamespaceRef & { link: string; port: number }> {
    const namespace = this.topology.containers[i]
    if (!namespace) throw new RangeError(`there is no container ${i}`)
    const port = 31_000 + i
    const { link } = await this.isolator.isolate(`c${i}`, { netns: namespace.name, ports: String(port) })
    return { ...namespace, link, port }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.isolator.destroy()
    await this.topology.close()
  }
}
