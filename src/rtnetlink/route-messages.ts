import {
  attributes,
  binary,
  be16,
  nested,
  reported,
  s32,
  struct,
  u16,
  u32,
  u8,
  uncarried,
  type Attribute,
} from '../netlink/codec/index.js'
import { named, namedNumbers } from '../netlink/codec/named.js'
import { messageBody } from '../netlink/message-type.js'
import { addressFamilies } from './address-family.js'
import { networkAddress } from './network-address.js'
import type { ObjectMessages } from './object-messages.js'
import { metricAttributes } from './route-metrics.js'
import { routeProtocols, routeTypes } from './route-names.js'
import { nexthops } from './route-nexthops.js'
import { rtvia } from './route-via.js'
import { scopes } from './scopes.js'

/** ICMPV6_ROUTER_PREF_*, linux/icmpv6.h: the preference of RFC 4191. */
export const routePreferences = namedNumbers('route preference', { medium: 0, high: 1, low: 3 })

/** struct rtmsg, linux/rtnetlink.h */
export const rtmsg = struct({
  family: named(u8, addressFamilies),
  dstLen: u8,
  srcLen: u8,
  tos: u8,
  table: u8,
  protocol: named(u8, routeProtocols),
  scope: named(u8, scopes),
  type: named(u8, routeTypes),
  flags: u32,
})

/** struct rta_cacheinfo, linux/rtnetlink.h: times in 1/100 s. */
export const rtaCacheinfo = reported(
  struct({
    clntref: u32,
    lastuse: u32,
    expires: s32,
    error: u32,
    used: u32,
    id: u32,
    ts: u32,
    tsage: u32,
  }),
)

/** RTA_*, linux/rtnetlink.h, but for RTA_MULTIPATH: what a route and its nexthops have alike. */
const declarations = {
  dst: ['RTA_DST', 1, networkAddress],
  src: ['RTA_SRC', 2, networkAddress],
  iif: ['RTA_IIF', 3, reported(u32)],
  oif: ['RTA_OIF', 4, u32],
  gateway: ['RTA_GATEWAY', 5, networkAddress],
  priority: ['RTA_PRIORITY', 6, u32],
  prefsrc: ['RTA_PREFSRC', 7, networkAddress],
  metrics: ['RTA_METRICS', 8, metricAttributes],
  flow: ['RTA_FLOW', 11, u32],
  cacheinfo: ['RTA_CACHEINFO', 12, rtaCacheinfo],
  table: ['RTA_TABLE', 15, u32],
  mark: ['RTA_MARK', 16, reported(u32)],
  mfcStats: ['RTA_MFC_STATS', 17, reported(binary)],
  via: ['RTA_VIA', 18, rtvia],
  newdst: ['RTA_NEWDST', 19, uncarried(binary)],
  pref: ['RTA_PREF', 20, named(u8, routePreferences)],
  encapType: ['RTA_ENCAP_TYPE', 21, u16],
  encap: ['RTA_ENCAP', 22, nested(binary)],
  expires: ['RTA_EXPIRES', 23, u32],
  uid: ['RTA_UID', 25, reported(u32)],
  ttlPropagate: ['RTA_TTL_PROPAGATE', 26, uncarried(u8)],
  ipProto: ['RTA_IP_PROTO', 27, u8],
  sport: ['RTA_SPORT', 28, be16],
  dport: ['RTA_DPORT', 29, be16],
  nhId: ['RTA_NH_ID', 30, u32],
} satisfies Record<string, Attribute>

export const nexthopAttributes = attributes(declarations)

/** All of RTA_*, linux/rtnetlink.h */
export const routeAttributes = attributes({
  ...declarations,
  multipath: ['RTA_MULTIPATH', 9, nexthops(nexthopAttributes)],
})

/** The body of RTM_NEWROUTE, RTM_DELROUTE and RTM_GETROUTE. */
export const routeBody = messageBody(rtmsg, routeAttributes)

/** RTM_*ROUTE, linux/rtnetlink.h */
export const routeMessages: ObjectMessages<typeof routeBody> = {
  new: { name: 'RTM_NEWROUTE', type: 24, body: routeBody },
  delete: { name: 'RTM_DELROUTE', type: 25, body: routeBody },
  get: { name: 'RTM_GETROUTE', type: 26, body: routeBody },
}
