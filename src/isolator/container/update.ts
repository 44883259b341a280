import { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { applyAll, GONE, possibleOf } from '../kernel/apply.js'
import type { Container, ContainerTable } from './table.js'
import type { HostContext } from '../host/context.js'
import { IsolatorError } from '../isolator-error.js'
import { linkName } from '../layout/layout.js'
import { openNamespace } from './namespace-handles.js'
import { updatePlan } from '../plan/update.js'
import { refusePortsInUse } from '../host/ports-in-use.js'
import { allOrNothing } from '../kernel/undo.js'

/** What refuses a message where the container has taken things away, or put its own in their place. */
const CHANGED_INSIDE: ReadonlySet<string> = new Set([...GONE, 'EEXIST'])

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
  const inside = plan.inside.length > 0 ? await socketInside(container) : undefined
  try {
    await allOrNothing(async undo => {
      table.give(container, added)
      undo.push(() => {
        table.takeBack(added)
      })
      await refusePortsInUse(host.sockets, [{ id: container.id, ports: added }])
      // A container may have renamed its devices.
      if (inside) await applyAll(inside, possibleOf(plan.inside, inside.devices), undo, CHANGED_INSIDE)
      await applyAll(host.rt, plan.add, undo)
      await applyAll(host.rt, plan.remove, undo, GONE)
    })
  } finally {
    inside?.close()
  }
  table.takeBack(removed)
  Object.assign(container, change)
}

async function socketInside(container: Container): Promise<RtnetlinkSocket> {
  const netns = openNamespace(container)
  if (!netns) throw nameless(container)
  try {
    return await RtnetlinkSocket.open({ netns })
  } finally {
    netns.close()
  }
}

const nameless = ({ id, slot }: Container): IsolatorError =>
  new IsolatorError(
    'ERR_FOREIGN_STATE',
    `somebody has taken the name ${linkName(slot)} from the namespace of '${id}': repair('${id}') gives it back where it can`,
    { details: { id, name: linkName(slot) } },
  )
