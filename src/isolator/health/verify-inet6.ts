import { isDeepStrictEqual } from 'node:util'
import { route, type Route, type RouteSpec } from '../../rtnetlink/index.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import { MOST_LISTED, MOST_ROUTES } from '../host/other-routes.js'
import type { Inet6Facts } from '../plan/facts.js'
import { inet6Addresses, inet6Routes } from '../plan/inet6.js'
import { plan, planDelete, type Planned } from '../plan/planned.js'
import { ROUTE_PROTOCOL } from '../plan/routes.js'
import type { Fault } from './difference.js'

/** What of a container's IPv6 addresses and of its routes from us is not as planned: a container can change them, at its own expense. */
export async function inet6Faults(
  rt: RtnetlinkSocket,
  dev: string,
  inet6: Inet6Facts,
  signal: AbortSignal,
): Promise<Fault[]> {
  const options = { signal, maxMessages: MOST_LISTED }
  const addresses = await rt.addresses.list({ dev, family: 'inet6' }, options)
  const there = new Set(addresses.map(found => found.address))
  const routes = await rt.routes.list({ family: 'inet6', protocol: ROUTE_PROTOCOL, dev }, options)
  const wanted = inet6Routes(inet6, dev)
  const isWanted = (found: Route): boolean => wanted.some(spec => isSamePlace(found, spec))
  return [
    ...inet6Addresses(inet6, dev)
      .filter(({ spec }) => !there.has((spec as { address: string }).address))
      .map(planned => missing(planned, [planned])),
    ...wanted.flatMap(spec => {
      if (routes.some(found => isSamePlace(found, spec) && isSameWay(found, spec))) return []
      const replaced = plan(route, 'replace', spec)
      return [missing(plan(route, 'add', spec), [replaced])]
    }),
    ...routes
      .filter(found => !isWanted(found))
      .slice(0, MOST_ROUTES)
      .map((found): Fault => ({
        difference: { kind: 'surplus', object: route.command('add', found), foreign: false },
        mend: [planDelete(route, found)],
      })),
  ]
}

const missing = (planned: Planned, mend: readonly Planned[]): Fault => ({
  difference: { kind: 'missing', object: planned.command(), foreign: false },
  mend,
})

const isSamePlace = (found: Route, { destination, metric }: RouteSpec): boolean =>
  found.destination === destination && (metric === undefined || found.metric === metric)

const isSameWay = (found: Route, { gateway, metrics = {} }: RouteSpec): boolean =>
  found.gateway === gateway && isDeepStrictEqual(found.metrics ?? {}, metrics)
