import { turnOffFeatures } from '../../ethtool/features.js'
import { NetworkNamespace } from '../../netns/network-namespace.js'
import { link } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import type { FilterSpec } from '../../tc/index.js'
import { requestsOf } from '../kernel/apply.js'
import { applySysctls } from '../kernel/apply-sysctls.js'
import { atOnce } from '../kernel/at-once.js'
import type { Container } from '../container/table.js'
import type { Difference, Fault } from './difference.js'
import { keyOf } from '../layout/filter-places.js'
import type { HostContext } from '../host/context.js'
import { insideOf, isInsideError, withSocketInside } from '../kernel/inside.js'
import { giveNamesAgain } from '../container/lost-names.js'
import { giveNameAgain, hasItsName } from '../container/namespace-handles.js'
import { isStillThere, withNamespace } from '../container/namespace.js'
import { containerNodes } from '../plan/container.js'
import { findFaults, type Scope } from './verify.js'
import { keysOf } from './verify-host.js'

/** What `repair` came to. */
export interface Repair {
  /** What has been put right. */
  readonly repaired: readonly Difference[]
  /** What is still not as planned: what is somebody else's, or could not be put right. */
  readonly left: readonly Difference[]
}

/** What is made again can lack what stands on it, which the next look shows. */
const LOOKS = 3

/**
 * Puts right what is not as planned, in the order of the plan: the final drop before what lets anything pass, a veth up
 * only when its guard is complete. Nothing that is as planned is touched, and nothing that is somebody else's.
 */
export async function repair(scope: Scope): Promise<Repair> {
  const tried = new Map<string, Fault>()
  let faults = await findFaults(scope)
  for (
    let looks = 0;
    looks < LOOKS && faults.some(fault => isMendable(fault) && !tried.has(nameOf(fault)));
    looks++
  ) {
    const claimed = await mendAll(scope, faults)
    for (const fault of faults) if (!claimed.has(fault)) tried.set(nameOf(fault), fault)
    faults = await findFaults(scope)
  }
  for (const fault of faults) tried.delete(nameOf(fault))
  if (scope.whole) {
    scope.host.settledRoutes = scope.host.facts.routes
    scope.host.settledInet6 = scope.host.facts.inet6
  }
  return { repaired: differencesOf([...tried.values()]), left: differencesOf(faults) }
}

const differencesOf = (faults: readonly Fault[]): Difference[] => faults.map(({ difference }) => difference)

const isMendable = ({ difference }: Fault): boolean => !difference.foreign

const nameOf = ({ difference: { id, object } }: Fault): string => `${id} ${object}`

const isOf = ({ difference }: Fault, id: string): boolean => difference.id === id

/** @returns what is somebody's by now, and was left to him */
async function mendAll(scope: Scope, faults: readonly Fault[]): Promise<ReadonlySet<Fault>> {
  const { rt, netns } = scope.host
  const onHost = faults.filter(({ inside }) => !inside)
  // The name comes first: it is the way inside.
  await giveNames(
    scope,
    scope.containers.filter(({ id }) => faults.some(fault => fault.attach && isOf(fault, id))),
  )
  await mendFeatures(scope.host, onHost)
  // Messages that lead to a device need its index.
  await mend(rt, onHost.filter(makesDevice))
  await mend(
    rt,
    onHost.filter(fault => !isSurplus(fault) && !makesDevice(fault)),
  )
  const claimed = await removeSurplus(scope, onHost.filter(isSurplus))
  await mendSysctls(netns, onHost)
  await mendInside(scope, faults)
  return claimed
}

const makesDevice = ({ mend }: Fault): boolean =>
  mend.some(({ object, verb }) => object.name === link.name && verb === 'add')

/** Before what leads to the devices. What has gone meanwhile shows in what is left. */
async function mendFeatures({ netns, rt }: HostContext, faults: readonly Fault[]): Promise<void> {
  const features = faults.flatMap(({ feature }) => feature ?? [])
  const there = features.flatMap(({ dev, feature }) => {
    const ifindex = rt.devices.interfaceIndex(dev)
    return ifindex === 0 ? [] : [{ ifindex, feature }]
  })
  if (there.length > 0) await turnOffFeatures(netns, there)
}

/** Faults whose messages go together: they fit into one sendmsg, so that what is exchanged is never cut in the middle. */
const MENDED_AT_A_TIME = 128

/** Refusals show in what is left, and devices that have gone meanwhile: the rest is mended all the same. */
async function mend(rt: RtnetlinkSocket, faults: readonly Fault[]): Promise<void> {
  for (let i = 0; i < faults.length; i += MENDED_AT_A_TIME) {
    const part = faults.slice(i, i + MENDED_AT_A_TIME)
    const messages = [...part.flatMap(fault => fault.mend), ...part.flatMap(fault => fault.exchange ?? [])]
    await rt.send(requestsOf(messages, rt.devices))
  }
}

/** Deletions that are sent between two looks at who is there. */
const DELETIONS_AT_A_TIME = 256

/**
 * Deletes what nobody has a use for, but for what is in a place that is somebody's by now: of a container that came after
 * the look, the same node may be there. Its messages come after ours, since it is not in the table yet.
 *
 * @returns what was left to such a container
 */
async function removeSurplus(scope: Scope, surplus: readonly Fault[]): Promise<ReadonlySet<Fault>> {
  const claimed = new Set<Fault>()
  for (let i = 0; i < surplus.length; i += DELETIONS_AT_A_TIME) {
    const part = surplus.slice(i, i + DELETIONS_AT_A_TIME)
    const places = keysOf(newcomers(scope).flatMap(container => containerNodes(scope.host.facts, container)))
    for (const fault of part)
      if (fault.mend.some(({ spec }) => places.has(keyOf(spec as FilterSpec)))) claimed.add(fault)
    await mend(
      scope.host.rt,
      part.filter(fault => !claimed.has(fault)),
    )
  }
  return claimed
}

const isSurplus = ({ difference }: Fault): boolean => difference.kind === 'surplus'

/** Containers that came after the look at all of them. A single one, and what leads to it, nobody else changes meanwhile. */
function newcomers({ whole, containers, table }: Scope): Container[] {
  if (!whole) return []
  const lookedAt = new Set(containers)
  return [...table].filter(container => !lookedAt.has(container))
}

async function mendSysctls(netns: NetworkNamespace, faults: readonly Fault[]): Promise<void> {
  const sysctls = faults.flatMap(({ sysctl }) => sysctl ?? [])
  if (sysctls.length > 0) await applySysctls(netns, sysctls, () => undefined)
}

/** Whatever a container has made to be in the way is its own loss, and shows in what is left. */
async function mendInside({ host, containers }: Scope, faults: readonly Fault[]): Promise<void> {
  const inside = faults.filter(fault => fault.inside && !fault.difference.foreign)
  const faulty = new Set(inside.map(({ difference }) => difference.id))
  await atOnce(
    containers.filter(({ id }) => faulty.has(id)),
    async container => {
      const own = inside.filter(fault => isOf(fault, container.id))
      try {
        await withNamespace(host, container, netns =>
          insideOf(container.id, async signal => {
            // First, since addresses need IPv6 to be on. One that is refused keeps nothing else from being mended.
            const [sysctls] = await Promise.allSettled([mendSysctls(netns, own)])
            await withSocketInside(netns, signal, rt => mend(rt, own))
            if (sysctls.status === 'rejected') throw sysctls.reason
          }),
        )
      } catch (error) {
        if (!isInsideError(error)) throw error
      }
    },
  )
}

/** Gives namespaces their names again: by the places they were isolated by, or else by a process in them. */
async function giveNames({ host, table }: Scope, lost: readonly Container[]): Promise<void> {
  await atOnce(lost, container => nameByReference(host.netns, container))
  const nameless = lost.filter(container => !hasItsName(container))
  const { identities } = await giveNamesAgain(host, nameless)
  for (const container of nameless) {
    const identity = identities.get(container.slot)
    if (identity === undefined) continue
    table.settleIn(identity, container, isStillThere(host.rt.devices))
    container.named = true
  }
}

async function nameByReference(
  host: NetworkNamespace,
  { slot, reference, namespace }: Container,
): Promise<void> {
  let netns: NetworkNamespace | undefined
  try {
    netns = NetworkNamespace.open(reference)
    if (netns.identity === namespace) await giveNameAgain(host, slot, netns)
  } catch {
    // The process has ended, or somebody has the name: it is told of in what is left.
  } finally {
    netns?.close()
  }
}
