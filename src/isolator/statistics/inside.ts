import type { NetworkNamespace } from '../../netns/network-namespace.js'
import { SockDiagSocket } from '../../sock-diag/index.js'
import { withSocketInside } from '../kernel/socket-inside.js'
import { CONTAINER_INTERFACE } from '../layout/layout.js'
import { openNamespace, type NamedNamespace } from '../container/namespace-handles.js'
import { unlessGone } from '../kernel/unless-gone.js'
import type { ResourceStatistics } from './resource-statistics.js'
import { roundTripTimes } from './round-trip-times.js'
import { parseSnmp } from './snmp.js'
import { socketSummary } from './socket-summary.js'
import { trafficControl } from './traffic-control.js'

/** What to read inside a container. */
export interface InsideReadings {
  readonly qdiscs: boolean
  readonly socketSummary: boolean
  readonly socketDetails: boolean
  readonly snmp: boolean
}

/** What was read: none of it where the namespace has lost its name. */
export type InsideStatistics = Partial<ResourceStatistics<bigint>>

const SOCKSTAT = '/proc/thread-self/net/sockstat'
const SOCKSTAT6 = '/proc/thread-self/net/sockstat6'
const SNMP = '/proc/thread-self/net/snmp'

/**
 * Reads what is known inside a container alone. One socket at a time is open meanwhile, and none afterwards: it would
 * keep the namespace alive.
 */
export async function readInside(
  container: NamedNamespace,
  readings: InsideReadings,
): Promise<InsideStatistics> {
  const netns = openNamespace(container)
  if (!netns) return {}
  try {
    return {
      ...(readings.qdiscs && (await readQdiscs(netns))),
      ...(readings.socketDetails && (await readRoundTripTimes(netns))),
      ...(await readFiles(netns, readings)),
    }
  } finally {
    netns.close()
  }
}

async function readQdiscs(netns: NetworkNamespace): Promise<InsideStatistics> {
  const qdiscs = await unlessGone(() =>
    withSocketInside(netns, rt => rt.qdiscs.list({ dev: CONTAINER_INTERFACE })),
  )
  const found = trafficControl('egress', qdiscs ?? [])
  return found.length === 0 ? {} : { net_traffic_control_statistics: found }
}

async function readRoundTripTimes(netns: NetworkNamespace): Promise<InsideStatistics> {
  const sockets = await SockDiagSocket.open({ netns })
  try {
    return await roundTripTimes(sockets)
  } finally {
    sockets.close()
  }
}

async function readFiles(netns: NetworkNamespace, readings: InsideReadings): Promise<InsideStatistics> {
  const paths = [...(readings.socketSummary ? [SOCKSTAT, SOCKSTAT6] : []), ...(readings.snmp ? [SNMP] : [])]
  if (paths.length === 0) return {}
  const contents = await netns.accessFiles(paths.map(path => [path, null]))
  const content = (path: string): Promise<string> => textOf(contents[paths.indexOf(path)])
  return {
    ...(readings.socketSummary &&
      socketSummary(await content(SOCKSTAT), await unlessGone(() => content(SOCKSTAT6)))),
    ...(readings.snmp && { net_snmp_statistics: parseSnmp(await content(SNMP)) }),
  }
}

async function textOf(content: string | Error | undefined): Promise<string> {
  if (content instanceof Error) throw content
  return content ?? ''
}
