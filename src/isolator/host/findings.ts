import { isDeepStrictEqual } from 'node:util'
import type { Link } from '../../rtnetlink/index.js'
import { unlessGone } from '../kernel/unless-gone.js'
import type { HostContext } from './context.js'
import { findInet6Now, type HostInet6 } from './inet6.js'
import { readRoutes, routesWithFormer, type HostRoutes } from './routes.js'

/** What containers follow of their host beside its public interface. */
export interface HostFindings {
  readonly routes: HostRoutes
  /** Undefined where containers have no IPv6. */
  readonly inet6: HostInet6 | undefined
}

/** Reads what containers are to have now. Reads no link where they have no IPv6. */
export async function findNow(host: HostContext): Promise<HostFindings> {
  const { rt, facts, routing } = host
  const routes = await readRoutes(rt, facts, routing)
  const inet6 = facts.inet6 && (await findInet6Now(host, await rt.links.get(facts.publicInterface)))
  return { routes, inet6 }
}

/**
 * Has the facts follow the host's routes and IPv6. Where the host has no way out any more, that which it had is kept: it may come
 * back, and until then nothing is lost by it. So are the addresses that containers reach when one more makes them too many.
 *
 * @param link the public interface
 */
export async function followFindings(host: HostContext, link: Link): Promise<HostFindings> {
  const routes = await readRoutes(host.rt, host.facts, host.routing)
  const inet6 = await findInet6Now(host, link)
  host.facts = {
    ...host.facts,
    routes: routesWithFormer(routes, host.facts.routes),
    ...(inet6 && { inet6: inet6.inet6 }),
  }
  return { routes, inet6 }
}

/** Whether containers are to have something else than they have had since the last repair. */
export async function findingsChanged(host: HostContext): Promise<boolean> {
  const found = await unlessGone(() => findNow(host))
  return found !== undefined && areNews(host, found)
}

export const areNews = (
  { settledRoutes, settledInet6 }: HostContext,
  { routes, inet6 }: HostFindings,
): boolean =>
  !isDeepStrictEqual(routesWithFormer(routes, settledRoutes), settledRoutes) ||
  (inet6 !== undefined && !isDeepStrictEqual(inet6.inet6, settledInet6))
