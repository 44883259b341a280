import { activeFeatures } from '../../ethtool/features.js'
import { link, type Link } from '../../rtnetlink/index.js'
import { atOnce } from '../kernel/at-once.js'
import { NamespaceSearch } from '../container/find-namespace.js'
import type { Container, ContainerTable } from '../container/table.js'
import type { Fault } from './difference.js'
import type { HostContext } from '../host/context.js'
import { followName } from '../host/public-interface.js'
import { followFindings } from '../host/findings.js'
import type { HostRecord } from '../layout/host-record.js'
import { unlessGone } from '../kernel/unless-gone.js'
import { FIRST_SLOT, shaperNames } from '../layout/layout.js'
import { readPlanned } from './planned-snapshot.js'
import { WholeSnapshot, type Snapshot } from './snapshot.js'
import { containerNodes } from '../plan/container.js'
import { hostPlan } from '../plan/host.js'
import { plan } from '../plan/planned.js'
import { bridgeFaults, bridgeSide } from './verify-bridges.js'
import { socketFaults } from './verify-sockets.js'
import { containerFaults, devicesOf, nearSide, type ActiveFeatures } from './verify-container.js'
import { hostFaults, inet6Fault, interfaceMissing, routeFault, surplusFaults } from './verify-host.js'

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

async function compareWithKernel(scope: Scope): Promise<Fault[]> {
  const { host, record, containers, whole } = scope
  const snapshot = await look(scope)
  // Without an interface there are no routes: containers keep what they have until it is there again.
  const link = snapshot.link(host.facts.publicInterface)
  const found = link && (await unlessGone(() => followFindings(host, link)))
  const features = await featuresOn(host, containers)
  const faults = new Map<Container, Fault[]>()
  const slots = containers.map(({ slot }) => slot)
  const bridges = await bridgeFaults(host.facts, whole ? [FIRST_SLOT, ...slots] : slots, snapshot)
  const ofHost = [
    ...bridges,
    ...(whole
      ? [
          ...(await hostFaults(host, record, snapshot)),
          ...(found?.routes.problems.map(problem => routeFault(host.facts, problem)) ?? []),
          ...(found?.inet6?.problems.map(inet6Fault) ?? []),
        ]
      : []),
  ]
  if (!snapshot.link(host.facts.publicInterface))
    return whole ? ofHost : [...ofHost, interfaceMissing(host.facts)]
  const search = new NamespaceSearch(host)
  await atOnce(containers, async container => {
    faults.set(container, await containerFaults(host, container, snapshot, features, search))
  })
  return [
    ...ofHost,
    ...containers.flatMap(container => faults.get(container) ?? []),
    ...(await socketFaults(host, containers)),
    ...(whole ? await surplusOf(scope, snapshot) : []),
  ]
}

/**
 * Reads everything that the host has, or of one container what its plan has: that costs the same however many others there are.
 * Has the facts follow the public interface.
 */
async function look({ host, containers, whole }: Scope): Promise<Snapshot> {
  const { rt } = host
  const { publicInterface } = host.facts
  if (whole) {
    const snapshot = await WholeSnapshot.read(rt)
    followInterface(host, snapshot.link(publicInterface))
    return snapshot
  }
  followInterface(host, await unlessGone(() => rt.links.get(publicInterface)))
  const planned = containers.flatMap(container => [
    ...bridgeSide(host.facts, container.slot),
    ...nearSide(host.facts, container),
  ])
  const own = new Set(containers.flatMap(devicesOf))
  return readPlanned(rt, [plan(link, 'change', { dev: publicInterface }), ...planned], own)
}

function followInterface(host: HostContext, link: Link | undefined): void {
  if (!link) return
  const { address: mac = host.facts.mac, mtu, inet6, index } = link
  host.facts = { ...host.facts, mac, mtu, ipv6: inet6 !== undefined }
  host.publicIndex = index
}

/** What nobody has planned on the host's interfaces: it can be anywhere, and only a look at all of it finds it. */
function surplusOf({ host, record, containers, table }: Scope, snapshot: Snapshot): Promise<Fault[]> {
  const lookedAt = new Set(containers.map(({ slot }) => slot))
  const planned = [
    ...hostPlan(host.facts, record),
    ...containers.flatMap(container => containerNodes(host.facts, container)),
  ]
  return surplusFaults(host.facts, snapshot, planned, {
    isLookedAt: slot => lookedAt.has(slot),
    isTaken: slot => table.isTaken(slot),
  })
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
