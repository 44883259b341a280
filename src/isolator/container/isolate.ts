import type { NetworkNamespace} from '../../netns/network-namespace.js';
import { referencePath, type NetnsReference } from '../../netns/network-namespace.js'
import { netnsId } from '../../rtnetlink/index.js'
import { ensureBridges } from '../host/bridges.js'
import type { HostContext } from '../host/context.js'
import { hasOneIn, refusePortsInUse, socketsOfHost } from '../host/ports-in-use.js'
import { allDone, atOnce } from '../kernel/at-once.js'
import { openNetns } from '../kernel/open-netns.js'
import { allOrNothing, type Undo } from '../kernel/undo.js'
import { linkName } from '../layout/layout.js'
import { refuse } from '../options/option-checks.js'
import { refuseLargePrograms } from '../plan/program-size.js'
import { buildContainers, closeInside, openInside, type Inside } from './build.js'
import type { ContainerLimits } from './limits.js'
import { checkRunDirectory, deleteName, giveName, hasItsName } from './namespace-handles.js'
import type { Container, ContainerTable, WantedContainer } from './table.js'

/** Namespaces that are held open at a time, each with a socket inside. */
const ISOLATED_AT_ONCE = 16

/** What it takes to isolate. */
export interface Isolation {
  readonly host: HostContext
  readonly containers: ContainerTable
  readonly limits: ContainerLimits
}

/**
 * Gives containers their places in the table and makes them: all of them, or none. Other calls for them wait until that
 * is settled.
 *
 * @throws IsolatorError as `isolate`, for the first that cannot be
 */
export async function isolate(
  { host, containers, limits }: Isolation,
  wanted: readonly WantedContainer[],
): Promise<Container[]> {
  const added: Container[] = []
  const work = allOrNothing(async undo => {
    for (const { netns: _netns, ...place } of wanted) {
      const container = containers.add(place)
      undo.push(() => {
        containers.remove(container)
      })
      added.push(container)
      refuseLargePrograms(host.facts, container)
    }
    await limits.refuseUnfitKernel(wanted)
    const references = new Map(added.map((container, i) => [container, (wanted[i] as WantedContainer).netns]))
    for (let i = 0; i < added.length; i += ISOLATED_AT_ONCE)
      await isolateSome(host, containers, [...references].slice(i, i + ISOLATED_AT_ONCE), undo)
  })
  for (const container of added) container.settled = work.catch(() => undefined)
  await work
  return added
}

/**
 * Opens the namespaces, gives them their names in /run/netns and makes containers of them. Whatever was done is taken back
 * by `undo`.
 *
 * @throws IsolatorError ERR_INVALID_OPTION for the host's own namespace, ERR_CONTAINER_EXISTS, ERR_PORTS_IN_USE,
 *   ERR_FOREIGN_STATE
 */
async function isolateSome(
  host: HostContext,
  table: ContainerTable,
  wanted: readonly (readonly [Container, NetnsReference])[],
  undo: Undo,
): Promise<void> {
  const containers = wanted.map(([container, reference]) => {
    const netns = openNamespace(host, reference, undo)
    table.settleIn(netns.identity, container, hasItsName)
    return { container, netns }
  })
  const free = avoidSocketsOfHost(
    host,
    table,
    containers.map(({ container }) => container),
  )
  const opened = atOnce(containers, async ({ container, netns }): Promise<[Container, Inside]> => {
    const inside = await openInside(container.id, netns)
    undo.push(() => {
      inside.rt.close()
    })
    return [container, inside]
  })
  await allDone([free, opened])
  const insides = new Map(await opened)
  await assignIds(host, table, containers)
  await atOnce(containers, ({ container, netns }) => attach(host, table, container, netns, undo))
  await ensureBridges(
    host,
    containers.map(({ container }) => container.slot),
  )
  await buildContainers(host, insides, undo)
  for (const { container } of containers)
    container.ifindex = host.rt.devices.interfaceIndex(linkName(container.slot))
  for (const inside of insides.values()) closeInside(inside)
}

/**
 * Gives containers ephemeral ranges in which the host has no socket: a connection of before the range was reserved, or taken
 * from the host's own, can have any port there.
 *
 * @throws IsolatorError ERR_PORTS_IN_USE for a port that a container asks for, ERR_PORTS_EXHAUSTED where no range is free
 */
async function avoidSocketsOfHost(
  host: HostContext,
  table: ContainerTable,
  containers: readonly Container[],
): Promise<void> {
  const held = await socketsOfHost(host, table.managedRange)
  for (const container of containers) table.passOverEphemeral(container, range => hasOneIn(held, range))
  if (host.hostSockets === 'refuse') refusePortsInUse(held, containers)
}

function openNamespace(host: HostContext, reference: NetnsReference, undo: Undo): NetworkNamespace {
  const netns = openNetns(reference)
  undo.push(() => {
    netns.close()
  })
  if (!netns.equals(host.netns)) return netns
  throw refuse('netns', referencePath(reference), "a namespace of the container's own, not the host's")
}

/**
 * Has the host's namespace know others: the names that they get next are ours by this (see ourHandles). One that it knows
 * already can be the container of another isolator.
 *
 * @throws IsolatorError ERR_CONTAINER_EXISTS then
 */
async function assignIds(
  { rt }: HostContext,
  table: ContainerTable,
  containers: readonly { container: Container; netns: NetworkNamespace }[],
): Promise<void> {
  const results = await rt.send([
    ...containers.map(({ netns }) => netnsId.assign(netns.fd)),
    ...containers.map(({ netns }) => netnsId.ask(netns.fd)),
  ])
  const refused = results.find(({ error }) => error && error.code !== 'EEXIST')
  if (refused?.error) throw refused.error
  const answers = results.slice(containers.length)
  for (const [i, { container }] of containers.entries())
    table.refuseOthersNamespace(container, netnsId.of(answers[i]?.replies ?? []))
}

/** Mounts the namespace at the name of a slot. Names that others have, such as an isolator of another host side, are passed over. */
async function attach(
  { netns: host }: HostContext,
  table: ContainerTable,
  container: Container,
  netns: NetworkNamespace,
  undo: Undo,
): Promise<void> {
  for (;;) {
    const { slot } = container
    try {
      await giveName(host, slot, netns)
      container.named = true
      undo.push(() => deleteName(host, slot))
      return
    } catch (error) {
      checkRunDirectory()
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      table.passOverSlot(container)
    }
  }
}
