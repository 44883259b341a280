import { DumpInterruptedError } from '../../netlink/errors.js'
import type { LinkStatistics } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { nextTurn } from '../kernel/concurrency-limit.js'
import { unlessGone } from '../kernel/unless-gone.js'
import type { ResourceStatistics } from './resource-statistics.js'

/** The counters of a link that a container's statistics are made of; those of struct rtnl_link_stats64. */
export type LinkCounters = Readonly<
  Pick<
    LinkStatistics,
    'rxPackets' | 'rxBytes' | 'rxErrors' | 'rxDropped' | 'txPackets' | 'txBytes' | 'txErrors' | 'txDropped'
  >
>

type NetCounters = Pick<
  ResourceStatistics<bigint>,
  `net_${'rx' | 'tx'}_${'packets' | 'bytes' | 'errors' | 'dropped'}`
>

/** The container's view of the counters at the host's end: what one end transmits, the other receives. */
export const seenByContainer = (host: LinkCounters): NetCounters => ({
  net_rx_packets: host.txPackets,
  net_rx_bytes: host.txBytes,
  net_rx_errors: host.txErrors,
  net_rx_dropped: host.txDropped,
  net_tx_packets: host.rxPackets,
  net_tx_bytes: host.rxBytes,
  net_tx_errors: host.rxErrors,
  net_tx_dropped: host.rxDropped,
})

/**
 * The counters of one link.
 *
 * @throws NetlinkError `ENODEV` where there is none
 */
export async function countersOf(rt: RtnetlinkSocket, name: string): Promise<LinkCounters> {
  const { statistics } = await rt.links.get(name)
  if (!statistics) throw new Error(`the kernel gave no statistics for ${name}`)
  return statistics
}

/** Names looked up between two turns of the event loop. */
const NAMES_PER_TURN = 256

/**
 * The counters of many links by one dump; links that are gone are left out.
 *
 * @returns by name
 */
export async function countersOfAll(
  rt: RtnetlinkSocket,
  names: readonly string[],
): Promise<Map<string, LinkCounters>> {
  try {
    return await byDump(rt, names)
  } catch (error) {
    // Where links come and go all the time, no dump ends undisturbed.
    if (error instanceof DumpInterruptedError) return oneByOne(rt, names)
    throw error
  }
}

async function byDump(rt: RtnetlinkSocket, names: readonly string[]): Promise<Map<string, LinkCounters>> {
  const all = await rt.linkStatistics()
  const found = new Map<string, LinkCounters>()
  for (const [i, name] of names.entries()) {
    // An index is not used again before 2^31 others were: a link that was made meanwhile is not taken for another.
    const counters = all.get(rt.devices.interfaceIndex(name))
    if (counters) found.set(name, counters)
    if (i % NAMES_PER_TURN === NAMES_PER_TURN - 1) await nextTurn()
  }
  return found
}

async function oneByOne(rt: RtnetlinkSocket, names: readonly string[]): Promise<Map<string, LinkCounters>> {
  const found = new Map<string, LinkCounters>()
  for (const name of names) {
    const counters = await unlessGone(() => countersOf(rt, name))
    if (counters) found.set(name, counters)
  }
  return found
}
