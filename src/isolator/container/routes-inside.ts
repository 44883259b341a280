import type { DumpOptions } from '../../netlink/call-options.js'
import type { NetworkNamespace } from '../../netns/network-namespace.js'
import type { Route } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import type { HostContext } from '../host/context.js'
import { MOST_LISTED } from '../host/other-routes.js'
import { insideOf, isInsideError, withSocketInside } from '../kernel/inside.js'
import { interfaceOf } from '../plan/facts.js'
import { areSameRoutes, ROUTE_PROTOCOL } from '../plan/routes.js'
import type { NamespaceSearch } from './find-namespace.js'
import { areNone, inet6Differences } from './inet6-inside.js'
import { withNamespace } from './namespace.js'
import type { Container } from './table.js'

/**
 * The routes inside a container that are listed as ours, which its root can make any number of.
 *
 * @throws DumpTooLargeError where there are more than are worth reading
 */
export const routesInside = (rt: RtnetlinkSocket, dev: string, options?: DumpOptions): Promise<Route[]> =>
  rt.routes.list({ family: 'inet', protocol: ROUTE_PROTOCOL, dev }, { ...options, maxMessages: MOST_LISTED })

/**
 * Whether a container has other routes of ours than it is to have, or other IPv6 addresses: the host's have changed while no
 * isolator followed them. Of one that cannot be looked into, nothing is known.
 */
export async function hasOtherRoutes(
  host: HostContext,
  container: Container,
  search: NamespaceSearch,
): Promise<boolean> {
  const { routes, inet6 } = host.facts
  const dev = interfaceOf(container)
  const isOutdated = (netns: NetworkNamespace): Promise<boolean> =>
    insideOf(container.id, signal =>
      withSocketInside(
        netns,
        signal,
        async inside =>
          !areSameRoutes(await routesInside(inside, dev, { signal }), routes) ||
          (inet6 !== undefined && !areNone(await inet6Differences(inside, dev, inet6, { signal }))),
      ),
    )
  try {
    return (await withNamespace(host, container, isOutdated, search)) ?? false
  } catch (error) {
    if (!isInsideError(error)) throw error
    return false
  }
}
