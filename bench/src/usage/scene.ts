import { NetworkNamespace, PortMappingIsolator, RtnetlinkSocket } from '../../../lib/index.js'

/** A host with a public interface in a namespace of its own, and an isolator on it. */
export class Scene implements AsyncDisposable {
  readonly isolator: PortMappingIsolator
  readonly #host: NetworkNamespace
  readonly #rt: RtnetlinkSocket
  readonly #namespaces: NetworkNamespace[] = []

  private constructor(host: NetworkNamespace, rt: RtnetlinkSocket, isolator: PortMappingIsolator) {
    this.#host = host
    this.#rt = rt
    this.isolator = isolator
  }

  /** With the options of `PortMappingIsolator.create` that say what is read. */
  static async create(options: object): Promise<Scene> {
    const host = await NetworkNamespace.create()
    const rt = await RtnetlinkSocket.open({ netns: host })
    await rt.links.add({ name: 'eth0', kind: 'veth', peer: { name: 'wire' } })
    for (const dev of ['lo', 'eth0', 'wire']) await rt.links.change({ dev, up: true })
    await rt.addresses.add({ dev: 'eth0', address: '10.9.0.2', prefixLength: 24 })
    await rt.routes.add({ destination: 'default', gateway: '10.9.0.1', dev: 'eth0' })
    const isolator = await PortMappingIsolator.create({
      netns: host,
      publicInterface: 'eth0',
      ephemeralPorts: '2048-28671',
      ephemeralPortsPerContainer: 16,
      ...options,
    })
    return new Scene(host, rt, isolator)
  }

  /** Isolates containers until there are so many. */
  async fill(containers: number): Promise<void> {
    for (let i = this.#namespaces.length; i < containers; i++) {
      const netns = await NetworkNamespace.create()
      this.#namespaces.push(netns)
      await this.isolator.isolate(`container-${i}`, { netns })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.isolator.destroy()
    for (const netns of [...this.#namespaces, this.#host]) netns.close()
    this.#rt.close()
  }
}
