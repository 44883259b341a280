import type { NetworkNamespace } from '../../netns/network-namespace.js'
import { referencePath, type NetnsReference } from '../../netns/network-namespace.js'
import { netnsId } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { ensureBridges } from '../host/bridges.js'
import type { HostContext } from '../host/context.js'
import { hasOneIn, refusePortsInUse, socketsOfHost } from '../host/ports-in-use.js'
import { allDone, atOnce } from '../kernel/at-once.js'
import { closeSocketInside } from '../kernel/inside.js'
import { IsolatorError } from '../isolator-error.js'
import { openNetns } from '../kernel/open-netns.js'
import { allOrNothing, type Undo } from '../kernel/undo.js'
import { linkName } from '../layout/layout.js'
import { refuse } from '../options/option-checks.js'
import { isHeld } from '../plan/facts.js'
import { refuseLargePrograms } from '../plan/program-size.js'
import { buildContainers, closeInside, openInside, type Inside } from './build.js'
import type { ContainerLimits } from './limits.js'
import { checkRunDirectory, deleteName, giveName, isNameTaken } from './namespace-handles.js'
import { numbersOfEnds } from './find-namespace.js'
import { isNamespaceOf, isStillThere } from './namespace.js'
import type { OtherContainer } from './others.js'
import { refuseOthersInside } from './refuse-inside.js'
import { isHolders, type Container, type ContainerTable, type WantedContainer } from './table.js'

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
    for (const one of wanted) {
      const { netns: _netns, ...place } = one
      let container: Container
      try {
        container = containers.add(place)
      } catch (error) {
        throw await withPlaceOfHolder(host, containers, one, error)
      }
      undo.push(() => {
        containers.remove(container)
      })
      added.push(container)
      refuseLargePrograms(host.facts, container)
    }
    await limits.refuseUnfitKernel(wanted)
    const references = new Map(added.map((container, i) => [container, (wanted[i] as WantedContainer).netns]))
    let closed: readonly Promise<void>[] = []
    for (let i = 0; i < added.length; i += ISOLATED_AT_ONCE) {
      // The next ones need the descriptors.
      await Promise.all(closed)
      closed = await isolateSome(host, containers, [...references].slice(i, i + ISOLATED_AT_ONCE), undo)
    }
  })
  for (const container of added) container.settled = work.catch(() => undefined)
  await work
  return added
}

/**
 * The error of a call whose id another container has: `details.isElsewhere` says whether that has another namespace. A runtime that
 * has made the namespace anew has the container replaced then.
 */
async function withPlaceOfHolder(
  host: HostContext,
  table: ContainerTable,
  { id, netns }: WantedContainer,
  error: unknown,
): Promise<unknown> {
  const holder = table.get(id) ?? table.others.find(other => other.id === id)
  if (!holder || !(error instanceof IsolatorError) || error.code !== 'ERR_CONTAINER_EXISTS') return error
  // One that is just being made has its namespace only when that is settled, and may not be there then.
  if ('settled' in holder) await holder.settled
  if (table.get(id) !== holder && !table.others.includes(holder as OtherContainer)) return error
  return new IsolatorError(error.code, error.message, {
    details: { ...error.details, isElsewhere: await isElsewhere(host, holder, netns) },
  })
}

/** Undefined if the reference leads to no namespace, which is not what the call fails for. */
async function isElsewhere(
  host: HostContext,
  holder: Container | OtherContainer,
  reference: NetnsReference,
): Promise<boolean | undefined> {
  try {
    return !(await isNamespaceOf(host, holder, reference))
  } catch (error) {
    if (!(error instanceof IsolatorError)) throw error
    return undefined
  }
}

/**
 * Opens the namespaces, gives those that are to be held their names in /run/netns and makes containers of them. Whatever was done is taken back
 * by `undo`.
 *
 * @returns what resolves when the descriptors of each are closed
 * @throws IsolatorError ERR_INVALID_OPTION for the host's own namespace, ERR_CONTAINER_EXISTS, ERR_PORTS_IN_USE,
 *   ERR_FOREIGN_STATE
 */
async function isolateSome(
  host: HostContext,
  table: ContainerTable,
  wanted: readonly (readonly [Container, NetnsReference])[],
  undo: Undo,
): Promise<Promise<void>[]> {
  const containers = wanted.map(([container, reference]) => {
    const netns = openReference(host, reference, undo)
    table.settleIn(netns.identity, container, isStillThere(host.rt.devices))
    return { container, netns }
  })
  const free = avoidSocketsOfHost(
    host,
    table,
    containers.map(({ container }) => container),
  )
  const opened = atOnce(containers, async ({ container, netns }): Promise<[Container, Inside]> => {
    const inside = await openInside(container.id, netns)
    undo.push(() => closeSocketInside(inside.rt))
    return [container, inside]
  })
  await allDone([free, opened])
  const insides = new Map(await opened)
  await assignIds(host, table, containers)
  await atOnce([...insides], ([container, { rt }]) => refuseOthersInside(rt, host.facts, container))
  await atOnce(containers, ({ container, netns }) =>
    isHeld(container) ? attach(host, table, container, netns, undo) : passOverNames(table, container),
  )
  await ensureBridges(
    host,
    containers.map(({ container }) => container.slot),
  )
  await buildContainers(host, insides, undo)
  for (const { container } of containers)
    container.ifindex = host.rt.devices.interfaceIndex(linkName(container.slot))
  return Array.from(insides.values(), closeInside)
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

function openReference(host: HostContext, reference: NetnsReference, undo: Undo): NetworkNamespace {
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
  const unsettled = await numbersOfUnsettled(rt, table)
  for (const [i, { container }] of containers.entries()) {
    const nsid = netnsId.of(answers[i]?.replies ?? [])
    table.refuseOthersNamespace(container, nsid)
    const holder = nsid === undefined ? undefined : unsettled.get(nsid)
    if (holder) throw isHolders(container, holder)
  }
}

/** Containers of which it is not known which namespace they have, as after a restart, by the number of the one that their interface is in. */
async function numbersOfUnsettled(
  rt: RtnetlinkSocket,
  table: ContainerTable,
): Promise<ReadonlyMap<number, Container>> {
  const unsettled = [...table].filter(
    ({ namespace, ifindex }) => namespace === undefined && ifindex !== undefined,
  )
  const bySlot = new Map(unsettled.map(container => [container.slot, container]))
  const numbers = await numbersOfEnds(rt, unsettled)
  return new Map(Array.from(numbers, ([slot, nsid]) => [nsid, bySlot.get(slot) as Container]))
}

/** Without a name of its own, a container has no slot whose name somebody else has either: whoever looks would take that for its name. */
function passOverNames(table: ContainerTable, container: Container): Promise<void> {
  while (isNameTaken(container.slot)) table.passOverSlot(container)
  return Promise.resolve()
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
