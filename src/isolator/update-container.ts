import { RtnetlinkSocket } from '../rtnetlink-socket.js'
import { applyAll, GONE } from './apply.js'
import type { Container, ContainerTable } from './container-table.js'
import type { HostContext } from './host-context.js'
import { linkName } from './layout.js'
import { updatePlan } from './plan/update.js'
import { refusePortsInUse } from './ports-in-use.js'
import { allOrNothing } from './undo.js'

/**
 * Gives a container other ports and limits, or leaves everything as it was.
 *
 * What a container has changed about itself must not keep the host from taking ports away from it: what is gone inside is
 * passed over, and `verify()` tells of it.
 */
export async function updateContainer(
  host: HostContext,
  table: ContainerTable,
  container: Container,
  change: Pick<Container, 'ports' | 'egress' | 'ingress'>,
): Promise<void> {
  const added = change.ports.subtract(container.ports)
  const removed = container.ports.subtract(change.ports)
  const plan = updatePlan(host.facts, container, { ...container, ...change })
  const inside =
    plan.inside.length > 0 ? await RtnetlinkSocket.open({ netns: linkName(container.slot) }) : undefined
  try {
    await allOrNothing(async undo => {
      table.give(container, added)
      undo.push(() => {
        table.takeBack(added)
      })
      await refusePortsInUse(host.sockets, [{ id: container.id, ports: added }])
      if (inside) await applyAll(inside, plan.inside, undo, GONE)
      await applyAll(host.rt, plan.add, undo)
      await applyAll(host.rt, plan.remove, undo, GONE)
    })
  } finally {
    inside?.close()
  }
  table.takeBack(removed)
  Object.assign(container, change)
}
