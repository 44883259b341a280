import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { ifThere } from '../kernel/unless-gone.js'
import { CONTAINER_INTERFACE } from '../layout/layout.js'
import { sleep } from '../kernel/sleep.js'

/** The kernel's own delay is that of a busy worker thread, milliseconds. */
const PATIENCE_MS = 1000

/**
 * Resolves when what the container sends is sent. When its peer is set up, a veth that is up itself has a carrier, but drops
 * what it is given until the kernel gets round to noticing that (dev_activate in net/sched/sch_generic.c, by
 * net/core/link_watch.c). To be asked for the link has it notice at once from Linux 6.8 on (rtnl_getlink).
 *
 * @param rt a socket inside the container
 */
export async function untilItSends(rt: RtnetlinkSocket): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    // The container may have taken it down or away: that is no failure of ours.
    const link = await ifThere(() => rt.links.get(CONTAINER_INTERFACE))
    if (!link?.up || link.operationalState === 'up' || performance.now() > deadline) return
    await sleep(1)
  }
}
