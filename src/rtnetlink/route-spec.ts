import {
  boolean,
  list,
  namesOf,
  number,
  object,
  oneOf,
  optional,
  passingOver,
  text,
  whole,
  type Declaration,
  type InputOf,
} from '../input/index.js'
import type { ObjectInputs } from '../netlink/checked-object.js'
import { carriedBy } from '../netlink/codec/carried-by.js'
import { ipAddress, u32, u8 } from '../netlink/codec/index.js'
import { nameOrNumber } from '../netlink/codec/named.js'
import { deviceInput, type Device } from '../netlink/devices.js'
import type { Uncarried } from '../netlink/uncarried.js'
import type { IpFamily } from './address-family.js'
import { treatmentInput, type Treatment } from './route-encapsulation.js'
import type { RouteFlag } from './route-flags.js'
import { routePreferences } from './route-messages.js'
import { metricsInput } from './route-metrics.js'
import {
  routeProtocols,
  routeTables,
  routeTypes,
  type RouteProtocol,
  type RouteTable,
  type RouteType,
} from './route-names.js'
import { scopes, type Scope } from './scopes.js'

const family = optional(oneOf('inet', 'inet6'))
const gateway = optional(carriedBy(ipAddress))
const dev = optional(deviceInput)
const onlink = optional(boolean)
const table = optional(nameOrNumber(routeTables, 0, 0xffff_ffff))
const type = optional(nameOrNumber(routeTypes, 0, 0xff))
const protocol = optional(nameOrNumber(routeProtocols, 0, 0xff))

const nexthopMembers = object({
  /** The next router, of either family. */
  gateway,
  dev,
  /** Share of the traffic, 1 to 256. Default: 1. */
  weight: optional(whole(1, 256)),
  /** The gateway is on the link, whatever the addresses say. */
  onlink,
})

/** One of the ways of a route. */
export interface Nexthop extends Treatment, InputOf<typeof nexthopMembers> {}

const nexthop: Declaration<Nexthop> = passingOver<Nexthop>(object({}, nexthopMembers, treatmentInput), [
  'flags',
])

const place = object({
  /** `'default'`, a prefix `'10.9.0.0/24'` or an address. */
  destination: text("'default', a prefix such as '10.9.0.0/24', or an IP address"),
  /** Default: that of the destination; of `'default'` that of the gateway, else `'inet'`. */
  family,
  gateway,
  dev,
  nexthops: optional(list(nexthop)),
  /**
   * Id of a nexthop object (`ip nexthop`). Where the route leads is what the object says: the `gateway`, `dev` and
   * `nexthops` that are listed beside it are not sent.
   */
  nexthopId: optional(whole(1)),
  /** Default: `'main'`; for local, broadcast and anycast routes `'local'`. */
  table,
  /** The smallest wins. Default: 0, for IPv6 1024. */
  metric: optional(carriedBy(u32)),
  /** Type of service that packets must have. */
  tos: optional(carriedBy(u8)),
  /** Default: `'unicast'`. */
  type,
  protocol,
  scope: optional(nameOrNumber(scopes, 0, 0xff)),
  /** The source address that packets get which have none. */
  preferredSource: optional(carriedBy(ipAddress)),
  /** IPv6: prefix that the source address of packets must be in. For `get`: the source address to look up with. */
  source: optional(text('an IP address or a prefix')),
})

/** Which route a spec and a key are about. */
interface RoutePlace extends InputOf<typeof place> {}

const lookup = object({
  /** Only for `get`: gives the route as it was added, not what becomes of it for this one address. Default: false. */
  fibMatch: optional(boolean),
})

/** What says which route is meant. The kernel takes an absent member as "any", and the first route that matches. */
export interface RouteKey extends RoutePlace, InputOf<typeof lookup> {}

/** What says which route to delete: where it leads, or that it leads nowhere. What was listed says so. */
export type RouteToDelete =
  | Route
  | (RouteKey &
      (
        | { dev: Device }
        | { gateway: string }
        | { nexthops: readonly Nexthop[] }
        | { nexthopId: number }
        | { type: (typeof nowhere)[number] }
      ))

/** What verbs take that do not take every key. */
export interface TakenRoutes {
  readonly delete: RouteToDelete
}

/** Types of routes that lead nowhere, of which there is one per destination. */
export const nowhere = ['blackhole', 'unreachable', 'prohibit', 'throw'] as const

const settings = object({
  /** The gateway is on the link, whatever the addresses say. */
  onlink,
  metrics: optional(metricsInput),
  /** IPv6: preference among routers. */
  preference: optional(nameOrNumber(routePreferences, 0, 0xff)),
  /** IPv6: seconds until the route is removed. The kernel counts whole seconds: a fraction is rounded up. */
  expires: optional(number(0, 0xffff_ffff)),
})

/** A route as it is asked for; the words are those of `ip route`. `protocol` defaults to `'boot'`, as with `ip`. */
export interface RouteSpec extends RoutePlace, Treatment, InputOf<typeof settings> {}

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

/** What a listed route has beside what it was made of. */
const state: Readonly<Record<Exclude<keyof Route | keyof Uncarried, keyof RouteSpec>, true>> = {
  ...{ ifindex: true, flags: true, uncarried: true },
}

const query = object({
  family,
  table,
  dev,
  protocol,
  type,
  /** Exactly this destination. */
  destination: optional(text("'default', a prefix such as '10.9.0.0/24', or an IP address")),
  gateway,
})

/** Which routes to list, of all tables where nothing is said. */
export interface RouteQuery extends InputOf<typeof query> {}

const spec: Declaration<RouteSpec> = object(
  {},
  passingOver<RoutePlace>(place, Object.keys(state)),
  settings,
  treatmentInput,
)

/** What callers hand in for the verbs of routes. */
export const routeInputs: ObjectInputs<RouteSpec, RouteKey, RouteQuery> = {
  spec,
  key: passingOver<RouteKey>(object({}, place, lookup), namesOf(spec)),
  query,
}
