import type { NetworkNamespace } from '../../netns/network-namespace.js'
import { qdisc } from '../../tc/index.js'
import type { NamespaceSearch } from '../container/find-namespace.js'
import type { HostSide } from '../host/context.js'
import type { IsolatorError } from '../isolator-error.js'
import { insideOf, isInsideError, withSocketInside, withSocketsInside } from '../kernel/inside.js'
import { lookUp } from '../kernel/look-up.js'
import { interfaceOf, type ContainerFacts } from '../plan/facts.js'
import { withNamespace, type OfNamespace } from '../container/namespace.js'
import { unlessGone } from '../kernel/unless-gone.js'
import type { ResourceStatistics } from './resource-statistics.js'
import { roundTripTimes } from './round-trip-times.js'
import { parseSnmp, parseSnmp6 } from './snmp.js'
import { socketSummary } from './socket-summary.js'
import { LIMIT_PLACES, trafficControl } from './traffic-control.js'

/** What to read inside a container. */
export interface InsideReadings {
  readonly qdiscs: boolean
  readonly socketSummary: boolean
  readonly socketDetails: boolean
  readonly snmp: boolean
  /** Only beside `snmp`. */
  readonly snmp6: boolean
}

/** What was read: none of it where nothing leads to the namespace. */
export interface InsideStatistics {
  readonly statistics: Partial<ResourceStatistics<bigint>>
  /** Why that is not all. */
  readonly error?: IsolatorError
}

type Statistics = InsideStatistics['statistics']

const SOCKSTAT = '/proc/thread-self/net/sockstat'
const SOCKSTAT6 = '/proc/thread-self/net/sockstat6'
const SNMP = '/proc/thread-self/net/snmp'
const SNMP6 = '/proc/thread-self/net/snmp6'

/**
 * Reads what is known inside a container alone, for a second at most. One socket at a time is open meanwhile, and none
 * afterwards: it would keep the namespace alive.
 */
export async function readInside(
  host: HostSide,
  container: OfNamespace & Pick<ContainerFacts, 'interfaceName'>,
  readings: InsideReadings,
  search?: NamespaceSearch,
): Promise<InsideStatistics> {
  const statistics: Statistics = {}
  const read = (netns: NetworkNamespace): Promise<void> =>
    insideOf(container.id, async signal => {
      // What takes longest comes last: what was read before it counts.
      Object.assign(statistics, await readFiles(netns, readings))
      if (readings.qdiscs) Object.assign(statistics, await readQdiscs(netns, interfaceOf(container), signal))
      if (readings.socketDetails) Object.assign(statistics, await readRoundTripTimes(netns, signal))
    })
  try {
    await withNamespace(host, container, read, search)
    return { statistics }
  } catch (error) {
    if (isInsideError(error)) return { statistics: { ...statistics }, error }
    throw error
  }
}

/** Each qdisc is asked for by its place: a dump is one of all devices there are, of which a container may have made many. */
async function readQdiscs(netns: NetworkNamespace, dev: string, signal: AbortSignal): Promise<Statistics> {
  const places = LIMIT_PLACES.map(parent => ({ dev, parent }))
  const qdiscs = await unlessGone(() => withSocketInside(netns, signal, rt => lookUp(rt, qdisc, places)))
  const found = trafficControl(
    'egress',
    (qdiscs ?? []).flatMap(there => there ?? []),
  )
  return found.length === 0 ? {} : { net_traffic_control_statistics: found }
}

const readRoundTripTimes = (netns: NetworkNamespace, signal: AbortSignal): Promise<Statistics> =>
  withSocketsInside(netns, signal, sockets => roundTripTimes(sockets, signal))

async function readFiles(netns: NetworkNamespace, readings: InsideReadings): Promise<Statistics> {
  const paths = [
    ...(readings.socketSummary ? [SOCKSTAT, SOCKSTAT6] : []),
    ...(readings.snmp ? [SNMP] : []),
    ...(readings.snmp6 ? [SNMP6] : []),
  ]
  if (paths.length === 0) return {}
  const contents = await netns.accessFiles(paths.map(path => [path, null]))
  const content = (path: string): Promise<string> => textOf(contents[paths.indexOf(path)])
  return {
    ...(readings.socketSummary &&
      socketSummary(await content(SOCKSTAT), await unlessGone(() => content(SOCKSTAT6)))),
    ...(readings.snmp && {
      net_snmp_statistics: {
        ...parseSnmp(await content(SNMP)),
        ...(readings.snmp6 && parseSnmp6(await content(SNMP6))),
      },
    }),
  }
}

async function textOf(content: string | Error | undefined): Promise<string> {
  if (content instanceof Error) throw content
  return content ?? ''
}
