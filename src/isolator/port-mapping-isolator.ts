import { NetworkNamespace, type NetnsReference } from '../netns/network-namespace.js'
import { RtnetlinkSocket } from '../rtnetlink-socket.js'
import { SockDiagSocket } from '../sock-diag/index.js'
import { removeAll } from './apply.js'
import { EphemeralAllocator } from './ephemeral-allocator.js'
import { explainContainer, explainHost } from './explain.js'
import type { HostContext } from './host-context.js'
import { readHostFacts } from './host-facts.js'
import type { HostRecord } from './host-record.js'
import { setUpHost, tearDownHost } from './host-setup.js'
import { clearInside, inNamespace, isolateContainer } from './isolate-container.js'
import { IsolatorError } from './isolator-error.js'
import { linkName } from './layout.js'
import { checkId, parseOptions, refuse, type IsolatorOptions, type PortMappingIsolatorOptions } from './options.js'
import { containerPlan, removalPlan } from './plan/container.js'
import { allPorts, type ContainerFacts } from './plan/facts.js'
import { hostPlan } from './plan/host.js'
import { PortOwners } from './port-owners.js'
import { checkPortPlan } from './port-policy.js'
import { PortRanges, type PortRange, type PortRangesInput } from './port-ranges.js'
import { refusePortsInUse } from './ports-in-use.js'
import { probe, type KernelFeatures } from './probe.js'
import { SlotAllocator } from './slot-allocator.js'
import { containerStatistics, withNumbers, type ResourceStatistics } from './statistics.js'
import { allOrNothing, type Undo } from './undo.js'

/** What a container is given. */
export interface IsolateOptions {
  /** Its network namespace: open, a path, a name in /run/netns, or the pid of a process in it. Not the host's. */
  netns: NetnsReference
  /** Its non-ephemeral ports, out of the isolator's `ports`. Default: none. Ends are inclusive. */
  ports?: PortRangesInput | undefined
}

/** An isolated container. */
export interface ContainerInfo {
  readonly id: string
  /** Its non-ephemeral ports. */
  readonly ports: readonly PortRange[]
  /** Its ephemeral ports, first and last. */
  readonly ephemeralPorts: PortRange
  /** The host's end of its veth pair; the handle of its namespace in /run/netns has the same name. */
  readonly link: string
  /** 1 to 4095; every name and handle in the kernel follows from it. */
  readonly slot: number
}

interface Container extends ContainerFacts {
  /** Settles when the container is there or has failed; later calls wait for it. */
  ready: Promise<unknown>
  /** The path of its namespace, for explain(). */
  reference: string
}

/**
 * Containers that share the host's one IP address, each with its own network namespace and ports: the isolator that
 * Apache Mesos calls `network/port_mapping`. Its only state is in the kernel.
 *
 * Needs CAP_NET_ADMIN and CAP_SYS_ADMIN in the user namespaces that own the host's and the containers' namespaces.
 */
export class PortMappingIsolator implements AsyncDisposable {
  readonly #host: HostContext
  readonly #options: IsolatorOptions
  readonly #record: HostRecord
  readonly #slots = new SlotAllocator()
  readonly #ephemeral: EphemeralAllocator
  readonly #owners = new PortOwners()
  readonly #containers = new Map<string, Container>()
  readonly #bySlot = new Map<number, Container>()

  private constructor(host: HostContext, options: IsolatorOptions, record: HostRecord) {
    this.#host = host
    this.#options = options
    this.#record = record
    this.#ephemeral = new EphemeralAllocator(options.ephemeralPorts, options.ephemeralPortsPerContainer)
  }

  /**
   * Prepares the host: checks the options against it and puts the static filters on the public and the loopback
   * interface. After a restart it finds them there and goes on.
   *
   * @throws IsolatorError ERR_INVALID_OPTION, ERR_PORTS_OVERLAP before anything is touched; ERR_FOREIGN_STATE where
   *   something else stands in the way; the host is as it was then
   */
  static async create(options: PortMappingIsolatorOptions): Promise<PortMappingIsolator> {
    const parsed = parseOptions(options)
    const netns = parsed.netns === undefined ? NetworkNamespace.current() : NetworkNamespace.resolve(parsed.netns)
    let rt: RtnetlinkSocket | undefined
    let sockets: SockDiagSocket | undefined
    try {
      rt = await RtnetlinkSocket.open({ netns })
      sockets = await SockDiagSocket.open({ netns })
      const facts = await readHostFacts(rt, netns, parsed)
      checkPortPlan({ ...parsed, hostEphemeralPorts: facts.ephemeralPorts, reserveHostPorts: false })
      const host = { netns, rt, sockets, facts }
      return new PortMappingIsolator(host, parsed, await setUpHost(host))
    } catch (error) {
      rt?.close()
      sockets?.close()
      netns.close()
      throw error
    }
  }

  /** What this kernel offers, tried out in a namespace made for the purpose. */
  static probe(): Promise<KernelFeatures> {
    return probe()
  }

  /**
   * Makes a container of a network namespace: the host's address on its eth0, its ports and no others. Resolves when
   * packets flow.
   *
   * @throws IsolatorError ERR_CONTAINER_EXISTS, ERR_PORTS_UNMANAGED, ERR_PORTS_OVERLAP, ERR_PORTS_IN_USE,
   *   ERR_PORTS_EXHAUSTED, ERR_INVALID_OPTION, ERR_FOREIGN_STATE; whatever was done is taken back
   */
  async isolate(id: string, options: IsolateOptions): Promise<ContainerInfo> {
    checkId(id)
    const ports = this.#checkPorts(id, options.ports)
    return allOrNothing(async undo => {
      const container = this.#reserve(id, ports, pathOf(options.netns), undo)
      const work = this.#isolate(container, options.netns, undo)
      container.ready = work.catch(() => undefined)
      await work
      return infoOf(container)
    })
  }

  /**
   * Takes a container away: its ways in, its veth, and the handle of its namespace. Its processes live on without a
   * network. False for an unknown id, as in Mesos.
   */
  async cleanup(id: string): Promise<boolean> {
    checkId(id)
    const container = this.#containers.get(id)
    if (!container) return false
    await container.ready
    if (this.#containers.get(id) !== container) return false
    const removal = this.#remove(container)
    container.ready = removal.catch(() => undefined)
    await removal
    this.#forget(container)
    return true
  }

  /** The containers, in the order they were isolated. */
  list(): ContainerInfo[] {
    return Array.from(this.#containers.values(), infoOf)
  }

  /** One container, undefined where the id is unknown. */
  get(id: string): ContainerInfo | undefined {
    const container = this.#containers.get(id)
    return container && infoOf(container)
  }

  /**
   * A container's statistics under Mesos's names, counted since it was isolated; as numbers, or with `bigint` exact
   * beyond 2^53.
   *
   * @throws IsolatorError ERR_CONTAINER_UNKNOWN
   */
  async usage(id: string, options: { bigint: true }): Promise<ResourceStatistics<bigint>>
  async usage(id: string, options?: { bigint?: false | undefined }): Promise<ResourceStatistics>
  async usage(id: string, { bigint = false }: { bigint?: boolean | undefined } = {}): Promise<ResourceStatistics<bigint> | ResourceStatistics> {
    const { slot, ready } = this.#known(id)
    await ready
    const { statistics } = await this.#host.rt.links.get(linkName(slot))
    if (!statistics) throw new Error(`the kernel gave no statistics for ${linkName(slot)}`)
    const exact = containerStatistics(statistics)
    return bigint ? exact : withNumbers(exact)
  }

  /**
   * The `ip`, `tc` and `sysctl` commands that make the same, one per line and in order: of a container, or without an
   * id of what `create()` put on the host.
   *
   * @throws IsolatorError ERR_CONTAINER_UNKNOWN
   */
  explain(id?: string): string[] {
    const { facts } = this.#host
    if (id === undefined) return explainHost(facts, hostPlan(facts, this.#record))
    const container = this.#known(id)
    return explainContainer(facts, container, containerPlan(facts, container, { fd: 0 }), container.reference)
  }

  /** Cleans every container up, takes everything off the host that `create()` put there, restores what it changed, and closes. */
  async destroy(): Promise<void> {
    for (const id of [...this.#containers.keys()]) await this.cleanup(id)
    await tearDownHost(this.#host, this.#record)
    await this.close()
  }

  /** Closes the sockets. Containers stay up; the next `create()` finds the host prepared. */
  close(): Promise<void> {
    this.#host.rt.close()
    this.#host.sockets.close()
    this.#host.netns.close()
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #checkPorts(id: string, input: PortRangesInput = []): PortRanges {
    const ports = PortRanges.from(input)
    const unmanaged = ports.subtract(this.#options.ports)
    if (unmanaged.size > 0) {
      throw new IsolatorError('ERR_PORTS_UNMANAGED', `'${id}' asks for ${unmanaged}, which are not among the ports ${this.#options.ports}`, {
        details: { ports: unmanaged.toString() },
      })
    }
    const taken = this.#owners.taken(ports)
    if (taken) {
      const { id: owner } = this.#inSlot(taken.slot)
      throw new IsolatorError('ERR_PORTS_OVERLAP', `'${id}' asks for port ${taken.port}, which '${owner}' has`, {
        details: { port: taken.port, id: owner },
      })
    }
    return ports
  }

  #reserve(id: string, ports: PortRanges, reference: string, undo: Undo): Container {
    if (this.#containers.has(id)) throw new IsolatorError('ERR_CONTAINER_EXISTS', `'${id}' is isolated already`, { details: { id } })
    const slot = this.#slots.allocate()
    let ephemeralPorts: PortRange
    try {
      ephemeralPorts = this.#ephemeral.allocate()
    } catch (error) {
      this.#slots.release(slot)
      throw error
    }
    const container: Container = { id, slot, ports, ephemeralPorts, ready: Promise.resolve(), reference }
    this.#enter(container)
    undo.push(() => {
      this.#forget(container)
    })
    return container
  }

  async #isolate(container: Container, reference: NetnsReference, undo: Undo): Promise<void> {
    const netns = NetworkNamespace.resolve(reference)
    undo.push(() => {
      netns.close()
    })
    if (netns.equals(this.#host.netns)) throw refuse('netns', String(reference), "a namespace of the container's own, not the host's")
    await refusePortsInUse(this.#host.sockets, container.id, allPorts(container))
    await isolateContainer(this.#host, container, netns, undo)
    netns.close()
  }

  async #remove({ slot, ...container }: Container): Promise<void> {
    const name = linkName(slot)
    await removeAll(this.#host.rt, removalPlan(this.#host.facts, { slot, ...container }))
    await inNamespace(name, clearInside)
    await NetworkNamespace.deleteName(name)
  }

  #enter(container: Container): void {
    this.#containers.set(container.id, container)
    this.#bySlot.set(container.slot, container)
    this.#owners.give(allPorts(container), container.slot)
  }

  #forget(container: Container): void {
    const { id, slot, ephemeralPorts } = container
    this.#containers.delete(id)
    this.#bySlot.delete(slot)
    this.#owners.take(allPorts(container))
    this.#ephemeral.release(ephemeralPorts)
    this.#slots.release(slot)
  }

  #inSlot(slot: number): Container {
    const container = this.#bySlot.get(slot)
    if (!container) throw new Error(`slot ${slot} has ports but no container`)
    return container
  }

  #known(id: string): Container {
    checkId(id)
    const container = this.#containers.get(id)
    if (container) return container
    throw new IsolatorError('ERR_CONTAINER_UNKNOWN', `'${id}' is not isolated here`, { details: { id } })
  }
}

const infoOf = ({ id, ports, ephemeralPorts, slot }: Container): ContainerInfo => ({
  id,
  ports: ports.toJSON(),
  ephemeralPorts,
  link: linkName(slot),
  slot,
})

/** Where others find the namespace: what explain() prints. */
function pathOf(reference: NetnsReference): string {
  if (typeof reference === 'number') return `/proc/${reference}/ns/net`
  if (typeof reference === 'string') return reference.includes('/') ? reference : `/run/netns/${reference}`
  return reference.name === undefined ? `/proc/${process.pid}/fd/${reference.fd}` : `/run/netns/${reference.name}`
}
