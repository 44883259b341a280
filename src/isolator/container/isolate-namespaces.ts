import { NetworkNamespace, referencePath, type NetnsReference } from '../../netns/network-namespace.js'
import { netnsId } from '../../rtnetlink/index.js'
import { allDone, atOnce } from '../kernel/at-once.js'
import type { Container, ContainerTable } from './table.js'
import type { HostContext } from '../host/context.js'
import { isolateContainers } from './build.js'
import { linkName } from '../layout/layout.js'
import { openInside } from './open-inside.js'
import { hasItsName } from './namespace-handles.js'
import { refuse } from '../options/option-checks.js'
import { allPorts } from '../plan/facts.js'
import { refusePortsInUse } from '../host/ports-in-use.js'
import type { Undo } from '../kernel/undo.js'

/** A container that has its place in the table, and the namespace that is to be made one of. */
export interface Newcomer {
  readonly container: Container
  readonly netns: NetnsReference
}

/**
 * Opens the namespaces, gives them their names in /run/netns and makes containers of them. Whatever was done is taken back
 * by `undo`.
 *
 * @throws IsolatorError ERR_INVALID_OPTION for the host's own namespace, ERR_CONTAINER_EXISTS, ERR_PORTS_IN_USE,
 *   ERR_FOREIGN_STATE
 */
export async function isolateNamespaces(
  host: HostContext,
  table: ContainerTable,
  newcomers: readonly Newcomer[],
  undo: Undo,
): Promise<void> {
  const named = newcomers.map(({ container, netns: reference }) => {
    const netns = NetworkNamespace.resolve(reference)
    undo.push(() => {
      netns.close()
    })
    if (netns.equals(host.netns))
      throw refuse('netns', referencePath(reference), "a namespace of the container's own, not the host's")
    table.settleIn(netns.identity, container, hasItsName)
    return { container, netns }
  })
  const free = refusePortsInUse(
    host.sockets,
    newcomers.map(({ container }) => ({ id: container.id, ports: allPorts(container) })),
  )
  const opened = atOnce(named, async ({ container, netns }) => {
    const rt = await openInside(netns)
    undo.push(() => {
      rt.close()
    })
    return { container, netns, rt }
  })
  await allDone([free, opened])
  const candidates = await opened
  // Whose the name is that each gets next is known by this: see ourHandles.
  await host.rt.send(candidates.map(({ netns }) => netnsId.assign(netns.fd)))
  await atOnce(candidates, ({ container, netns }) => attach(table, container, netns, undo))
  await isolateContainers(host, candidates, undo)
  for (const { netns, rt } of candidates) {
    rt.close()
    netns.close()
  }
}

/** Mounts the namespace at the name of a slot. Names that others have, such as an isolator of another host side, are passed over. */
async function attach(
  table: ContainerTable,
  container: Container,
  netns: NetworkNamespace,
  undo: Undo,
): Promise<void> {
  for (;;) {
    const name = linkName(container.slot)
    try {
      await netns.attach(name)
      container.named = true
      undo.push(() => NetworkNamespace.deleteName(name))
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      table.passOverSlot(container)
    }
  }
}
