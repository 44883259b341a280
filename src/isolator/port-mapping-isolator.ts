import { Calls } from './calls.js'
import { Cleanups } from './cleanups.js'
import { infoOf, type ContainerInfo } from './container/info.js'
import type { ContainerLimits } from './container/limits.js'
import { isNamespaceOf } from './container/namespace.js'
import { processesInside } from './container/processes-inside.js'
import { ContainerTable, type Container, type WantedContainer } from './container/table.js'
import type { Difference } from './health/difference.js'
import { explainContainer, explainHost, type HostSettings } from './explain.js'
import type { HostContext } from './host/context.js'
import { hostInfoOf, type HostInfo } from './host/info.js'
import { refuseExcluded } from './host/lock.js'
import { refuseSocketsOfHost } from './host/ports-in-use.js'
import { HostTurns } from './host/turns.js'
import type { HostRecord } from './layout/host-record.js'
import { followHost } from './health/follow-host.js'
import { Housekeeping, type Listener } from './health/housekeeping.js'
import { turnDuties } from './health/turn-duties.js'
import { isolate, type Isolation } from './container/isolate.js'
import { IsolatorError } from './isolator-error.js'
import { listening, type Gone, type IsolatorEvents } from './health/isolator-events.js'
import { inspect } from './inspection/inspect.js'
import type { Inspection } from './inspection/inspection.js'
import {
  takes,
  type InspectOptions,
  type ProbeOptions,
  type RecoverOptions,
  type RemoveOptions,
  type WatchOptions,
} from './options/arguments.js'
import {
  parseOptions,
  type ContainerOptions,
  type IsolateOptions,
  type IsolatorOptions,
  type PortMappingIsolatorOptions,
  type UpdateOptions,
} from './options/options.js'
import type { NetnsReference } from '../netns/network-namespace.js'
import { PortRanges, type PortRangesInput } from './ports/port-ranges.js'
import { prepareHost, type PreparedHost } from './prepare-host.js'
import { withLimitNamed } from './kernel/exhaustion.js'
import type { ContainerProcesses } from './kernel/processes.js'
import { probe, type KernelFeatures } from './kernel/probe.js'
import { followName } from './host/public-interface.js'
import { recover, type Recovery } from './recovery/recover.js'
import { isInTheWay } from './kernel/apply.js'
import { remove, removeWhole } from './removal/remove.js'
import type { Removal } from './removal/removal.js'
import { repair, type Repair } from './health/repair.js'
import { allWithNumbers, withNumbers, type ResourceStatistics } from './statistics/resource-statistics.js'
import { UsageReader } from './statistics/usage-reader.js'
import { updateContainer } from './container/update.js'
import { whileThere } from './container/while-there.js'
import { findFaults, type Scope } from './health/verify.js'
import { wantedContainer } from './container/wanted.js'

/**
 * Containers that share the host's one IP address, each with its own network namespace and ports: the isolator that
 * Apache Mesos calls `network/port_mapping`. Its only state is in the kernel.
 *
 * Needs CAP_NET_ADMIN and CAP_SYS_ADMIN in the user namespaces that own the host's and the containers' namespaces.
 *
 * Any number of isolators, in any processes, can work on one host: calls that look at or change the kernel's part of containers
 * take turns, but for `usage`, `usageAll` and `processes`. They throw IsolatorError ERR_HOST_BUSY where another is not through within 30 s.
 *
 * Once it is closed, every method but `off` and `close` throws IsolatorError ERR_ISOLATOR_CLOSED, or rejects with it.
 */
export class PortMappingIsolator implements AsyncDisposable {
  readonly #host: HostContext
  readonly #record: HostRecord
  readonly #settings: HostSettings
  readonly #limits: ContainerLimits
  readonly #containers: ContainerTable
  readonly #isolation: Isolation
  readonly #usage: UsageReader<Container>
  readonly #calls = new Calls(() => {
    followName(this.#host)
  })
  readonly #turns: HostTurns
  readonly #housekeeping: Housekeeping
  readonly #cleanups: Cleanups

  private constructor(options: IsolatorOptions, { host, record, settings, limits }: PreparedHost) {
    this.#host = host
    this.#record = record
    this.#settings = settings
    this.#limits = limits
    this.#containers = new ContainerTable(options)
    this.#isolation = { host, limits, containers: this.#containers }
    this.#housekeeping = new Housekeeping(host, this.#containers, {
      cleanup: container => this.#cleanups.ofOne(container),
      // Also while destroy() waits for the calls under way, of which one may wait for this.
      repair: () => this.#calls.run(() => this.#turns.change(() => this.#settled(undefined, repair))),
    })
    this.#turns = new HostTurns(host, turnDuties(host, this.#containers, this.#housekeeping))
    this.#cleanups = new Cleanups(host, this.#containers, this.#calls, this.#turns, this.#housekeeping)
    this.#usage = new UsageReader(host, this.#containers, options.statistics, this.#housekeeping.insideFailed)
  }

  /**
   * Prepares the host: checks the options against it and puts the static filters on the public and the loopback
   * interface. After a restart it finds them there and goes on.
   *
   * @throws IsolatorError ERR_INVALID_OPTION, ERR_PORTS_OVERLAP, ERR_NOT_PERMITTED before anything is touched;
   *   ERR_FOREIGN_STATE where something else stands in the way; the host is as it was then. ERR_HOST_BUSY where
   *   another is not through with this host within 30 s
   */
  static async create(options: PortMappingIsolatorOptions): Promise<PortMappingIsolator> {
    const parsed = parseOptions(options)
    return new PortMappingIsolator(parsed, await withLimitNamed(() => prepareHost(parsed)))
  }

  /**
   * What this kernel offers, tried out in a namespace made for the purpose, once it is known that the process may do what an
   * isolator does. Changes nothing else.
   *
   * @throws IsolatorError ERR_NOT_PERMITTED naming every right that is missing; ERR_INVALID_OPTION
   */
  static async probe(options: ProbeOptions = {}): Promise<KernelFeatures> {
    takes.probeOptions(options)
    return withLimitNamed(() => probe(options.netns))
  }

  /**
   * Reads what a host has of isolators: the containers, the host's part, and what of it is not as it should be. It needs no
   * options and no isolator, changes nothing, and can be called beside a running program or after a crash. The caller's own
   * namespace needs no privilege; another one needs CAP_SYS_ADMIN, to be entered.
   *
   * @throws IsolatorError ERR_INVALID_OPTION
   */
  static async inspect(options: InspectOptions = {}): Promise<Inspection> {
    takes.inspectOptions(options)
    return withLimitNamed(() => inspect(options.netns))
  }

  /**
   * Removes everything of isolators from a host, in whatever state it is, and restores what `create()` had noted; with `ids`
   * these containers alone. It needs no options of `create()` and no isolator. What is somebody else's is left alone. Programs
   * that have an isolator on the host have to be ended first: they would repair what goes.
   *
   * @throws IsolatorError ERR_INVALID_OPTION; ERR_HOST_BUSY where another is not through with this host within
   *   30 s. What could not be removed is in `left`
   */
  static async remove(options: RemoveOptions = {}): Promise<Removal> {
    takes.removeOptions(options)
    return withLimitNamed(() => remove(options.netns, options.ids))
  }

  /**
   * After a restart or a crash: finds the containers that are there, and removes what a crash left halfway. To be called
   * before anything is isolated. Complete containers keep running, with the ports they have, whatever the options are now;
   * those that the call does not name are removed with `unknown: 'remove'` alone.
   *
   * @param known ids of the containers that are to be there; `'all'` for every complete one
   * @param options.orphans ids of others that are to stay until `cleanup`
   * @param options.unknown `'remove'`: complete containers that are in neither list are removed. Default: `'keep'`
   * @throws IsolatorError ERR_INVALID_OPTION; ERR_CONTAINER_EXISTS where this isolator has containers already;
   *   ERR_FOREIGN_STATE where something else has changed what tells containers apart, before anything is touched
   */
  async recover(known: readonly string[] | 'all', options: RecoverOptions = {}): Promise<Recovery> {
    takes.recover(known)
    takes.recoverOptions(options)
    const { orphans = [], unknown = 'keep' } = options
    const { recovery, outdated, failures } = await this.#calls.recover(async () => {
      const { insideFailed } = this.#housekeeping
      return this.#turns.change(
        async () => {
          if (this.#containers.size === 0)
            return recover(this.#host, this.#containers, { known, orphans, unknown }, insideFailed)
          throw new IsolatorError(
            'ERR_CONTAINER_EXISTS',
            'recover() comes first: this isolator has containers already',
          )
        },
        { finishes: true },
      )
    })
    for (const error of failures) this.#housekeeping.failed(error)
    if (outdated) await this.#housekeeping.hostChanged()
    return recovery
  }

  /**
   * Makes a container of a network namespace: the host's address on its eth0, its ports and no others. Resolves when
   * packets flow.
   *
   * @throws IsolatorError ERR_CONTAINER_EXISTS, ERR_PORTS_UNMANAGED, ERR_PORTS_OVERLAP, ERR_PORTS_IN_USE,
   *   ERR_PORTS_EXHAUSTED, ERR_INVALID_OPTION, ERR_FOREIGN_STATE; whatever was done is taken back
   */
  async isolate(id: string, options: IsolateOptions): Promise<ContainerInfo> {
    takes.isolate(id)
    takes.isolateOptions(options)
    const wanted = wantedContainer(id, options, this.#limits)
    const [info] = await this.#isolateAll([wanted])
    return info as ContainerInfo
  }

  /**
   * The same for many containers in few batches: all of them, or none.
   *
   * @throws IsolatorError as `isolate`, for the first that cannot be
   */
  async isolateMany(containers: readonly ContainerOptions[]): Promise<ContainerInfo[]> {
    takes.isolateMany(containers)
    return this.#isolateAll(
      containers.map(({ id, ...options }) => wantedContainer(id, options, this.#limits)),
    )
  }

  /**
   * Changes a container's ports and limits while its traffic flows: what stays the same is not touched, and what is new
   * is there before what is old goes.
   *
   * @throws IsolatorError ERR_CONTAINER_UNKNOWN, ERR_PORTS_UNMANAGED, ERR_PORTS_OVERLAP, ERR_PORTS_IN_USE,
   *   ERR_INVALID_OPTION; whatever was done is taken back
   */
  async update(id: string, options: UpdateOptions): Promise<ContainerInfo> {
    takes.update(id)
    takes.updateOptions(options)
    const ports = options.ports === undefined ? undefined : PortRanges.from(options.ports)
    return this.#calls.run(() =>
      this.#turns.change(
        async () => {
          const container = this.#containers.known(id)
          await this.#calls.afterwards([container], async () => {
            this.#containers.checkHas(container)
            const change = {
              ports: ports ?? container.ports,
              ...this.#limits.ofUpdated(container, options),
            }
            await this.#limits.refuseUnfitKernel([change])
            const { insideFailed } = this.#housekeeping
            await updateContainer(this.#host, this.#containers, container, change, insideFailed)
          })
          return infoOf(container)
        },
        { isInTheWay },
      ),
    )
  }

  /**
   * Looks whether `isolate` would refuse these ports since the host has a socket on one, whoever has the ports now: before a container
   * goes whose ports another one is to get. Does nothing with `hostSockets: 'ignore'`.
   *
   * @param id whose ports they are to be, for the error's message
   * @throws IsolatorError ERR_PORTS_IN_USE then; ERR_INVALID_OPTION
   */
  async refuseHostSockets(id: string, ports: PortRangesInput): Promise<void> {
    takes.refuseHostSockets(id)
    takes.refuseHostSocketsPorts(ports)
    const wanted = { id, ports: PortRanges.from(ports) }
    await this.#calls.run(() => refuseSocketsOfHost(this.#host, wanted))
  }

  /**
   * Takes a container away: its ways in, its veth, and the handle of its namespace. Its processes live on without a
   * network. What cannot be removed inside it stays, and is reported as `insideError`. False for an unknown id, as in Mesos.
   *
   * @throws IsolatorError ERR_NOT_REMOVED if the host's part of it could not be removed, which is tried again
   */
  async cleanup(id: string): Promise<boolean> {
    takes.cleanup(id)
    return (await this.#cleanups.ofIds([id])).has(id)
  }

  /**
   * The same for many containers, in a fraction of the time: the kernel lets go of their links together. Answers for each
   * id whether there was a container.
   *
   * @throws IsolatorError ERR_NOT_REMOVED naming those that could not be removed, which is tried again; the others are gone
   */
  async cleanupMany(ids: readonly string[]): Promise<boolean[]> {
    takes.cleanupMany(ids)
    const gone = await this.#cleanups.ofIds(ids)
    return ids.map(id => gone.has(id))
  }

  /** The host side: which interface and address are shared, and what containers have from there. */
  get host(): HostInfo {
    this.#calls.refuseOnceClosed()
    followName(this.#host)
    return hostInfoOf(this.#host.facts)
  }

  /** The containers, in the order they were isolated. */
  list(): ContainerInfo[] {
    this.#calls.refuseOnceClosed()
    return Array.from(this.#containers, infoOf)
  }

  /** One container, undefined where the id is unknown. */
  get(id: string): ContainerInfo | undefined {
    takes.get(id)
    this.#calls.refuseOnceClosed()
    const container = this.#containers.get(id)
    return container && infoOf(container)
  }

  /**
   * Whether a container's namespace is the one that `netns` names: the same id can be asked for again with the namespace that it
   * has, or with another. Needs no process inside, and holds after `recover()` too.
   *
   * @param netns open, a path, a name in /run/netns, or the pid of a process in it
   * @throws IsolatorError ERR_CONTAINER_UNKNOWN; ERR_INVALID_OPTION if `netns` leads to no namespace
   */
  async isIn(id: string, netns: NetnsReference): Promise<boolean> {
    takes.isIn(id)
    takes.isInNetns(netns)
    return this.#calls.run(async () => {
      await this.#turns.begun()
      return whileThere(this.#containers, this.#containers.known(id), container =>
        isNamespaceOf(this.#host, container, netns),
      )
    })
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
    options: { bigint?: boolean | undefined } = {},
  ): Promise<ResourceStatistics<bigint> | ResourceStatistics> {
    takes.usage(id)
    takes.usageOptions(options)
    const exact = await this.#calls.run(async () => {
      await this.#turns.begun()
      return whileThere(this.#containers, this.#containers.known(id), one => this.#usage.read(one))
    })
    return options.bigint ? exact : withNumbers(exact)
  }

  /**
   * The same of all containers, by id, in the order they were isolated. Those that go away meanwhile are left out.
   * Reads the counters of all of them at once, and looks into 16 containers at a time.
   */
  async usageAll(options: { bigint: true }): Promise<Map<string, ResourceStatistics<bigint>>>
  async usageAll(options?: { bigint?: false | undefined }): Promise<Map<string, ResourceStatistics>>
  async usageAll(
    options: { bigint?: boolean | undefined } = {},
  ): Promise<Map<string, ResourceStatistics<bigint> | ResourceStatistics>> {
    takes.usageAllOptions(options)
    const exact = await this.#calls.run(async () => {
      await this.#turns.begun()
      await Promise.all(Array.from(this.#containers, ({ settled }) => settled))
      return this.#usage.readAll([...this.#containers])
    })
    return options.bigint ? exact : allWithNumbers(exact)
  }

  /**
   * The processes in each container, by id, in the order they were isolated. Those that go away meanwhile are left out. Costs one
   * question to the kernel for each process on the machine and for each container. Needs no right over the processes.
   */
  async processes(): Promise<Map<string, ContainerProcesses>> {
    return this.#calls.run(async () => {
      await this.#turns.begun()
      await Promise.all(Array.from(this.#containers, ({ settled }) => settled))
      const containers = [...this.#containers]
      const found = await processesInside(this.#host, containers)
      for (const container of containers) if (!this.#containers.has(container)) found.delete(container.id)
      return found
    })
  }

  /**
   * What in the kernel is not as planned: of a container, or without an id of the host's own part and of all containers.
   * Empty when all is sound. That includes what a container has changed inside its own namespace. With an id the cost does not
   * depend on how many containers there are; filters on the host's interfaces that nobody has planned belong to the host's part.
   *
   * @throws IsolatorError ERR_CONTAINER_UNKNOWN
   */
  async verify(id?: string): Promise<Difference[]> {
    if (id !== undefined) takes.verify(id)
    const faults = await this.#calls.run(() => this.#turns.look(() => this.#settled(id, findFaults)))
    return faults.map(({ difference }) => difference)
  }

  /**
   * Puts right what `verify` finds, and nothing else, while traffic flows; what is somebody else's is left as it is.
   *
   * @throws IsolatorError ERR_CONTAINER_UNKNOWN
   */
  async repair(id?: string): Promise<Repair> {
    if (id !== undefined) takes.repair(id)
    return this.#calls.add(async () => {
      const result = await this.#turns.change(() => this.#settled(id, repair))
      // One container has been made to fit the host as it is now: the rest is to follow.
      if (id !== undefined) await followHost(this.#host, this.#housekeeping)
      return result
    })
  }

  /**
   * Calls `listener` at each event. From the first call on, or the first of `watch`, changes of the host's links are
   * followed, and of its routes: a container that has deleted its interface, or whose process has ended, is cleaned up, and
   * what depends on the public interface or on routes is repaired when that gets another MAC or MTU, or these change.
   */
  on<Name extends keyof IsolatorEvents>(event: Name, listener: Listener<Name>): this {
    listening.on.event(event)
    listening.on.listener(listener)
    this.#calls.refuseOnceClosed()
    this.#housekeeping.on(event, listener)
    return this
  }

  /** Takes a listener back. */
  off<Name extends keyof IsolatorEvents>(event: Name, listener: Listener<Name>): this {
    listening.off.event(event)
    listening.off.listener(listener)
    this.#housekeeping.off(event, listener)
    return this
  }

  /**
   * Resolves when a container is gone: cleaned up, without its interface, or without its process; what is
   * left of it is cleaned up by then. Rejects when the isolator is closed before.
   *
   * @throws IsolatorError ERR_CONTAINER_UNKNOWN
   */
  async watch(id: string, options: WatchOptions = {}): Promise<Gone> {
    takes.watch(id)
    takes.watchOptions(options)
    const watched = await this.#calls.run(async () => {
      await this.#turns.begun()
      return { gone: this.#housekeeping.watch(this.#containers.known(id), options.signal) }
    })
    return watched.gone
  }

  /**
   * The `ip`, `tc` and `sysctl` commands that make the same, one per line and in order: of a container, or without an
   * id of what `create()` put on the host.
   *
   * @throws IsolatorError ERR_CONTAINER_UNKNOWN
   */
  explain(id?: string): string[] {
    this.#calls.refuseOnceClosed()
    followName(this.#host)
    const { facts } = this.#host
    if (id === undefined) {
      const slots = Array.from(this.#containers, ({ slot }) => slot)
      return explainHost(facts, this.#record, this.#settings, slots)
    }
    takes.explain(id)
    return explainContainer(facts, this.#containers.known(id))
  }

  /**
   * Cleans every container up, those of an earlier run too, takes everything off the host that `create()` put there,
   * restores what it changed, and closes.
   *
   * @throws IsolatorError ERR_HOST_BUSY where another is not through with this host within 30 s, or is `exclusive`
   */
  async destroy(): Promise<void> {
    await this.#calls.end(async () => {
      if (!this.#host.exclusive) refuseExcluded(this.#host.netns)
      await this.#turns.change(() => this.#cleanups.ofAll())
      // What changes from here on is not to be put right again. Not within a turn: it waits for a repair, which may wait for its own.
      await this.#housekeeping.close()
      await this.#turns.change(async () => {
        await removeWhole(this.#host, this.#record, this.#housekeeping.insideFailed)
        // Whoever waits for the host gets it now, and is not kept out any more.
        this.#host.exclusive?.close()
      })
    })
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
    await this.#turns.idle()
    const { rt, sockets, links, netns, exclusive } = this.#host
    links.close()
    // Whoever creates another at once finds the descriptors free.
    await Promise.all([rt, sockets].map(socket => socket[Symbol.asyncDispose]()))
    netns.close()
    exclusive?.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #isolateAll(wanted: readonly WantedContainer[]): Promise<ContainerInfo[]> {
    return this.#calls.add(async () => {
      const added = await this.#turns.change(() => isolate(this.#isolation, wanted), { isInTheWay })
      for (const container of added) this.#housekeeping.made(container)
      // In a turn of its own: see HostTurns.
      await followHost(this.#host, this.#housekeeping)
      return added.map(infoOf)
    })
  }

  /** Does something with containers that no other call is changing meanwhile: with one, or without an id with all. */
  #settled<T>(id: string | undefined, work: (scope: Scope) => Promise<T>): Promise<T> {
    return this.#calls.settled(this.#containers, id, containers =>
      work({
        ...{ host: this.#host, record: this.#record, table: this.#containers },
        ...{ containers, whole: id === undefined },
      }),
    )
  }
}
