import { checkedObject } from '../netlink/checked-object.js'
import type { Infer, InferInput } from '../netlink/codec/index.js'
import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from '../netlink/constants.js'
import { deviceIndex, deviceName } from '../netlink/devices.js'
import type { DeviceNames } from '../netlink/message-type.js'
import type { ObjectType } from '../netlink/object-type.js'
import type { IpFamily } from './address-family.js'
import { defined } from './defined.js'
import { addressBits, canonicalAddress, familyOf, parsePrefix } from './prefix.js'
import { routeRestoration } from './restoration.js'
import { routeCommand } from './route-command.js'
import { readDestination } from './route-destination.js'
import { treatmentAttributes, treatmentIn } from './route-encapsulation.js'
import { routeFlagNames, RTNH_F_ONLINK } from './route-flags.js'
import { routeMessages, type routeBody } from './route-messages.js'
import { metricsFromAttributes, metricsToAttributes } from './route-metrics.js'
import { routeTables, type RouteTable, type RouteType } from './route-names.js'
import {
  nowhere,
  routeInputs,
  type Nexthop,
  type Route,
  type RouteKey,
  type RouteQuery,
  type RouteSpec,
  type TakenRoutes,
} from './route-spec.js'
import type { Scope } from './scopes.js'

type Body = Infer<typeof routeBody>
type BodyInput = InferInput<typeof routeBody>
type AttributesInput = NonNullable<BodyInput['attributes']>

/** RTM_F_LOOKUP_TABLE and RTM_F_FIB_MATCH, linux/rtnetlink.h */
const RTM_F_LOOKUP_TABLE = 0x1000
const RTM_F_FIB_MATCH = 0x2000

const routes: ObjectType<RouteSpec, RouteKey, RouteQuery, Route, TakenRoutes> = {
  name: 'route',
  messages: routeMessages,
  flags: { add: NLM_F_CREATE | NLM_F_EXCL, replace: NLM_F_CREATE | NLM_F_REPLACE, change: NLM_F_REPLACE },

  toNew(spec, devices): BodyInput {
    const body = byKey(spec, devices)
    const { attributes, flags = 0 } = body
    return {
      ...body,
      protocol: spec.protocol ?? 'boot',
      type: spec.type ?? 'unicast',
      scope: spec.scope ?? defaultScope(spec, body.family),
      flags: spec.onlink ? flags | RTNH_F_ONLINK : flags,
      attributes: {
        ...attributes,
        metrics: spec.metrics && metricsToAttributes(spec.metrics),
        pref: spec.preference,
        expires: spec.expires === undefined ? undefined : Math.ceil(spec.expires),
        ...(spec.nexthopId === undefined && treatmentAttributes(spec)),
      },
    }
  },

  toDelete(key, devices): BodyInput {
    if (!saysWhere(key)) {
      throw new TypeError(`dev: the route to ${key.destination} needs dev, gateway or nexthops to be deleted`)
    }
    const body = byKey(key, devices)
    return {
      ...body,
      protocol: key.protocol ?? 'unspec',
      type: key.type ?? 'unspec',
      scope: key.scope ?? (body.family === 'inet' ? 'nowhere' : 'global'),
    }
  },

  toGet({ destination, source, dev, fibMatch }, devices): BodyInput {
    const family = familyOf('destination', destination)
    const from = source === undefined ? undefined : parsePrefix('source', source, family)
    return {
      family,
      dstLen: addressBits(family),
      srcLen: from?.length,
      // Only IPv4 has to be asked for the table, and only IPv4 may be.
      flags: (family === 'inet' ? RTM_F_LOOKUP_TABLE : 0) | (fibMatch ? RTM_F_FIB_MATCH : 0),
      attributes: {
        dst: destination,
        src: from?.address,
        oif: dev === undefined ? undefined : deviceIndex(devices, dev),
      },
    }
  },

  // A table that one family lacks is an error in a dump of that family, but not in one of all.
  toDump: ({ family, table, dev, protocol, type }, devices): BodyInput => ({
    family: table === undefined ? (family ?? 'unspec') : 'unspec',
    protocol,
    type,
    attributes: {
      table: table === undefined ? undefined : routeTables.toNumber(table),
      oif: dev === undefined ? undefined : deviceIndex(devices, dev),
    },
  }),

  // A dump of all families has the routes of MPLS and of multicast routing too.
  matches: (found, { family, table, dev, protocol, type, destination, gateway }, devices) =>
    (found.family === 'inet' || found.family === 'inet6') &&
    (family === undefined || found.family === family) &&
    (table === undefined || found.table === routeTables.toName(routeTables.toNumber(table))) &&
    (dev === undefined || usesDevice(found, deviceName(devices, deviceIndex(devices, dev)))) &&
    (protocol === undefined || found.protocol === protocol) &&
    (type === undefined || found.type === type) &&
    (destination === undefined || found.destination === normalized(destination)) &&
    (gateway === undefined || found.gateway === canonicalAddress('gateway', gateway)),

  fromBody: (body, devices) => fromBody(body as Body, devices),

  identity: ({ family, table, type, destination, tos = 0, metric = 0, ifindex = 0, gateway = '' }) =>
    [family, table, type, destination, tos, metric, ...(family === 'inet6' ? [ifindex, gateway] : [])].join(
      ' ',
    ),

  restoration: routeRestoration,
  passing: ['expires'],
  command: routeCommand,
}

/**
 * Routes: `ip route`, net/ipv4/fib_frontend.c and net/ipv6/route.c. `get` looks up the route that packets to the
 * address `destination` take.
 */
export const route = checkedObject('routes', routeInputs, routes)

const saysWhere = ({ dev, gateway, nexthops, nexthopId, type }: RouteKey): boolean =>
  dev !== undefined ||
  gateway !== undefined ||
  nexthops !== undefined ||
  nexthopId !== undefined ||
  (nowhere as readonly unknown[]).includes(type)

const usesDevice = ({ dev, nexthops = [] }: Route, name: string): boolean =>
  dev === name || nexthops.some(nexthop => nexthop.dev === name)

function byKey(key: RouteKey, devices: DeviceNames): BodyInput & { family: IpFamily } {
  const destination = readDestination(key)
  const { family } = destination
  const source = key.source === undefined ? undefined : parsePrefix('source', key.source, family)
  const table = routeTables.toNumber(key.table ?? defaultTable(key.type))
  return {
    family,
    dstLen: destination.length,
    srcLen: source?.length,
    tos: key.tos,
    table: table < 256 ? table : 0,
    attributes: {
      dst: destination.length === 0 ? undefined : destination.address,
      src: source?.address,
      prefsrc: key.preferredSource,
      table: table < 256 ? undefined : table,
      priority: key.metric,
      ...(key.nexthopId === undefined ? ways(key, family, devices) : { nhId: key.nexthopId }),
    },
  }
}

const ways = (key: RouteKey, family: IpFamily, devices: DeviceNames): AttributesInput => ({
  ...way(key, family, devices),
  multipath: key.nexthops?.map(nexthop => ({
    hops: (nexthop.weight ?? 1) - 1,
    flags: nexthop.onlink ? RTNH_F_ONLINK : 0,
    ifindex: nexthop.dev === undefined ? 0 : deviceIndex(devices, nexthop.dev),
    attributes: { ...gatewayAttribute(nexthop.gateway, family), ...treatmentAttributes(nexthop) },
  })),
})

const way = ({ gateway, dev }: Nexthop, family: IpFamily, devices: DeviceNames): AttributesInput => ({
  ...gatewayAttribute(gateway, family),
  oif: dev === undefined ? undefined : deviceIndex(devices, dev),
})

function gatewayAttribute(gateway: string | undefined, family: IpFamily): AttributesInput {
  if (gateway === undefined) return {}
  const other = familyOf('gateway', gateway)
  return other === family ? { gateway } : { via: { family: other, address: gateway } }
}

const defaultTable = (type: RouteType = 'unicast'): RouteTable =>
  type === 'local' || type === 'broadcast' || type === 'anycast' || type === 'nat' ? 'local' : 'main'

/** As iproute2 chooses it (iproute_modify, ip/iproute.c). */
function defaultScope(
  { type = 'unicast', gateway, nexthops, nexthopId }: RouteSpec,
  family: IpFamily,
): Scope {
  if (family === 'inet6') return 'global'
  if (type === 'local' || type === 'nat') return 'host'
  if (type === 'broadcast' || type === 'multicast' || type === 'anycast') return 'link'
  const direct = gateway === undefined && nexthops === undefined && nexthopId === undefined
  return direct && (type === 'unicast' || type === 'unspec') ? 'link' : 'global'
}

/** A destination as it is listed: without a length that says nothing, and by name where it is everything. */
function normalized(destination: string): string {
  if (destination === 'default') return destination
  const { family, address, length } = parsePrefix('destination', destination)
  return destinationText(family, address, length)
}

const destinationText = (family: IpFamily, address: string | undefined, length: number): string =>
  address === undefined || length === 0 ? 'default' : prefixText(family, address, length)

const prefixText = (family: IpFamily, address: string, length: number): string =>
  length === addressBits(family) ? address : `${address}/${length}`

function fromBody(body: Body, devices: DeviceNames): Route {
  const { attributes: a, flags } = body
  const family = body.family as IpFamily
  return defined({
    family,
    destination: destinationText(family, a.dst, body.dstLen),
    source: a.src === undefined ? undefined : prefixText(family, a.src, body.srcLen),
    gateway: a.gateway ?? a.via?.address,
    dev: a.oif === undefined ? undefined : deviceName(devices, a.oif),
    ifindex: a.oif,
    preferredSource: a.prefsrc,
    table: routeTables.toName(a.table ?? body.table),
    type: body.type,
    protocol: body.protocol,
    scope: body.scope,
    metric: a.priority,
    tos: body.tos === 0 ? undefined : body.tos,
    onlink: flags & RTNH_F_ONLINK ? true : undefined,
    flags: routeFlagNames(flags),
    metrics: metricsFromAttributes(a.metrics),
    nexthopId: a.nhId,
    ...treatmentIn(a),
    preference: a.pref,
    expires: expiry(a),
    nexthops: a.multipath?.map(nexthop =>
      defined({
        gateway: nexthop.attributes.gateway ?? nexthop.attributes.via?.address,
        dev: nexthop.ifindex === 0 ? undefined : deviceName(devices, nexthop.ifindex),
        weight: nexthop.hops + 1,
        onlink: nexthop.flags & RTNH_F_ONLINK ? true : undefined,
        flags: routeFlagNames(nexthop.flags),
        ...treatmentIn(nexthop.attributes),
      }),
    ),
  })
}

/** Asked for in seconds, told in 1/100 s. */
const expiry = ({ expires, cacheinfo }: Body['attributes']): number | undefined =>
  expires ?? (cacheinfo === undefined || cacheinfo.expires === 0 ? undefined : cacheinfo.expires / 100)
