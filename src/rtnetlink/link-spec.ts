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
  /** Text up to 255 bytes. Only for `change`: the kernel ignores it in a message that makes a link. */
  alias?: string | undefined
  /** Sysctls under net.ipv4.conf.<device>. Only for `change`, as `alias`. */
  inet?: Ipv4Sysctls | undefined
  /**
   * Options as the port of a bridge. Only for `change`, once the bridge is the `master`: the kernel refuses them with the
   * message that makes it so.
   */
  bridgePort?: BridgePort | undefined
  /** Only for `change`, as `alias`. The kernel sets them after `up`: to have no link-local address, bring it up later. */
  inet6?: Inet6Settings | undefined
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
  inet6?: Inet6Settings & { sysctls?: Ipv6Sysctls }
  statistics?: LinkStatistics
}

/**
 * A link as the kernel describes it. It can be added again once its `alias`, `bridgePort`, `inet` and `inet6` are taken out, which
 * belong into a `change`.
 */
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
