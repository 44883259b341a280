import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { qdisc, type Qdisc } from '../../tc/index.js'
import type { HostContext } from './context.js'
import { IsolatorError } from '../isolator-error.js'
import { lookUp } from '../kernel/look-up.js'
import { FLOW_QDISC } from '../layout/layout.js'
import { flowQdisc } from '../plan/flows.js'
import type { Planned } from '../plan/planned.js'

/** The fq_codel with a flow per container, where an isolator has made it on the public interface. */
export async function findFlowQdisc(
  rt: RtnetlinkSocket,
  publicInterface: string,
): Promise<Qdisc | undefined> {
  if (rt.devices.interfaceIndex(publicInterface) === 0) return undefined
  const [there] = await lookUp(rt, qdiscByHandle, [
    { dev: publicInterface, parent: 'root', handle: FLOW_QDISC },
  ])
  if (there?.kind !== 'fq_codel') return undefined
  // The answer does not say where it is: as the parent, it has what it was asked with.
  const qdiscs = await rt.qdiscs.list({ dev: publicInterface })
  return qdiscs.find(({ kind, handle }) => kind === 'fq_codel' && handle === FLOW_QDISC)
}

/**
 * Without a parent, which the verbs ask for, the kernel looks for the handle (tc_get_qdisc in net/sched/sch_api.c). To list the
 * qdiscs of one device, it would list those of all.
 */
const qdiscByHandle: typeof qdisc = {
  ...qdisc,
  toGet: (key, devices) => ({ ...(qdisc.toGet(key, devices) as object), parent: 0 }),
}

/**
 * Has the facts follow that qdisc: whoever has made it, nodes below it lead into the flows of containers, and come and go with
 * these. If it is missing, then it is where this isolator's options have it.
 */
export async function followFlows(host: HostContext): Promise<void> {
  const { rt, facts } = host
  if (facts.flowParent !== undefined && (await isFlowQdiscAt(rt, facts.publicInterface, facts.flowParent)))
    return
  const flowParent = (await findFlowQdisc(rt, facts.publicInterface))?.parent ?? host.flowParent
  if (flowParent !== facts.flowParent) host.facts = { ...host.facts, flowParent }
}

async function isFlowQdiscAt(rt: RtnetlinkSocket, dev: string, parent: string): Promise<boolean> {
  if (rt.devices.interfaceIndex(dev) === 0) return false
  const [found] = await lookUp(rt, qdisc, [{ dev, parent, handle: FLOW_QDISC }])
  return found?.kind === 'fq_codel' && found.handle === FLOW_QDISC
}

/**
 * What makes the qdisc at `parent`; undefined where it is there already.
 *
 * @throws IsolatorError ERR_FOREIGN_STATE where another qdisc is there: one that the kernel made by itself, with the
 *   handle `0:`, is nobody's
 */
export async function missingFlowQdisc(host: HostContext, parent: string): Promise<Planned | undefined> {
  const { rt, facts } = host
  const dev = facts.publicInterface
  const qdiscs = await rt.qdiscs.list({ dev })
  const there = qdiscs.find(qdisc => qdisc.parent === parent && qdisc.handle !== '0:')
  if (!there) return flowQdisc(facts, parent)
  if (there.kind === 'fq_codel' && there.handle === FLOW_QDISC) return undefined
  throw new IsolatorError(
    'ERR_FOREIGN_STATE',
    `${dev} has a ${there.kind} qdisc ${there.handle} at ${parent}, where egressUniqueFlowPerContainer puts an fq_codel. ` +
      `Delete it (tc qdisc del dev ${dev} ${parent === 'root' ? 'root' : `parent ${parent}`}), or name a class of it in egressFlowClassifierParent`,
    { details: { dev, kind: there.kind, handle: there.handle } },
  )
}
