import type { ContainerLimits } from './limits.js'
import type { Container, ContainerTable } from './table.js'
import type { HostContext } from '../host/context.js'
import { isolateNamespaces, type Newcomer } from './isolate-namespaces.js'
import { portsOfHost } from '../host/ports-in-use.js'
import { allOrNothing } from '../kernel/undo.js'
import type { WantedContainer } from './wanted.js'

/** Namespaces that are held open at a time, each with a socket inside. */
const ISOLATED_AT_ONCE = 16

/** What it takes to isolate. */
export interface Isolation {
  readonly host: HostContext
  readonly containers: ContainerTable
  readonly limits: ContainerLimits
  /** Whether the host's own connections may have managed ports. */
  readonly sharesPorts: boolean
}

/**
 * Gives containers their places in the table and makes them: all of them, or none. Other calls for them wait until that
 * is settled.
 *
 * @throws IsolatorError as `isolate`, for the first that cannot be
 */
export async function isolateAll(
  { host, containers, limits, sharesPorts }: Isolation,
  wanted: readonly WantedContainer[],
): Promise<Container[]> {
  const added: Newcomer[] = []
  const work = allOrNothing(async undo => {
    for (const { netns, ...options } of wanted) {
      const container = containers.add(options)
      undo.push(() => {
        containers.remove(container)
      })
      added.push({ container, netns })
    }
    await limits.refuseUnfitKernel(wanted)
    if (sharesPorts) {
      const inUse = await portsOfHost(host.sockets)
      for (const { container } of added) containers.passOverEphemeral(container, inUse)
    }
    for (let i = 0; i < added.length; i += ISOLATED_AT_ONCE)
      await isolateNamespaces(host, containers, added.slice(i, i + ISOLATED_AT_ONCE), undo)
  })
  for (const { container } of added) container.settled = work.catch(() => undefined)
  await work
  return added.map(({ container }) => container)
}
