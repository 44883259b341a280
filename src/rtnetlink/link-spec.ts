import type { Device } from '../netlink/devices.js'
import type { AddressFamily } from './address-family.js'
import type { BridgePort } from './bridge-port.js'
import type { HardwareType } from './hardware-types.js'
import type { Ipv4Sysctls } from './ipv4-devconf.js'
import type { Ipv6Sysctls } from './ipv6-devconf.js'
import type { KindFields } from './kinds/index.js'
import type { AddrGenMode } from './link-af-spec.js'
import type { linkModes, operationalStates } from './link-attributes.js'
import type { LinkFlag } from './link-flags.js'
import type { LinkSettings } from './link-settings.js'
import type { LinkStatistics } from './link-statistics.js'

/** IPv6 settings of a link. */
export interface Inet6Settings {
  /** How link-local addresses are made; `'none'` for not at all. */
  addrGenMode?: AddrGenMode | undefined
  /** The interface identifier of addresses made from router advertisements, `'::1'`. */
  token?: string | undefined
}

/** Settings of a link of any kind. */
export interface CommonLinkSpec extends LinkSettings {
  /**
   * The link to change, by name or index; without it `index` or `name` says which. A name is looked up by the kernel, so
   * that a link can be made and changed in one batch.
   */
  dev?: Device | undefined
  /** The link below (a VLAN's device). */
  link?: Device | undefined
  /** The bridge, bond or VRF that the link is part of; null takes it out. */
  master?: Device | null | undefined
  /**
   * Text up to 255 bytes. The kernel ignores it, and the members below, in a message that makes a link: `links.add()`
   * sets them by a second one; in a batch, set them by a `change` behind the `add`.
   */
  alias?: string | undefined
  /** Sysctls under net.ipv4.conf.<device>. */
  inet?: Ipv4Sysctls | undefined
  /** Options as the port of a bridge. The kernel refuses them before the bridge is the `master`. */
  bridgePort?: BridgePort | undefined
  /** A `change` sets them after `up`: to have no link-local address, bring the link up later. */
  inet6?: Inet6Settings | undefined
  /** Further names, up to 127 bytes each. `change` leaves them: see `alternativeNames`. */
  alternativeNames?: readonly string[] | undefined
  /** Id of the network namespace that `link` is in, if it is another one; `link` is an index then. */
  linkNetnsid?: number | undefined
}

/** A link as it is asked for. */
export type LinkSpec = CommonLinkSpec & KindFields

/** What the kernel adds. */
export interface LinkState {
  /**
   * `'unspec'`. `'bridge'` in a notification that is about the link as the port of a bridge: its deletion means that the
   * link left the bridge.
   */
  family: AddressFamily
  name: string
  index: number
  up: boolean
  arp: boolean
  multicast: boolean
  allmulticast: boolean
  promisc: boolean
  /** All flags of the kernel: LOWER_UP is carrier, RUNNING operational. */
  flags: LinkFlag[]
  hardwareType: HardwareType
  mtu: number
  /** By name; the index where it is in another network namespace, whose id `linkNetnsid` then is. */
  link?: Device
  linkNetnsid?: number
  master?: string
  operationalState: keyof typeof operationalStates.numbers | number
  linkMode: keyof typeof linkModes.numbers | number
  /** The kind of the root qdisc. */
  qdisc?: string
  carrier?: boolean
  carrierChanges?: number
  minMtu?: number
  maxMtu?: number
  /** How many users want promiscuous mode. */
  promiscuity?: number
  /** How many users want all multicast frames. */
  allmulti?: number
  tsoMaxSize?: number
  tsoMaxSegments?: number
  alternativeNames?: string[]
  permanentAddress?: string
  /** The device that the link is part of, for example on the PCI bus. */
  parentDevice?: string
  parentBus?: string
  /** The kind of the master. */
  slaveKind?: string
  /**
   * What is in force under net.ipv6.conf.<device>. It reports only, as `statistics` do: rtnetlink does not set these
   * sysctls; `NetworkNamespace.writeSysctl()` does.
   */
  ipv6Sysctls?: Ipv6Sysctls
  statistics?: LinkStatistics
}

/** A link as the kernel describes it. `add` makes one with the same settings. */
export type Link = LinkSpec & LinkState

/** A link, by name (alternative names too) or index. */
export type LinkKey = Device

/** Which links to list; all where nothing is said. */
export interface LinkQuery {
  kind?: string | undefined
  master?: Device | undefined
  up?: boolean | undefined
  group?: number | undefined
}
