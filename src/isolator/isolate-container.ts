import { turnOffFeatures } from '../ethtool/features.js'
import type { NetworkNamespace } from '../netns/network-namespace.js'
import type { Link } from '../rtnetlink/index.js'
import { RtnetlinkSocket } from '../rtnetlink-socket.js'
import { applyAll, GONE } from './apply.js'
import { atOnce } from './at-once.js'
import { applySysctls } from './apply-sysctls.js'
import type { HostContext } from './host-context.js'
import { IsolatorError } from './isolator-error.js'
import { containerPlan, type ContainerPlan } from './plan/container.js'
import type { ContainerFacts, FeatureOff } from './plan/facts.js'
import type { Undo } from './undo.js'

/** A container to be, and its namespace, which is attached to the name `pm<slot>`. */
export interface Candidate {
  readonly container: ContainerFacts
  readonly netns: NetworkNamespace
}

/**
 * Makes containers of network namespaces, all in the same few batches. Until its last message, which sets the veth up,
 * nothing can pass a container's; whatever fails is taken back through `undo`, all of it.
 */
export async function isolateContainers(
  host: HostContext,
  candidates: readonly Candidate[],
  undo: Undo,
): Promise<void> {
  const plans = candidates.map(({ container, netns }) => ({
    netns,
    ...containerPlan(host.facts, container, netns),
  }))
  const apply = (part: 'pair' | 'guard' | 'commit'): Promise<void> =>
    applyAll(
      host.rt,
      plans.flatMap(plan => plan[part]),
      undo,
    )
  await apply('pair')
  await allDone([
    applySysctls(
      host.netns,
      plans.flatMap(({ hostSysctls }) => hostSysctls),
      undo,
    ),
    turnOff(
      host,
      plans.flatMap(({ hostFeatures }) => hostFeatures),
    ),
    atOnce(plans, plan => prepareInside(plan.netns, plan, undo)),
    apply('guard'),
  ])
  await apply('commit')
}

/** There is nothing to take back: the devices go. */
async function turnOff({ netns, rt }: HostContext, features: readonly FeatureOff[]): Promise<void> {
  if (features.length === 0) return
  const done = await turnOffFeatures(
    netns,
    features.map(({ dev, feature }) => ({ ifindex: rt.devices.interfaceIndex(dev), feature })),
  )
  if (done) return
  throw new IsolatorError(
    'ERR_KERNEL_UNSUPPORTED',
    "this kernel has no ethtool netlink (CONFIG_ETHTOOL_NETLINK, Linux 5.9), which egressEnforcement: 'host' needs",
  )
}

async function prepareInside(
  netns: NetworkNamespace,
  { inside, insideSysctls }: ContainerPlan,
  undo: Undo,
): Promise<void> {
  const rt = await RtnetlinkSocket.open({ netns })
  // The container's own namespace must not be kept alive, nor a thread kept for it, once this is done.
  try {
    const [lo, ingress] = await Promise.all([rt.links.get('lo'), hasIngress(rt)])
    if (ingress) throw foreignIngress(netns)
    const before = loopbackSettings(lo)
    undo.push(() => inNamespace(netns, rt => rt.links.change(before)))
    await allDone([applySysctls(netns, insideSysctls, undo), applyInside(rt, netns, inside, undo)])
  } finally {
    rt.close()
  }
}

/** What the plan changes of a container's lo, as it is now, but for the MAC: the kernel refuses the all-zero one. */
const loopbackSettings = ({ mtu, up, inet }: Link) => ({
  dev: 'lo',
  mtu,
  up,
  inet: { accept_local: inet?.accept_local ?? 0, route_localnet: inet?.route_localnet ?? 0 },
})

/** Like `applyAll`, but what is to be taken back is so through a socket of its own. */
async function applyInside(
  rt: RtnetlinkSocket,
  netns: NetworkNamespace,
  inside: ContainerPlan['inside'],
  undo: Undo,
): Promise<void> {
  // The veth takes its filters, address and route along; lo's qdisc is all that stays.
  undo.push(() => inNamespace(netns, clearInside))
  await applyAll(rt, inside, { push: () => undefined })
}

/**
 * Removes what stays in a namespace when the veth is gone: the ingress qdisc of its lo, with its filter. Root inside may have
 * renamed its lo or given it another qdisc, which must not keep the host from letting go of it.
 */
export async function clearInside(rt: RtnetlinkSocket): Promise<void> {
  try {
    await rt.qdiscs.delete({ dev: 'lo', kind: 'ingress' })
  } catch (error) {
    if (!GONE.has((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

async function hasIngress(rt: RtnetlinkSocket): Promise<boolean> {
  const qdiscs = await rt.qdiscs.list({ dev: 'lo' })
  return qdiscs.some(({ kind }) => kind === 'ingress' || kind === 'clsact')
}

const foreignIngress = ({ name }: NetworkNamespace): IsolatorError =>
  new IsolatorError(
    'ERR_FOREIGN_STATE',
    `lo in the namespace to be isolated${name === undefined ? '' : `, '${name}',`} has an ingress qdisc already: delete it there with tc qdisc del dev lo ingress`,
    { details: { dev: 'lo' } },
  )

/** Runs `use` with a socket inside the namespace, which is closed afterwards. */
export async function inNamespace<T>(
  netns: NetworkNamespace | string,
  use: (rt: RtnetlinkSocket) => Promise<T>,
): Promise<T> {
  const rt = await RtnetlinkSocket.open({ netns })
  try {
    return await use(rt)
  } finally {
    rt.close()
  }
}

/** Waits for all, also when one fails: what the others do is to be taken back too. Throws the first failure. */
async function allDone(work: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(work)
  const failure = results.find(({ status }) => status === 'rejected')
  if (failure?.status === 'rejected') throw failure.reason
}
