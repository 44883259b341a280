import { setTimeout as sleep } from 'node:timers/promises'
import {
  PortMappingIsolator,
  type Gone,
  type HostSocket,
  type IsolatorError,
  type PortMappingIsolatorOptions,
  type Repair,
  type ResourceStatistics,
} from 'rtnetlink'
import { isolatorsOfOneCall } from '../plug-in/isolators-of-one-call.js'
import type { Isolators } from '../plug-in/isolators.js'
import { CniError, CODE } from '../spec/cni-error.js'
import { firstDifference } from './first-difference.js'

/** Between two attempts to create the isolator, ms: twice as long each time. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [500, 30_000]

/** What the daemon does on these occasions. */
export interface Reports {
  /** The isolator is there, with these containers of an earlier run. */
  ready(containers: readonly string[]): void
  /** It could not be created, and is tried again. */
  notYet(error: Error, pauseMs: number): void
  gone(gone: Gone): void
  repaired(repair: Repair): void
  insideError(error: IsolatorError): void
  hostSocket(socket: HostSocket): void
  error(error: Error): void
}

/**
 * The one isolator of a daemon, which keeps others off the host. Until it can be created (its interface may come later than the
 * daemon) an ADD gets code 11, try again later, and a DEL works without it.
 */
export class HeldIsolator implements Isolators {
  readonly options: PortMappingIsolatorOptions
  readonly #reports: Reports
  readonly #end = new AbortController()
  #starting: Promise<void> = Promise.resolve()
  #tried: () => void = () => undefined
  /** Resolves once it was tried to create the isolator: calls wait for that, and not for a second attempt. */
  readonly attempt = new Promise<void>(resolve => {
    this.#tried = resolve
  })
  /** The attempt that is under way: it keeps others off the host, this process included. */
  #underWay: Promise<unknown> = Promise.resolve()
  #isolator: PortMappingIsolator | undefined
  /** Why it is not there. */
  #reason = 'it is starting'
  /** What the last repair could not put right. */
  #left: Repair['left'] = []

  constructor(options: PortMappingIsolatorOptions, reports: Reports) {
    this.options = { ...options, exclusive: true }
    this.#reports = reports
  }

  /** Begins to create the isolator, once. Before, nothing of the host is touched, and calls wait. */
  start(): void {
    this.#starting = this.#keepTrying()
  }

  /** Why an ADD would be refused now; undefined where it would not. */
  get reason(): string | undefined {
    return this.#isolator ? undefined : this.#reason
  }

  /** The containers that it has; none while it is not there. */
  list(): ReturnType<PortMappingIsolator['list']> {
    return this.#isolator?.list() ?? []
  }

  /** As PortMappingIsolator.processes; nothing while the isolator is not there. */
  async processes(): ReturnType<PortMappingIsolator['processes']> {
    return this.#isolator ? this.#isolator.processes() : new Map()
  }

  /** As PortMappingIsolator.usageAll; nothing while the isolator is not there. */
  async usageAll(options: { bigint: true }): Promise<Map<string, ResourceStatistics<bigint>>>
  async usageAll(options?: { bigint?: false | undefined }): Promise<Map<string, ResourceStatistics>>
  async usageAll(
    options: { bigint?: boolean | undefined } = {},
  ): Promise<Map<string, ResourceStatistics<bigint> | ResourceStatistics>> {
    if (!this.#isolator) return new Map()
    return options.bigint ? this.#isolator.usageAll({ bigint: true }) : this.#isolator.usageAll()
  }

  async use<T>(
    options: PortMappingIsolatorOptions,
    _knows: 'all' | 'none',
    work: (isolator: PortMappingIsolator) => Promise<T>,
  ): Promise<T> {
    this.#refuseOther(options)
    await this.attempt
    if (!this.#isolator) throw new CniError(CODE.tryAgainLater, `rtnetlinkd has no isolator: ${this.#reason}`)
    return work(this.#isolator)
  }

  async remove(ids: readonly string[]): Promise<void> {
    await this.attempt
    await this.#underWay
    if (this.#isolator) await this.#isolator.cleanupMany(ids)
    else await isolatorsOfOneCall.remove(ids)
  }

  async ids(): Promise<string[]> {
    await this.attempt
    await this.#underWay
    return this.#isolator ? this.#isolator.list().map(({ id }) => id) : isolatorsOfOneCall.ids()
  }

  /** Costs nothing: containerd asks all the time. */
  async status(options: PortMappingIsolatorOptions): Promise<void> {
    this.#refuseOther(options)
    await this.attempt
    if (!this.#isolator) throw new CniError(CODE.notAvailable, `rtnetlinkd has no isolator: ${this.#reason}`)
    const [first] = this.#left
    if (first) {
      const { kind, object, found } = first
      throw new CniError(CODE.limited, `${kind}: ${object}${found === undefined ? '' : ` (${found})`}`)
    }
  }

  /** Leaves the containers alone. */
  async close(): Promise<void> {
    this.#end.abort()
    await this.#starting
    this.#reason = 'it has ended'
    const isolator = this.#isolator
    this.#isolator = undefined
    await isolator?.close()
  }

  /** @throws CniError 7 */
  #refuseOther(options: PortMappingIsolatorOptions): void {
    const difference = firstDifference(this.options, options)
    if (difference === undefined) return
    throw new CniError(
      CODE.invalidConfiguration,
      `${difference}: make them the same, and start rtnetlinkd again if its own configuration has changed`,
    )
  }

  async #keepTrying(): Promise<void> {
    const { signal } = this.#end
    for (let pause = FIRST_PAUSE; !signal.aborted; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      try {
        const creating = this.#create()
        this.#underWay = creating.catch(() => undefined)
        await creating
        this.#tried()
        return
      } catch (error) {
        this.#reason = (error as Error).message
        this.#reports.notYet(error as Error, pause)
        this.#tried()
      }
      await sleep(pause, undefined, { signal }).catch(() => undefined)
    }
  }

  async #create(): Promise<void> {
    const isolator = await PortMappingIsolator.create(this.options)
    try {
      const { recovered } = await isolator.recover('all')
      this.#follow(isolator)
      this.#isolator = isolator
      this.#reports.ready(recovered)
    } catch (error) {
      await isolator.close()
      throw error
    }
  }

  /** Listeners have the isolator follow the host's interfaces, and put right what it can. */
  #follow(isolator: PortMappingIsolator): void {
    const reports = this.#reports
    isolator.on('gone', gone => {
      reports.gone(gone)
    })
    isolator.on('repaired', repair => {
      this.#left = repair.left
      reports.repaired(repair)
    })
    isolator.on('insideError', error => {
      reports.insideError(error)
    })
    isolator.on('hostSocket', socket => {
      reports.hostSocket(socket)
    })
    isolator.on('error', error => {
      reports.error(error)
    })
  }
}
