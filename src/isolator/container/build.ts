import { turnOffFeatures } from '../../ethtool/features.js'
import type { NetworkNamespace } from '../../netns/network-namespace.js'
import type { Link } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { applyAll, removeAll } from '../kernel/apply.js'
import { allDone, atOnce } from '../kernel/at-once.js'
import { untilItSends } from './carrier.js'
import { applySysctls, type FormerSysctls } from '../kernel/apply-sysctls.js'
import type { HostContext } from '../host/context.js'
import { inNamespace } from '../kernel/socket-inside.js'
import { IsolatorError } from '../isolator-error.js'
import { openNamespace, type NamedNamespace } from './namespace-handles.js'
import { containerPlan, type ContainerPlan } from '../plan/container.js'
import type { ContainerFacts, FeatureOff } from '../plan/facts.js'
import type { Undo } from '../kernel/undo.js'

/** A container to be, its namespace, which is attached to the name `pm<slot>`, and a socket inside. */
export interface Candidate {
  readonly container: ContainerFacts & NamedNamespace
  readonly netns: NetworkNamespace
  readonly rt: RtnetlinkSocket
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
  const plans = candidates.map(candidate => ({
    ...candidate,
    ...containerPlan(host.facts, candidate.container, candidate.netns),
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
      former => {
        undo.push(() => restoreSysctls(host.netns, former))
      },
    ),
    turnOff(
      host,
      plans.flatMap(({ hostFeatures }) => hostFeatures),
    ),
    atOnce(plans, plan => prepareInside(plan, plan, undo)),
    apply('guard'),
  ])
  await apply('commit')
  await atOnce(plans, ({ rt }) => untilItSends(rt))
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

async function restoreSysctls(netns: NetworkNamespace, former: FormerSysctls): Promise<void> {
  await netns.accessFiles(former)
}

async function prepareInside(
  { container, netns, rt }: Candidate,
  { inside, insideSysctls }: ContainerPlan,
  undo: Undo,
): Promise<void> {
  const takeBack = (step: (netns: NetworkNamespace) => Promise<void>): void => {
    undo.push(() => insideAgain(container, step))
  }
  // Asked by the same socket before anything is sent, it is what the kernel tells before anything is changed.
  const before = rt.links.get('lo').then(loopbackSettings)
  takeBack(async netns => {
    const settings = await before.catch(() => undefined)
    if (settings) await inNamespace(netns, rt => rt.links.change(settings))
  })
  await allDone([
    before,
    applySysctls(netns, insideSysctls, former => {
      takeBack(netns => restoreSysctls(netns, former))
    }),
    applyAll(rt, inside, {
      push(_, inverses) {
        // The veth takes the others along.
        const staying = inverses.filter(({ spec }) => (spec as { dev?: unknown }).dev === 'lo')
        takeBack(netns => inNamespace(netns, rt => removeAll(rt, staying)))
      },
    }),
  ])
}

/** What the plan changes of a container's lo, as it is now, but for the MAC: the kernel refuses the all-zero one. */
const loopbackSettings = ({ mtu, up, inet }: Link) => ({
  dev: 'lo',
  mtu,
  up,
  inet: { accept_local: inet?.accept_local ?? 0, route_localnet: inet?.route_localnet ?? 0 },
})

/** By its name, for many containers are not held open until the last of them is made. Without one nothing can be done. */
async function insideAgain(
  container: NamedNamespace,
  step: (netns: NetworkNamespace) => Promise<void>,
): Promise<void> {
  const netns = openNamespace(container)
  if (!netns) return
  try {
    await step(netns)
  } finally {
    netns.close()
  }
}
