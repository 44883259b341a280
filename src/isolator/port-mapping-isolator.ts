import { referencePath, type NetnsReference } from '../netns/network-namespace.js'
import { aloneOnHost } from './host-lock.js'
import { prepareHost, type PreparedHost } from './prepare-host.js'
import { refuseKernelWithoutLimits } from './kernel-requirements.js'
import { Calls } from './calls.js'
import { removeContainer, removeContainers } from './remove-containers.js'
import { ContainerTable, type Container, type NewContainer } from './container-table.js'
import { explainContainer, explainHost } from './explain.js'
import type { HostContext } from './host-context.js'
import type { HostRecord } from './host-record.js'
import { tearDownHost } from './host-setup.js'
import { isolateNamespaces, type Newcomer } from './isolate-namespaces.js'
import { IsolatorError } from './isolator-error.js'
import { linkName } from './layout.js'
import type { ContainerLimits } from './container-limits.js'
import { updateContainer } from './update-container.js'
import { processOf } from './process.js'
import { checkId, checkIds, refuse } from './option-checks.js'
import {
  checkIsolateOptions,
  checkUpdateOptions,
  parseOptions,
  type IsolateOptions,
  type IsolatorOptions,
  type PortMappingIsolatorOptions,
  type UpdateOptions,
} from './options.js'
import { containerPlan } from './plan/container.js'
import { hostPlan } from './plan/host.js'
import { PortRanges, type PortRange } from './port-ranges.js'
import { portsOfHost } from './ports-in-use.js'
import type { RateLimit } from './rate-limit.js'
import { probe, type KernelFeatures } from './probe.js'
import { allWithNumbers, withNumbers, type ResourceStatistics } from './statistics/resource-statistics.js'
import { UsageReader } from './statistics/usage-reader.js'
import { recover, type Recovery } from './recover.js'
import { repair, type Repair } from './repair.js'
import { findFaults, type Scope } from './verify.js'
import type { Difference } from './difference.js'
import { allOrNothing } from './undo.js'
import { Housekeeping, type Listener } from './housekeeping.js'
import type { Gone, IsolatorEvents } from './isolator-events.js'

export type { IsolateOptions, UpdateOptions } from './options.js'

export type { Difference } from './difference.js'
export type { Gone, IsolatorEvents } from './isolator-events.js'
export type { Recovery } from './recover.js'
export type { Repair } from './repair.js'

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
  /** What it may send, and receive, at most; absent where it is not limited. */
  readonly egress?: RateLimit
  readonly ingress?: RateLimit
}

/** A container that is asked for, and its namespace. */
type Wanted = NewContainer & { readonly netns: NetnsReference }

/** Namespaces that isolateMany holds open at a time. */
const ISOLATED_AT_ONCE = 128

/**
 * Containers that share the host's one IP address, each with its own network namespace and ports: the isolator that
 * Apache Mesos calls `network/port_mapping`. Its only state is in the kernel.
 *
 * Needs CAP_NET_ADMIN and CAP_SYS_ADMIN in the user namespaces that own the host's and the containers' namespaces.
 */
export class PortMappingIsolator implements AsyncDisposable {
  readonly #host: HostContext
  readonly #record: HostRecord
  readonly #limits: ContainerLimits
  /** Whether the host's own connections may have managed ports. */
  readonly #sharesPorts: boolean
  readonly #containers: ContainerTable
  /** Whether the kernel is known to have what limits need. */
  #hasLimits: boolean
  readonly #usage: UsageReader<Container>
  readonly #calls = new Calls()
  readonly #housekeeping: Housekeeping

  private constructor(options: IsolatorOptions, { host, record, limits }: PreparedHost) {
    this.#host = host
    this.#record = record
    this.#limits = limits
    this.#sharesPorts = options.reserveHostPorts
    this.#hasLimits = limits.any
    this.#containers = new ContainerTable(options)
    this.#housekeeping = new Housekeeping(host, this.#containers, {
      cleanup: id => this.cleanup(id),
      // Also while destroy() waits for the calls under way, of which one may wait for this.
      repair: () => this.#calls.run(() => this.#settled(undefined, repair)),
    })
    this.#usage = new UsageReader(host.rt, this.#containers, options.statistics)
  }

  /**
   * Prepares the host: checks the options against it and puts the static filters on the public and the loopback
   * interface. After a restart it finds them there and goes on.
   *
   * @throws IsolatorError ERR_INVALID_OPTION, ERR_PORTS_OVERLAP before anything is touched; ERR_FOREIGN_STATE where
   *   something else stands in the way; the host is as it was then. ERR_HOST_BUSY where another create() or destroy()
   *   on the same host has not ended for 30 s
   */
  static async create(options: PortMappingIsolatorOptions): Promise<PortMappingIsolator> {
    const parsed = parseOptions(options)
    return new PortMappingIsolator(parsed, await prepareHost(parsed))
  }

  /** What this kernel offers, tried out in a namespace made for the purpose. */
  static probe(): Promise<KernelFeatures> {
    return probe()
  }

  /**
   * After a restart or a crash: finds the containers that are there and takes away what nobody knows, or what an earlier
   * run left halfway. To be called before anything is isolated. Containers go on undisturbed, with the ports they have,
   * whatever the options are now.
   *
   * @param known ids of the containers that are to be there
   * @param options.orphans ids of others that are to stay until `cleanup`
   * @throws IsolatorError ERR_INVALID_OPTION; ERR_CONTAINER_EXISTS where this isolator has containers already;
   *   ERR_FOREIGN_STATE where something else has changed what tells containers apart, before anything is touched
   */
  async recover(
    known: readonly string[],
    { orphans = [] }: { orphans?: readonly string[] | undefined } = {},
  ): Promise<Recovery> {
    checkIds(known, 'known')
    checkIds(orphans, 'orphans')
    return this.#calls.recover(async () => {
      if (this.#containers.size === 0) return recover(this.#host, this.#containers, known, orphans)
      throw new IsolatorError(
        'ERR_CONTAINER_EXISTS',
        'recover() comes first: this isolator has containers already',
      )
    })
  }

  /**
   * Makes a container of a network namespace: the host's address on its eth0, its ports and no others. Resolves when
   * packets flow.
   *
   * @throws IsolatorError ERR_CONTAINER_EXISTS, ERR_PORTS_UNMANAGED, ERR_PORTS_OVERLAP, ERR_PORTS_IN_USE,
   *   ERR_PORTS_EXHAUSTED, ERR_INVALID_OPTION, ERR_FOREIGN_STATE; whatever was done is taken back
   */
  async isolate(id: string, options: IsolateOptions): Promise<ContainerInfo> {
    const wanted = this.#wanted(id, options)
    const [info] = await this.#calls.add(() => this.#isolateAll([wanted]))
    return info as ContainerInfo
  }

  /**
   * The same for many containers in few batches: all of them, or none.
   *
   * @throws IsolatorError as `isolate`, for the first that cannot be
   */
  async isolateMany(
    containers: readonly (IsolateOptions & { readonly id: string })[],
  ): Promise<ContainerInfo[]> {
    const wanted = containers.map(({ id, ...options }) => this.#wanted(id, options))
    return this.#calls.add(() => this.#isolateAll(wanted))
  }

  /**
   * Changes a container's ports and limits while its traffic flows: what stays the same is not touched, and what is new
   * is there before what is old goes.
   *
   * @throws IsolatorError ERR_CONTAINER_UNKNOWN, ERR_PORTS_UNMANAGED, ERR_PORTS_OVERLAP, ERR_PORTS_IN_USE,
   *   ERR_INVALID_OPTION; whatever was done is taken back
   */
  async update(id: string, options: UpdateOptions): Promise<ContainerInfo> {
    checkId(id)
    checkUpdateOptions(options)
    const ports = options.ports === undefined ? undefined : PortRanges.from(options.ports)
    return this.#calls.run(async () => {
      const container = this.#known(id)
      await this.#calls.afterwards([container], async () => {
        this.#checkThere(container)
        const change = { ports: ports ?? container.ports, ...this.#limits.ofUpdated(container, options) }
        if (isLimited(change)) await this.#checkLimits()
        await updateContainer(this.#host, this.#containers, container, change)
      })
      return infoOf(container)
    })
  }

  /**
   * Takes a container away: its ways in, its veth, and the handle of its namespace. Its processes live on without a
   * network. False for an unknown id, as in Mesos.
   */
  async cleanup(id: string): Promise<boolean> {
    checkId(id)
    return this.#calls.run(async () => {
      const container = this.#containers.get(id)
      if (!container) return false
      return this.#calls.afterwards([container], async () => {
        // The call under way may have been what removed it, or failed to make it.
        if (!this.#isThere(container)) return false
        await removeContainer(this.#host, container)
        this.#forget(container)
        return true
      })
    })
  }

  /**
   * The same for many containers, in a fraction of the time: the kernel lets go of their links together. Answers for each
   * id whether there was a container.
   */
  async cleanupMany(ids: readonly string[]): Promise<boolean[]> {
    checkIds(ids, 'ids')
    const gone = await this.#calls.run(() =>
      this.#cleanUp([...new Set(ids)].flatMap(id => this.#containers.get(id) ?? [])),
    )
    return ids.map(id => gone.has(id))
  }

  /** The containers, in the order they were isolated. */
  list(): ContainerInfo[] {
    return Array.from(this.#containers, infoOf)
  }

  /** One container, undefined where the id is unknown. */
  get(id: string): ContainerInfo | undefined {
    const container = this.#containers.get(id)
    return container && infoOf(container)
  }

  /**
   * A container's statistics under Mesos's names, counted since it was isolated; as numbers, or with `bigint` exact
   * beyond 2^53. docs/isolator.md says where each comes from and what it costs.
   *
   * @throws IsolatorError ERR_CONTAINER_UNKNOWN
   */
  async usage(id: string, options: { bigint: true }): Promise<ResourceStatistics<bigint>>
  async usage(id: string, options?: { bigint?: false | undefined }): Promise<ResourceStatistics>
  async usage(
    id: string,
    { bigint = false }: { bigint?: boolean | undefined } = {},
  ): Promise<ResourceStatistics<bigint> | ResourceStatistics> {
    return this.#calls.run(async () => {
      const container = this.#known(id)
      await container.settled
      try {
        this.#checkThere(container)
        const exact = await this.#usage.read(container)
        return bigint ? exact : withNumbers(exact)
      } catch (error) {
        // A cleanup that came in between explains whatever is missing.
        await container.settled
        this.#checkThere(container)
        throw error
      }
    })
  }

  /**
   * The same of all containers, by id, in the order they were isolated. Those that go away meanwhile are left out.
   * Reads the counters of all of them at once, and looks into 16 containers at a time.
   */
  async usageAll(options: { bigint: true }): Promise<Map<string, ResourceStatistics<bigint>>>
  async usageAll(options?: { bigint?: false | undefined }): Promise<Map<string, ResourceStatistics>>
  async usageAll({ bigint = false }: { bigint?: boolean | undefined } = {}): Promise<
    Map<string, ResourceStatistics<bigint> | ResourceStatistics>
  > {
    return this.#calls.run(async () => {
      await Promise.all(Array.from(this.#containers, ({ settled }) => settled))
      const exact = await this.#usage.readAll([...this.#containers])
      return bigint ? exact : allWithNumbers(exact)
    })
  }

  /**
   * What in the kernel is not as planned: of a container, or without an id of the host's own part and of all containers.
   * Empty when all is sound. What a container has changed inside its own namespace is told too.
   *
   * @throws IsolatorError ERR_CONTAINER_UNKNOWN
   */
  async verify(id?: string): Promise<Difference[]> {
    const faults = await this.#calls.run(() => this.#settled(id, findFaults))
    return faults.map(({ difference }) => difference)
  }

  /**
   * Puts right what `verify` finds, and nothing else, while traffic flows; what is somebody else's is left as it is.
   *
   * @throws IsolatorError ERR_CONTAINER_UNKNOWN
   */
  repair(id?: string): Promise<Repair> {
    return this.#calls.add(() => this.#settled(id, repair))
  }

  /**
   * Calls `listener` at each event. From the first call on, or the first of `watch`, changes of the host's links are
   * followed: a container that has deleted its interface, or whose process has ended, is cleaned up, and what depends on the public interface is
   * repaired when that gets another MAC or MTU.
   */
  on<Name extends keyof IsolatorEvents>(event: Name, listener: Listener<Name>): this {
    this.#housekeeping.on(event, listener)
    return this
  }

  /** Takes a listener back. */
  off<Name extends keyof IsolatorEvents>(event: Name, listener: Listener<Name>): this {
    this.#housekeeping.off(event, listener)
    return this
  }

  /**
   * Resolves when a container is gone: cleaned up, without its interface, or, within a second, without its process; what is
   * left of it is cleaned up by then. Rejects when the isolator is closed before.
   *
   * @throws IsolatorError ERR_CONTAINER_UNKNOWN
   */
  async watch(id: string, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<Gone> {
    const watched = await this.#calls.run(() =>
      Promise.resolve({ gone: this.#housekeeping.watch(this.#known(id), signal) }),
    )
    return watched.gone
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

  /**
   * Cleans every container up, those of an earlier run too, takes everything off the host that `create()` put there,
   * restores what it changed, and closes.
   *
   * @throws IsolatorError ERR_HOST_BUSY where another create() or destroy() on the same host has not ended for 30 s
   */
  async destroy(): Promise<void> {
    await this.#calls.end(() =>
      aloneOnHost(this.#host.netns, async () => {
        await this.#cleanUp([...this.#containers])
        await recover(this.#host, this.#containers, [], [])
        // What changes from here on is not to be put right again.
        await this.#housekeeping.close()
        await tearDownHost(this.#host, this.#record)
      }),
    )
    await this.close()
  }

  /**
   * Closes the sockets, once the calls under way are through; later ones are refused. Containers stay up; the next
   * `create()` finds the host prepared.
   */
  async close(): Promise<void> {
    const kept = this.#housekeeping.close()
    this.#usage.close()
    await this.#calls.close()
    await kept
    this.#host.rt.close()
    this.#host.sockets.close()
    this.#host.netns.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #isolateAll(wanted: readonly Wanted[]): Promise<ContainerInfo[]> {
    if (wanted.some(isLimited)) await this.#checkLimits()
    const inUse = this.#sharesPorts ? await portsOfHost(this.#host.sockets) : undefined
    const added: Newcomer[] = []
    const work = allOrNothing(async undo => {
      for (const { netns, ...options } of wanted) {
        const container = this.#containers.add(options, inUse)
        undo.push(() => {
          this.#containers.remove(container)
        })
        added.push({ container, netns })
      }
      for (let i = 0; i < added.length; i += ISOLATED_AT_ONCE)
        await isolateNamespaces(this.#host, this.#containers, added.slice(i, i + ISOLATED_AT_ONCE), undo)
    })
    for (const { container } of added) container.settled = work.catch(() => undefined)
    await work
    for (const { container } of added) this.#housekeeping.made(container)
    return added.map(({ container }) => infoOf(container))
  }

  /** Limits can come with a call alone: whether the kernel has what they need is asked with the first one. */
  async #checkLimits(): Promise<void> {
    if (this.#hasLimits) return
    await refuseKernelWithoutLimits(this.#host.facts.bloatReduction)
    this.#hasLimits = true
  }

  /** Takes containers away, of those that are still there by then. Gives their ids. */
  #cleanUp(containers: readonly Container[]): Promise<ReadonlySet<string>> {
    return this.#calls.afterwards(containers, async () => {
      const there = containers.filter(container => this.#isThere(container))
      if (there.length > 0) await removeContainers(this.#host, there)
      for (const container of there) this.#forget(container)
      return new Set(there.map(({ id }) => id))
    })
  }

  /** Notes that a container has been taken away. */
  #forget(container: Container): void {
    this.#containers.remove(container)
    this.#housekeeping.gone(container)
  }

  #wanted(id: string, options: IsolateOptions): Wanted {
    checkId(id)
    const {
      netns,
      ports = [],
      pid = typeof netns === 'number' ? netns : undefined,
    } = checkIsolateOptions(options)
    const process = pid === undefined ? undefined : processOf(pid)
    if (options.pid !== undefined && !process) throw refuse('pid', pid, 'the pid of a process that is alive')
    const limits = this.#limits.ofNew(options)
    return { id, netns, process, ports: PortRanges.from(ports), reference: referencePath(netns), ...limits }
  }

  /** Does something with containers that no other call is changing meanwhile: with one, or without an id with all. */
  async #settled<T>(id: string | undefined, work: (scope: Scope) => Promise<T>): Promise<T> {
    const wanted = id === undefined ? [...this.#containers] : [this.#known(id)]
    return this.#calls.afterwards(wanted, () => {
      if (id !== undefined) for (const container of wanted) this.#checkThere(container)
      const containers = wanted.filter(container => this.#isThere(container))
      return work({
        host: this.#host,
        record: this.#record,
        containers,
        whole: id === undefined,
        isTaken: slot => this.#containers.inSlot(slot) !== undefined,
      })
    })
  }

  #known(id: string): Container {
    checkId(id)
    const container = this.#containers.get(id)
    if (container) return container
    throw unknown(id)
  }

  /** Whether a container is still there: its id may be another's by now. */
  #isThere(container: Container): boolean {
    return this.#containers.get(container.id) === container
  }

  #checkThere(container: Container): void {
    if (!this.#isThere(container)) throw unknown(container.id)
  }
}

const unknown = (id: string): IsolatorError =>
  new IsolatorError('ERR_CONTAINER_UNKNOWN', `'${id}' is not isolated here`, { details: { id } })

const isLimited = ({ egress, ingress }: Pick<Container, 'egress' | 'ingress'>): boolean =>
  egress !== undefined || ingress !== undefined

const infoOf = ({ id, ports, ephemeralPorts, slot, egress, ingress }: Container): ContainerInfo => ({
  id,
  ports: ports.toJSON(),
  ephemeralPorts,
  link: linkName(slot),
  slot,
  ...(egress && { egress }),
  ...(ingress && { ingress }),
})
