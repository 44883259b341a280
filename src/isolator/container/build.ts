import { turnOffFeatures } from '../../ethtool/features.js'
import { whenAborted } from '../../netlink/abortable.js'
import type { NetworkNamespace } from '../../netns/network-namespace.js'
import type { Link } from '../../rtnetlink/index.js'
import { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { applyAll, removeAll } from '../kernel/apply.js'
import { allDone, atOnce } from '../kernel/at-once.js'
import { applySysctls, type FormerSysctls } from '../kernel/apply-sysctls.js'
import type { HostContext } from '../host/context.js'
import { closeSocketInside, insideError, insideOf, isInsideError } from '../kernel/inside.js'
import { IsolatorError } from '../isolator-error.js'
import { clearLoopback, hasLeftHook } from './loopback-hook.js'
import { openNamespace, type OfNamespace } from './namespace.js'
import { plan, type Planned } from '../plan/planned.js'
import { filter, qdisc, type FilterSpec } from '../../tc/index.js'
import { containerPlan, type ContainerPlan } from '../plan/container.js'
import { interfaceOf, type ContainerFacts, type FeatureOff, type Sysctl } from '../plan/facts.js'
import { isMissing, unlessGone } from '../kernel/unless-gone.js'
import { sleep } from '../kernel/sleep.js'
import type { Undo } from '../kernel/undo.js'

/** The open namespace of a container to be, which is attached to the name `pm<slot>`, and a socket inside. */
export interface Inside {
  readonly netns: NetworkNamespace
  readonly rt: RtnetlinkSocket
  /** Whether lo has the hook that an earlier cleanup had to leave. */
  readonly leftHook: boolean
}

type BuiltContainer = ContainerFacts & OfNamespace

/**
 * Makes containers of network namespaces, all in the same few batches. Until its last message, which sets the veth up,
 * nothing can pass a container's; whatever fails is taken back through `undo`, all of it.
 */
export async function buildContainers(
  host: HostContext,
  insides: ReadonlyMap<BuiltContainer, Inside>,
  undo: Undo,
): Promise<void> {
  const plans = Array.from(insides, ([container, inside]) => ({
    container,
    ...inside,
    ...containerPlan(host.facts, container, inside.netns),
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
    atOnce(plans, plan =>
      insideOf(plan.container.id, () => prepareInside(host, plan.container, plan, plan, undo)),
    ),
    apply('guard'),
  ])
  await apply('commit')
  await atOnce(plans, async ({ container, rt }) => {
    try {
      await insideOf(container.id, signal => untilItSends(rt, interfaceOf(container), signal))
    } catch (error) {
      if (!isInsideError(error)) throw error
    }
  })
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

/** Of a device that is gone there is nothing to restore. */
async function restoreSysctls(netns: NetworkNamespace, former: FormerSysctls): Promise<void> {
  const results = await netns.accessFiles(former)
  const failure = results.find(result => result instanceof Error && !isMissing(result))
  if (failure instanceof Error) throw failure
}

async function prepareInside(
  host: HostContext,
  container: BuiltContainer,
  opened: Inside,
  { inside, insideBefore, insideSysctls }: ContainerPlan,
  undo: Undo,
): Promise<void> {
  const { netns, rt, leftHook } = opened
  const takeBack = (step: InsideStep): void => {
    undo.push(() => insideAgain(host, container, opened, step))
  }
  if (leftHook) takeBack(({ rt }) => clearLoopback(rt))
  // Asked by the same socket before anything is sent, it is what the kernel tells before anything is changed.
  const before = rt.links.get('lo').then(currentLoopback)
  // Why there is no answer is thrown below, if nothing else is first.
  before.catch(() => undefined)
  takeBack(async ({ rt }) => {
    const settings = await before.catch(() => undefined)
    if (settings) await rt.links.change(settings)
  })
  const set = (sysctls: readonly Sysctl[]): Promise<void> =>
    applySysctls(netns, sysctls, former => {
      takeBack(({ netns }) => restoreSysctls(netns, former))
    })
  if (insideBefore.length > 0) await set(insideBefore)
  await allDone([
    before,
    set(insideSysctls),
    applyAll(rt, leftHook ? inside.flatMap(onLeftHook) : inside, {
      push(_, inverses) {
        // The veth takes the others along.
        const staying = inverses.filter(({ spec }) => (spec as { dev?: unknown }).dev === 'lo')
        takeBack(({ rt }) => removeAll(rt, staying))
      },
    }),
  ])
}

/** What is needed to do something inside. */
type OpenInside = Pick<Inside, 'netns' | 'rt'>

type InsideStep = (open: OpenInside) => Promise<void>

/** What stands on the hook that is there already: its filter takes the place of the one that was left. */
function onLeftHook(message: Planned): Planned[] {
  const { dev } = message.spec as { dev?: unknown }
  if (dev !== 'lo') return [message]
  if (message.object.name === qdisc.name) return []
  return message.object.name === filter.name
    ? [plan(filter, 'replace', message.spec as FilterSpec)]
    : [message]
}

/** What the plan changes of a container's lo, as it is now, but for the MAC: the kernel refuses the all-zero one. */
const currentLoopback = ({ mtu, up, inet }: Link) => ({
  dev: 'lo',
  mtu,
  up,
  inet: { accept_local: inet?.accept_local ?? 0, route_localnet: inet?.route_localnet ?? 0 },
})

/**
 * Does something inside, with what is open still: there may be no descriptor to spare. Many containers are not held open
 * until the last of them is made; an earlier one is opened again. If nothing leads to it, nothing can be done.
 *
 * @throws IsolatorError ERR_INSIDE_CONTAINER
 */
async function insideAgain(
  host: HostContext,
  container: BuiltContainer,
  opened: OpenInside,
  step: InsideStep,
): Promise<void> {
  try {
    const open = opened.netns.closed ? await openAgain(host, container) : opened
    if (!open) return
    const close = (): Promise<void> => closeInside(open)
    try {
      await insideOf(container.id, async signal => {
        const stopWaiting = whenAborted(signal, () => {
          void close()
        })
        try {
          await step(open)
        } finally {
          stopWaiting()
        }
      })
    } finally {
      if (open !== opened) await close()
    }
  } catch (error) {
    throw insideError(container.id, error)
  }
}

async function openAgain(host: HostContext, container: BuiltContainer): Promise<OpenInside | undefined> {
  const netns = await openNamespace(host, container)
  if (!netns) return undefined
  try {
    return { netns, rt: await RtnetlinkSocket.open({ netns }) }
  } catch (error) {
    netns.close()
    throw error
  }
}

/** Closes both, once the container is made. */
export function closeInside({ netns, rt }: OpenInside): Promise<void> {
  netns.close()
  return closeSocketInside(rt)
}

/**
 * Opens a socket inside a namespace that is to be a container's, and looks whether it can be one. Whoever gets the socket
 * closes it soon: it keeps the namespace alive, and has a thread.
 *
 * @throws IsolatorError ERR_FOREIGN_STATE where lo has an ingress qdisc of somebody else
 */
export async function openInside(id: string, netns: NetworkNamespace): Promise<Inside> {
  const rt = await RtnetlinkSocket.open({ netns })
  try {
    return { netns, rt, leftHook: await insideOf(id, () => hasLeftHook(rt)) }
  } catch (error) {
    rt.close()
    throw error
  }
}

/**
 * Resolves when what the container sends is sent. When its peer is set up, a veth that is up itself has a carrier, but drops
 * what it is given until the kernel gets round to noticing that (dev_activate in net/sched/sch_generic.c, by
 * net/core/link_watch.c). To be asked for the link has it notice at once from Linux 6.8 on (rtnl_getlink).
 *
 * @param rt a socket inside the container
 */
async function untilItSends(rt: RtnetlinkSocket, dev: string, signal: AbortSignal): Promise<void> {
  // The kernel's own delay is that of a busy worker thread, milliseconds.
  while (!signal.aborted) {
    // The container may have taken it down or away: that is no failure of ours.
    const link = await unlessGone(() => rt.links.get(dev))
    if (!link?.up || link.operationalState === 'up') return
    await sleep(1)
  }
}
