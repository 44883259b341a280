import { namedNumbers } from '../netlink/codec/named.js'

/** RTN_*, linux/rtnetlink.h, in the words of `ip route`. */
export const routeTypes = namedNumbers('route type', {
  unspec: 0,
  unicast: 1,
  local: 2,
  broadcast: 3,
  anycast: 4,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
  throw: 9,
  nat: 10,
  xresolve: 11,
})

export type RouteType = keyof typeof routeTypes.numbers | number

/** RTPROT_*, linux/rtnetlink.h: who made a route, in the words of `ip route`. */
export const routeProtocols = namedNumbers('route protocol', {
  unspec: 0,
  redirect: 1,
  kernel: 2,
  boot: 3,
  static: 4,
  gated: 8,
  ra: 9,
  mrt: 10,
  zebra: 11,
  bird: 12,
  dnrouted: 13,
  xorp: 14,
  ntk: 15,
  dhcp: 16,
  mrouted: 17,
  keepalived: 18,
  babel: 42,
  openr: 99,
  bgp: 186,
  isis: 187,
  ospf: 188,
  rip: 189,
  eigrp: 192,
})

export type RouteProtocol = keyof typeof routeProtocols.numbers | number

/** RT_TABLE_*, linux/rtnetlink.h, in the words of `ip route`. */
export const routeTables = namedNumbers('route table', { unspec: 0, default: 253, main: 254, local: 255 })

export type RouteTable = keyof typeof routeTables.numbers | number
