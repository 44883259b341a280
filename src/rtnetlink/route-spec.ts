import type { Device } from '../netlink/devices.js'
import type { IpFamily } from './address-family.js'
import type { RouteFlag } from './route-flags.js'
import type { routePreferences } from './route-messages.js'
import type { RouteMetrics } from './route-metrics.js'
import type { RouteProtocol, RouteTable, RouteType } from './route-names.js'
import type { Treatment } from './route-encapsulation.js'
import type { Scope } from './scopes.js'

/** One of the ways of a route. */
export interface Nexthop extends Treatment {
  /** The next router, of either family. */
  gateway?: string | undefined
  dev?: Device | undefined
  /** Share of the traffic, 1 to 256. Default: 1. */
  weight?: number | undefined
  /** The gateway is on the link, whatever the addresses say. */
  onlink?: boolean | undefined
}

/** What says which route is meant. The kernel takes an absent member as "any", and the first route that matches. */
export interface RouteKey {
  /** `'default'`, a prefix `'10.9.0.0/24'` or an address. */
  destination: string
  /** Default: that of the destination; of `'default'` that of the gateway, else `'inet'`. */
  family?: IpFamily | undefined
  gateway?: string | undefined
  dev?: Device | undefined
  nexthops?: readonly Nexthop[] | undefined
  /**
   * Id of a nexthop object (`ip nexthop`). Where the route leads is what the object says: the `gateway`, `dev` and
   * `nexthops` that are listed beside it are not sent.
   */
  nexthopId?: number | undefined
  /** Default: `'main'`; for local, broadcast and anycast routes `'local'`. */
  table?: RouteTable | undefined
  /** The smallest wins. Default: 0, for IPv6 1024. */
  metric?: number | undefined
  /** Type of service that packets must have. */
  tos?: number | undefined
  /** Default: `'unicast'`. */
  type?: RouteType | undefined
  protocol?: RouteProtocol | undefined
  scope?: Scope | undefined
  /** The source address that packets get which have none. */
  preferredSource?: string | undefined
  /** IPv6: prefix that the source address of packets must be in. For `get`: the source address to look up with. */
  source?: string | undefined
  /** Only for `get`: gives the route as it was added, not what becomes of it for this one address. Default: false. */
  fibMatch?: boolean | undefined
}

/** A route as it is asked for; the words are those of `ip route`. `protocol` defaults to `'boot'`, as with `ip`. */
export interface RouteSpec extends RouteKey, Treatment {
  /** The gateway is on the link, whatever the addresses say. */
  onlink?: boolean | undefined
  metrics?: RouteMetrics | undefined
  /** IPv6: preference among routers. */
  preference?: keyof typeof routePreferences.numbers | number | undefined
  /** IPv6: seconds until the route is removed. The kernel counts whole seconds: a fraction is rounded up. */
  expires?: number | undefined
}

/** A route as the kernel describes it. */
export interface Route extends RouteSpec {
  family: IpFamily
  dev?: string
  ifindex?: number
  table: RouteTable
  type: RouteType
  protocol: RouteProtocol
  scope: Scope
  flags: RouteFlag[]
  nexthops?: (Nexthop & { dev?: string; flags: RouteFlag[] })[]
}

/** Which routes to list, of all tables where nothing is said. */
export interface RouteQuery {
  family?: IpFamily | undefined
  table?: RouteTable | undefined
  dev?: Device | undefined
  protocol?: RouteProtocol | undefined
  type?: RouteType | undefined
  /** Exactly this destination. */
  destination?: string | undefined
  gateway?: string | undefined
}
