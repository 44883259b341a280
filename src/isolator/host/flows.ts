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
  const [found] = await lookUp(rt, qdiscByHandle, [
    { dev: publicInterface, parent: 'root', handle: FLOW_QDISC },
  ])
  return found?.kind === 'fq_codel' ? found : undefined
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
  const found = await findFlowQdisc(host.rt, host.facts.publicInterface)
  const flowParent = found ? String(found.parent) : host.flowParent
  if (flowParent !== host.facts.flowParent) host.facts = { ...host.facts, flowParent }
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
