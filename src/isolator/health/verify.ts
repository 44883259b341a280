import { activeFeatures } from '../../ethtool/features.js'
import { atOnce } from '../kernel/at-once.js'
import type { Container, ContainerTable } from '../container/table.js'
import type { Fault } from './difference.js'
import type { HostContext } from '../host/context.js'
import { followName } from '../host/public-interface.js'
import { followRoutes } from '../host/routes.js'
import type { HostRecord } from '../layout/host-record.js'
import { unlessGone } from '../kernel/unless-gone.js'
import { FIRST_SLOT, shaperNames } from '../layout/layout.js'
import { WholeSnapshot } from './snapshot.js'
import { containerNodes } from '../plan/container.js'
import type { HostFacts } from '../plan/facts.js'
import { hostPlan } from '../plan/host.js'
import { bridgeFaults } from './verify-bridges.js'
import { socketFaults } from './verify-sockets.js'
import { containerFaults, type ActiveFeatures } from './verify-container.js'
import { hostFaults, routeFault, surplusFaults } from './verify-host.js'

/** What is compared with the kernel. */
export interface Scope {
  readonly host: HostContext
  readonly record: HostRecord
  /** The containers that are looked at. */
  readonly containers: readonly Container[]
  /** Whether the host's own part is, and what on its interfaces belongs to nobody. */
  readonly whole: boolean
  /** All containers there are at the time of asking, also those that came after the look began. */
  readonly table: ContainerTable
}

/**
 * What of the host's own part and of containers is not as planned: the host first, each in the order of its plan. The plan
 * follows the host, should its public interface have another MAC or MTU by now, or containers need other routes.
 */
export async function findFaults(scope: Scope): Promise<Fault[]> {
  const { host } = scope
  const { publicInterface } = host.facts
  try {
    return await compareWithKernel(scope)
  } catch (error) {
    // It may have been given another name meanwhile.
    followName(host)
    if (host.facts.publicInterface === publicInterface) throw error
    return compareWithKernel(scope)
  }
}

async function compareWithKernel({ host, record, containers, whole, table }: Scope): Promise<Fault[]> {
  const snapshot = await WholeSnapshot.read(host.rt)
  host.facts = currentFacts(host.facts, snapshot)
  host.publicIndex = snapshot.link(host.facts.publicInterface)?.index ?? host.publicIndex
  // Without an interface there are no routes: containers keep what they have until it is there again.
  const { problems } = (await unlessGone(() => followRoutes(host))) ?? { problems: [] }
  const features = await featuresOn(host, containers)
  const faults = new Map<Container, Fault[]>()
  const slots = containers.map(({ slot }) => slot)
  const bridges = await bridgeFaults(host.facts, whole ? [FIRST_SLOT, ...slots] : slots, snapshot)
  const ofHost = [
    ...bridges,
    ...(whole
      ? [
          ...(await hostFaults(host, record, snapshot)),
          ...problems.map(problem => routeFault(host.facts, problem)),
        ]
      : []),
  ]
  if (!snapshot.link(host.facts.publicInterface)) return ofHost
  await atOnce(containers, async container => {
    faults.set(container, await containerFaults(host, container, snapshot, features))
  })
  const lookedAt = new Set(slots)
  const planned = [
    ...hostPlan(host.facts, record),
    ...containers.flatMap(container => containerNodes(host.facts, container)),
  ]
  return [
    ...ofHost,
    ...containers.flatMap(container => faults.get(container) ?? []),
    ...(await socketFaults(host, containers)),
    ...(await surplusFaults(host.facts, snapshot, planned, {
      isLookedAt: slot => lookedAt.has(slot),
      isTaken: slot => table.inSlot(slot) !== undefined,
      whole,
    })),
  ]
}

function currentFacts(facts: HostFacts, snapshot: WholeSnapshot): HostFacts {
  const link = snapshot.link(facts.publicInterface)
  if (!link) return facts
  const { address: mac = facts.mac, mtu, inet6 } = link
  return { ...facts, mac, mtu, ipv6: inet6 !== undefined }
}

/** What is on of the features that must not be, by device: asked of all shapers in one conversation. */
async function featuresOn(
  { netns, rt }: HostContext,
  containers: readonly Container[],
): Promise<ActiveFeatures> {
  const shapers = containers.flatMap(({ slot, enforced }) => (enforced ? [shaperNames(slot).near] : []))
  const there = shapers
    .map(dev => [dev, rt.devices.interfaceIndex(dev)] as const)
    .filter(([, index]) => index !== 0)
  if (there.length === 0) return new Map()
  const active = await activeFeatures(
    netns,
    there.map(([, index]) => index),
  )
  return new Map(
    there.flatMap(([dev, index]) => {
      const on = active?.get(index)
      return on ? [[dev, on]] : []
    }),
  )
}
