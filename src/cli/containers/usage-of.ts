import type { InspectedContainer, NetnsReference } from '../../index.js'
import type { Library } from '../library.js'

/** The counters of a container's link as the container sees them, under the names of Mesos. */
export type Counters = Readonly<
  Record<`net_${'rx' | 'tx'}_${'bytes' | 'packets' | 'errors' | 'dropped'}`, number>
>

export interface Usage {
  readonly container: InspectedContainer
  readonly counters: Counters
}

/**
 * The counters of containers, by one look at all links. A link that is gone is left out. Without an isolator there are no
 * statistics of what is inside a container: its sockets, its SNMP counters.
 */
export async function usageOf(
  { RtnetlinkSocket }: Library,
  from: { netns?: NetnsReference },
  containers: readonly InspectedContainer[],
): Promise<Usage[]> {
  await using rt = await RtnetlinkSocket.open(from)
  const byIndex = await rt.linkStatistics()
  return containers.flatMap(container => {
    const host = byIndex.get(rt.devices.interfaceIndex(container.link))
    return host === undefined ? [] : [{ container, counters: seenByContainer(host) }]
  })
}

type HostCounters = Readonly<
  Record<`${'rx' | 'tx'}${'Bytes' | 'Packets' | 'Errors' | 'Dropped'}`, number | bigint>
>

/** What the host's end of a veth pair transmits, the container's receives. */
const seenByContainer = (host: HostCounters): Counters => ({
  net_rx_bytes: Number(host.txBytes),
  net_rx_packets: Number(host.txPackets),
  net_rx_errors: Number(host.txErrors),
  net_rx_dropped: Number(host.txDropped),
  net_tx_bytes: Number(host.rxBytes),
  net_tx_packets: Number(host.rxPackets),
  net_tx_errors: Number(host.rxErrors),
  net_tx_dropped: Number(host.rxDropped),
})
