import type { Device } from '../../netlink/devices.js'
import type { DumpOptions } from '../../netlink/call-options.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import type { Filter, Qdisc } from '../../tc/index.js'

/**
 * The filters of a hook, or of a qdisc. All that is listed has the parent that was asked for.
 *
 * The kernel lists every filter of a block with the parent that the last request for a new one named, whoever sent it and
 * even if it was refused (tc_new_tfilter and tc_dump_tfilter in net/sched/cls_api.c). Under an ingress qdisc each of
 * `ingress`, `ffff:`, `ffff:1` and `egress` names the same block (ingress_find in net/sched/sch_ingress.c).
 */
export async function filtersAt(
  rt: RtnetlinkSocket,
  dev: Device,
  parent: string,
  options?: DumpOptions,
): Promise<Filter[]> {
  const filters = await rt.filters.list({ dev, parent }, options)
  return filters.map(found => (found.parent === parent ? found : { ...found, parent }))
}

/** The number of the block that a hook shares with other devices; undefined for a hook with filters of its own. */
export const sharedBlockOf = (hook: Qdisc): number | undefined =>
  'ingressBlock' in hook ? hook.ingressBlock : undefined
