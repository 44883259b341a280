import type { DumpOptions } from '../../netlink/call-options.js'
import type { Route } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { MOST_LISTED } from '../host/other-routes.js'
import { insideOf, isInsideError, withSocketInside } from '../kernel/inside.js'
import { CONTAINER_INTERFACE } from '../layout/layout.js'
import type { HostFacts } from '../plan/facts.js'
import { areSameRoutes, ROUTE_PROTOCOL } from '../plan/routes.js'
import { openNamespace } from './namespace-handles.js'
import type { Container } from './table.js'

/**
 * The routes inside a container that are listed as ours, which its root can make any number of.
 *
 * @throws DumpTooLargeError where there are more than are worth reading
 */
export const routesInside = (rt: RtnetlinkSocket, options?: DumpOptions): Promise<Route[]> =>
  rt.routes.list(
    { family: 'inet', protocol: ROUTE_PROTOCOL, dev: CONTAINER_INTERFACE },
    { ...options, maxMessages: MOST_LISTED },
  )

/**
 * Whether a container has other routes of ours than it is to have: the host's have changed while no isolator followed them.
 * Of one that cannot be looked into, nothing is known.
 */
export async function hasOtherRoutes({ routes }: HostFacts, container: Container): Promise<boolean> {
  const netns = openNamespace(container)
  if (!netns) return false
  try {
    const found = await insideOf(container.id, signal =>
      withSocketInside(netns, signal, rt => routesInside(rt, { signal })),
    )
    return !areSameRoutes(found, routes)
  } catch (error) {
    if (!isInsideError(error)) throw error
    return false
  } finally {
    netns.close()
  }
}
