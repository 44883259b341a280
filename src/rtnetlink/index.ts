export { address, type Address, type AddressKey, type AddressQuery, type AddressSpec } from './address.js'
export type { BridgePort } from './bridge-port.js'
export { alternativeNames } from './alternative-names.js'
export type { AddressFamily, IpFamily } from './address-family.js'
export type { AddressFlag, AddressFlags } from './address-flags.js'
export type { HardwareType } from './hardware-types.js'
export type { Ipv4Sysctl, Ipv4Sysctls } from './ipv4-devconf.js'
export type { Ipv6Sysctls } from './ipv6-devconf.js'
export type {
  BridgeFields,
  KindFields,
  OtherFields,
  RawLinkKind,
  VethFields,
  VethPeer,
  VlanFields,
} from './kinds/index.js'
export { link } from './link.js'
export type { AddrGenMode } from './link-af-spec.js'
export type { LinkFlag } from './link-flags.js'
export { linkProperty, type LinkProperty } from './link-property.js'
export type { LinkNetns, LinkSettings } from './link-settings.js'
export type {
  AnyLinkSpec,
  Inet6Settings,
  Link,
  LinkChange,
  LinkKey,
  LinkQuery,
  LinkSpec,
  LinkState,
  PlainLinkSpec,
} from './link-spec.js'
export type { LinkStatistics } from './link-statistics.js'
export { rtnetlinkMessages } from './messages.js'
export {
  neighbour,
  type Neighbour,
  type NeighbourKey,
  type NeighbourQuery,
  type NeighbourSpec,
} from './neighbour.js'
export type { NeighbourFlag, NeighbourState } from './neighbour-states.js'
export { netnsId } from './netns-id.js'
export { netnsIdMessages } from './netns-id-messages.js'
export { parsePrefix, type Prefix } from './prefix.js'
export { route } from './route.js'
export type { Encapsulation, Realms } from './route-encapsulation.js'
export type { RouteFlag } from './route-flags.js'
export type { RouteMetrics } from './route-metrics.js'
export type { RouteProtocol, RouteTable, RouteType } from './route-names.js'
export type { Nexthop, Route, RouteKey, RouteQuery, RouteSpec, RouteToDelete } from './route-spec.js'
export type { Scope } from './scopes.js'
