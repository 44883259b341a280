import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import {
  NetworkNamespace,
  type ContainerInfo,
  type ExecutorDescription,
  type PortMappingIsolator,
} from 'rtnetlink'
import { endInside, processesInside, startInside } from './processes.js'
import { SpecFolder, type ContainerSpec } from './spec.js'

/** How often it is looked whether containers have ended. */
const WATCH_MS = 500

/** A container: what was asked for, and what it was given. */
export interface RunningContainer extends ContainerSpec, Pick<ContainerInfo, 'link'> {
  given: Pick<ContainerInfo, 'ports' | 'ephemeralPorts'>
  pids: number[]
}

/** The processes that run in containers. One that has no process left is cleaned up. */
export class Containers {
  readonly #isolator: PortMappingIsolator
  readonly #workDir: string
  readonly #specs: SpecFolder
  readonly #byId = new Map<string, ContainerSpec>()
  /** Those that are being started or stopped. */
  readonly #busy = new Set<string>()
  /** The processes that this run of the agent started, by id: they may not have entered their namespace yet. */
  readonly #children = new Map<string, ChildProcess>()
  readonly #watch = setInterval(() => {
    this.#sweep().catch(console.error)
  }, WATCH_MS)

  constructor(isolator: PortMappingIsolator, workDir: string) {
    this.#isolator = isolator
    this.#workDir = workDir
    this.#specs = new SpecFolder(join(workDir, 'containers'))
  }

  /**
   * Finds the containers of an earlier run; to be called before any is started. Containers that this folder does not know
   * are another agent's, and keep running.
   */
  async recover(): Promise<{ recovered: string[]; unknown: string[]; ended: string[] }> {
    const specs = this.#specs.read()
    const { recovered, unknown, missing } = await this.#isolator.recover(specs.map(({ id }) => id))
    for (const spec of specs) if (recovered.includes(spec.id)) this.#byId.set(spec.id, spec)
    for (const id of missing) this.#specs.remove(id)
    const ended = await this.#sweep()
    return {
      recovered: [...this.#byId.keys()],
      unknown: [...unknown],
      ended: [...ended, ...missing],
    }
  }

  /** Makes a container and starts its command. Whatever fails, nothing of it stays. */
  async start(spec: ContainerSpec): Promise<RunningContainer> {
    const { id, command } = spec
    if (this.#busy.has(id) || this.#isolator.get(id))
      throw Object.assign(new Error(`'${id}' is there already`), { code: 'ERR_CONTAINER_EXISTS' })
    this.#busy.add(id)
    try {
      // The note comes first: the next run of the agent leaves a container alone that it has no note of.
      this.#specs.write(spec)
      const link = await this.#isolate(spec)
      this.#children.set(id, await startInside(link, command, join(this.#workDir, 'sandboxes', id)))
      this.#byId.set(id, spec)
      return this.#running(spec, processesInside([link]))
    } catch (error) {
      await this.#remove(id)
      throw error
    } finally {
      this.#busy.delete(id)
    }
  }

  /** Ends a container's processes and cleans it up. False for an unknown id. */
  async stop(id: string): Promise<boolean> {
    const link = this.#isolator.get(id)?.link
    if (!this.#byId.has(id) || link === undefined || this.#busy.has(id)) return false
    this.#busy.add(id)
    try {
      await endInside(link)
      await this.#remove(id)
      return true
    } finally {
      this.#busy.delete(id)
    }
  }

  list(): RunningContainer[] {
    const inside = processesInside(this.#isolator.list().map(({ link }) => link))
    return [...this.#byId.values()].map(spec => this.#running(spec, inside))
  }

  /** For the statistics endpoint. */
  description(id: string): ExecutorDescription {
    const { executor_name, framework_id, source } = this.#byId.get(id) ?? {}
    return { executor_id: id, executor_name, framework_id, source }
  }

  /** Likewise: what the agent knows and the isolator does not. */
  limits(id: string): { cpus_limit?: number } {
    const { cpus } = this.#byId.get(id) ?? {}
    return cpus === undefined ? {} : { cpus_limit: cpus }
  }

  /** Leaves the containers alone. */
  close(): void {
    clearInterval(this.#watch)
  }

  /** Makes a container of a new namespace, which the isolator's handle holds from then on. The name of its link. */
  async #isolate({ id, ports, cpus }: ContainerSpec): Promise<string> {
    const netns = await NetworkNamespace.create()
    try {
      const { link } = await this.#isolator.isolate(id, {
        netns,
        ...(ports !== undefined && { ports }),
        ...(cpus !== undefined && { cpus }),
      })
      return link
    } finally {
      netns.close()
    }
  }

  #running(spec: ContainerSpec, inside: ReadonlyMap<string, number[]>): RunningContainer {
    const { link = '', ports = [], ephemeralPorts = [0, 0] } = this.#isolator.get(spec.id) ?? {}
    return { ...spec, link, given: { ports, ephemeralPorts }, pids: inside.get(link) ?? [] }
  }

  /** Cleans up containers that have no process left; their ids. */
  async #sweep(): Promise<string[]> {
    const ended = this.list().filter(
      ({ id, pids }) => pids.length === 0 && !this.#busy.has(id) && hasEnded(this.#children.get(id)),
    )
    const ids = ended.map(({ id }) => id)
    for (const id of ids) this.#busy.add(id)
    try {
      for (const id of ids) await this.#remove(id)
    } finally {
      for (const id of ids) this.#busy.delete(id)
    }
    return ids
  }

  /** The container first: a note without one is taken for what it is. */
  async #remove(id: string): Promise<void> {
    await this.#isolator.cleanup(id)
    this.#specs.remove(id)
    this.#byId.delete(id)
    this.#children.delete(id)
  }
}

const hasEnded = (child: ChildProcess | undefined): boolean =>
  child === undefined || child.exitCode !== null || child.signalCode !== null
