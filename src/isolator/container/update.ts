import { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { applyAll, GONE, possibleOf } from '../kernel/apply.js'
import { closeSocketInside, insideError, insideOf } from '../kernel/inside.js'
import type { Container, ContainerTable } from './table.js'
import type { HostContext } from '../host/context.js'
import { IsolatorError } from '../isolator-error.js'
import { linkName } from '../layout/layout.js'
import { NO_WAY, withNamespace } from './namespace.js'
import { isHeld } from '../plan/facts.js'
import { refuseLargePrograms } from '../plan/program-size.js'
import { updatePlan } from '../plan/update.js'
import { refusePortsInUse, socketsOfHost } from '../host/ports-in-use.js'
import { allOrNothing, type Undo } from '../kernel/undo.js'
import type { Planned } from '../plan/planned.js'

/**
 * Gives a container other ports and limits, or leaves everything as it was.
 *
 * What a container has changed about itself must not keep the host from taking ports away from it: what is refused inside,
 * or not answered in time, is passed over, and `verify()` reports it.
 *
 * @param report is called then
 */
export async function updateContainer(
  host: HostContext,
  table: ContainerTable,
  container: Container,
  change: Pick<Container, 'ports' | 'egress' | 'ingress'>,
  report: (error: IsolatorError) => void,
): Promise<void> {
  const added = change.ports.subtract(container.ports)
  const removed = container.ports.subtract(change.ports)
  refuseLargePrograms(host.facts, { ...container, ...change })
  const plan = updatePlan(host.facts, container, { ...container, ...change })
  // Open until the end: what is changed inside can be taken back when there is no descriptor to spare.
  const rt =
    plan.inside.length > 0
      ? await socketInside(host, container, added.size === 0 ? report : undefined)
      : undefined
  try {
    await allOrNothing(async undo => {
      table.give(container, added)
      undo.push(() => {
        table.takeBack(added)
      })
      if (host.hostSockets === 'refuse' && added.size > 0)
        refusePortsInUse(await socketsOfHost(host, table.managedRange), [{ id: container.id, ports: added }])
      if (rt) await changeInside(container, rt, plan.inside, undo, report)
      await applyAll(host.rt, plan.add, undo)
      await applyAll(host.rt, plan.remove, undo, GONE)
    })
  } finally {
    await closeSocketInside(rt)
  }
  table.takeBack(removed)
  Object.assign(container, change)
}

/** A container may have renamed its devices, and put anything in the place of what was made there. */
async function changeInside(
  { id }: Container,
  rt: RtnetlinkSocket,
  planned: readonly Planned[],
  undo: Undo,
  report: (error: IsolatorError) => void,
): Promise<void> {
  const change = async (work: () => Promise<void>): Promise<void> => {
    try {
      await insideOf(id, work)
    } catch (error) {
      report(insideError(id, error))
    }
  }
  await change(() =>
    applyAll(rt, possibleOf(planned, rt.devices), {
      push(step) {
        undo.push(() => change(step))
      },
    }),
  )
}

/**
 * @param report is called, and nothing is changed inside, where a container that no name holds keeps the host out: root inside can
 *   have moved its interface. Absent: the call needs the inside
 */
async function socketInside(
  host: HostContext,
  container: Container,
  report: ((error: IsolatorError) => void) | undefined,
): Promise<RtnetlinkSocket | undefined> {
  const inside = await withNamespace(host, container, netns => RtnetlinkSocket.open({ netns }))
  if (inside) return inside
  if (isHeld(container)) throw nameless(container)
  if (!report) throw noWayInside(container)
  report(noWayInside(container))
  return undefined
}

const nameless = ({ id, slot }: Container): IsolatorError =>
  new IsolatorError(
    'ERR_FOREIGN_STATE',
    `somebody has taken the name ${linkName(slot)} from the namespace of '${id}': repair('${id}') gives it back where it can`,
    { details: { id, name: linkName(slot) } },
  )

const noWayInside = ({ id }: Container): IsolatorError =>
  new IsolatorError('ERR_INSIDE_CONTAINER', `the inside of '${id}': ${NO_WAY}`, { details: { id } })
