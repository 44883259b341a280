import { qdisc, type Qdisc } from '../../tc/index.js'
import type { HostContext } from '../host/context.js'
import type { IsolatorError } from '../isolator-error.js'
import { linkName } from '../layout/layout.js'
import { lookUp } from '../kernel/look-up.js'
import { NamespaceSearch } from '../container/find-namespace.js'
import type { OfNamespace } from '../container/namespace.js'
import type { RateLimit } from '../options/rate-limit.js'
import { ConcurrencyLimit, nextTurn } from '../kernel/concurrency-limit.js'
import { readInside, type InsideReadings, type InsideStatistics } from './inside.js'
import { limitStatistics } from './limit-statistics.js'
import { countersOf, countersOfAll, seenByContainer, type LinkCounters } from './link-counters.js'
import { RatesSampler } from './rates-sampler.js'
import type { ResourceStatistics } from './resource-statistics.js'
import type { StatisticsOptions } from '../options/statistics-options.js'
import { LIMIT_PLACES, trafficControl } from './traffic-control.js'

/** What is known of a container whose statistics are read. */
export interface MeasuredContainer extends OfNamespace {
  readonly interfaceName?: string | undefined
  readonly ephemeralPorts: readonly [first: number, last: number]
  readonly egress?: RateLimit | undefined
  readonly ingress?: RateLimit | undefined
}

/** What of the host is needed: whether its containers have IPv6 is known as of the last look. */
type MeasuredHost = Pick<HostContext, 'netns' | 'rt'> & {
  readonly facts: Pick<HostContext['facts'], 'inet6'>
}

/** How many containers are looked into at a time; each takes one socket. */
const INSIDE_AT_A_TIME = 16

/** Containers whose statistics are put together between two turns of the event loop. */
const CONTAINERS_PER_TURN = 128

/**
 * Reads the statistics of containers: counters and ingress limits at the host's end of their veths, and only where there
 * is something to be read inside, from within their namespaces.
 */
export class UsageReader<Container extends MeasuredContainer> {
  readonly #host: MeasuredHost
  readonly #options: StatisticsOptions
  readonly #rates: RatesSampler<Container> | undefined
  readonly #report: (error: IsolatorError) => void
  readonly #inside = new ConcurrencyLimit(INSIDE_AT_A_TIME, { onePerTurn: true })

  /**
   * @param host the host's side
   * @param containers what there is to sample the rates of
   * @param report is called when something inside a container cannot be read, which is left out then
   */
  constructor(
    host: MeasuredHost,
    containers: Iterable<Container>,
    options: StatisticsOptions,
    report: (error: IsolatorError) => void,
  ) {
    this.#host = host
    this.#options = options
    this.#report = report
    if (options.rates) this.#rates = new RatesSampler(() => this.#countersOf([...containers]), options.rates)
  }

  /**
   * The statistics of one container.
   *
   * @throws NetlinkError `ENODEV` where its link is gone
   */
  async read(container: Container): Promise<ResourceStatistics<bigint>> {
    const counters = await countersOf(this.#host.rt, linkName(container.slot))
    const timestamp = secondsSinceEpoch()
    return this.#assemble(container, timestamp, counters, await this.#ingressQdiscsOf(container))
  }

  /** Those of many, by id. Containers whose link is gone are left out. */
  async readAll(containers: readonly Container[]): Promise<Map<string, ResourceStatistics<bigint>>> {
    const counters = await this.#countersOf(containers)
    const timestamp = secondsSinceEpoch()
    const qdiscs = await this.#ingressQdiscsOfAll(containers)
    const search = new NamespaceSearch(this.#host)
    const read: Promise<ResourceStatistics<bigint>>[] = []
    for (const [container, found] of counters) {
      const statistics = this.#assemble(
        container,
        timestamp,
        found,
        qdiscs.get(linkName(container.slot)) ?? [],
        search,
      )
      // What fails before all of them are begun is thrown below.
      statistics.catch(() => undefined)
      read.push(statistics)
      if (read.length % CONTAINERS_PER_TURN === 0) await nextTurn()
    }
    const all = await Promise.all(read)
    return new Map(Array.from(counters.keys(), ({ id }, i) => [id, all[i] as ResourceStatistics<bigint>]))
  }

  /** Stops sampling. */
  close(): void {
    this.#rates?.close()
  }

  async #countersOf(containers: readonly Container[]): Promise<Map<Container, LinkCounters>> {
    if (containers.length === 0) return new Map()
    const counters = await countersOfAll(
      this.#host.rt,
      containers.map(({ slot }) => linkName(slot)),
    )
    return new Map(
      containers.flatMap(container => {
        const found = counters.get(linkName(container.slot))
        return found ? [[container, found]] : []
      }),
    )
  }

  /**
   * The qdiscs of a container's ingress limit. Each is asked for by its place: a dump is always one of all devices, whatever
   * index it is asked with (tc_dump_qdisc, net/sched/sch_api.c).
   */
  async #ingressQdiscsOf({ slot, ingress }: Container): Promise<Qdisc[]> {
    if (!ingress) return []
    const dev = linkName(slot)
    const found = await lookUp(
      this.#host.rt,
      qdisc,
      LIMIT_PLACES.map(parent => ({ dev, parent })),
    )
    return found.flatMap(there => there ?? [])
  }

  /** Those of many, by device, by one dump of all qdiscs of the host; none where no container has an ingress limit. */
  async #ingressQdiscsOfAll(containers: readonly Container[]): Promise<Map<string, Qdisc[]>> {
    const byDevice = new Map<string, Qdisc[]>()
    const limited = new Set(containers.flatMap(({ slot, ingress }) => (ingress ? [linkName(slot)] : [])))
    if (limited.size === 0) return byDevice
    for (const found of await this.#host.rt.qdiscs.list()) {
      if (limited.has(found.dev)) byDevice.set(found.dev, [...(byDevice.get(found.dev) ?? []), found])
    }
    return byDevice
  }

  async #assemble(
    container: Container,
    timestamp: number,
    counters: LinkCounters,
    qdiscs: readonly Qdisc[],
    search?: NamespaceSearch,
  ): Promise<ResourceStatistics<bigint>> {
    const { ephemeralPorts, egress, ingress } = container
    const [begin, end] = ephemeralPorts
    const atHost = trafficControl('ingress', qdiscs)
    const inside = await this.#readInside(container, search)
    const shaping = [...atHost, ...(inside.net_traffic_control_statistics ?? [])]
    return {
      timestamp,
      ...seenByContainer(counters),
      ...limitStatistics(egress, ingress),
      net_ephemeral_ports: { begin, end },
      ...inside,
      ...(shaping.length > 0 && { net_traffic_control_statistics: shaping }),
      ...(this.#rates && { net_rate_statistics: this.#rates.statisticsOf(container) }),
    }
  }

  async #readInside(
    container: Container,
    search: NamespaceSearch | undefined,
  ): Promise<InsideStatistics['statistics']> {
    const { socketSummary, socketDetails, snmp } = this.#options
    const readings: InsideReadings = {
      qdiscs: container.egress !== undefined,
      socketSummary,
      socketDetails,
      snmp,
      snmp6: snmp && this.#host.facts.inet6 !== undefined,
    }
    if (!Object.values(readings).includes(true)) return {}
    const { statistics, error } = await this.#inside.run(() =>
      readInside(this.#host, container, readings, search),
    )
    if (error) this.#report(error)
    return statistics
  }
}

const secondsSinceEpoch = (): number => Date.now() / 1000
