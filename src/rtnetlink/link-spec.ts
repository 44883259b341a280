import {
  boolean,
  choice,
  either,
  exactly,
  list,
  object,
  optional,
  passingOver,
  presence,
  text,
  textThat,
  type Declaration,
  type InputOf,
} from '../input/index.js'
import type { ObjectInputs } from '../netlink/checked-object.js'
import { carriedBy } from '../netlink/codec/carried-by.js'
import { bareText, s32, u32 } from '../netlink/codec/index.js'
import { isIpv6 } from '../netlink/codec/ip-version.js'
import { nameOrNumber } from '../netlink/codec/named.js'
import { deviceInput, type Device } from '../netlink/devices.js'
import type { Uncarried } from '../netlink/uncarried.js'
import type { AddressFamily } from './address-family.js'
import { bridgePortInput } from './bridge-port.js'
import type { HardwareType } from './hardware-types.js'
import { alternativeNameInput } from './interface-name.js'
import { ipv4SysctlsInput } from './ipv4-devconf.js'
import type { Ipv6Sysctls } from './ipv6-devconf.js'
import { modelledInputs, noKindInput, rawInput, type KindFields } from './kinds/index.js'
import { addrGenModes } from './link-af-spec.js'
import type { linkModes, operationalStates } from './link-attributes.js'
import type { LinkFlag } from './link-flags.js'
import { linkSettingsInput, type LinkSettings } from './link-settings.js'
import type { LinkStatistics } from './link-statistics.js'

const inet6Members = object({
  /** How link-local addresses are made; `'none'` for not at all. */
  addrGenMode: optional(nameOrNumber(addrGenModes, 0, 0xff)),
  /** The interface identifier of addresses made from router advertisements, `'::1'`. */
  token: optional(
    textThat("an IPv6 address such as '::1'", address => isIpv6(address) && !address.includes('%')),
  ),
})

/** IPv6 settings of a link. */
export interface Inet6Settings extends InputOf<typeof inet6Members> {}
const inet6: Declaration<Inet6Settings> = inet6Members

const members = object({
  /**
   * The link to change, by name or index; without it `index` or `name` says which. A name is looked up by the kernel, so
   * that a link can be made and changed in one batch.
   */
  dev: optional(deviceInput),
  /** The link below (a VLAN's device). */
  link: optional(deviceInput),
  /** The bridge, bond or VRF that the link is part of; null takes it out. */
  master: optional(either(deviceInput, exactly(null))),
  /**
   * Text up to 255 bytes. The kernel ignores it, and the members below, in a message that makes a link: `links.add()`
   * sets them by a second one; in a batch, set them by a `change` behind the `add`.
   */
  alias: optional(carriedBy(bareText)),
  /** Sysctls under net.ipv4.conf.<device>. */
  inet: optional(ipv4SysctlsInput),
  /** Options as the port of a bridge. The kernel refuses them before the bridge is the `master`. */
  bridgePort: optional(bridgePortInput),
  /** A `change` sets them after `up`: to have no link-local address, bring the link up later. */
  inet6: optional(inet6),
  /** Further names, up to 127 bytes each. `change` leaves them: see `alternativeNames`. */
  alternativeNames: optional(list(alternativeNameInput)),
  /**
   * Id of the network namespace that `link` is in, if it is another one; `link` is an index then. Of a tunnel, that of the
   * namespace in which its packets travel.
   */
  linkNetnsid: optional(carriedBy(s32)),
})

/** What the kernel sets only of a link that is there: it passes these over in a message that makes one. */
export const laterMembers = ['alias', 'inet', 'inet6', 'bridgePort', 'alternativeNames'] as const
type LaterMember = (typeof laterMembers)[number]

/** Settings of a link of any kind. */
export interface CommonLinkSpec extends LinkSettings, InputOf<typeof members> {}

/** What is said of a link to make or to change one. */
export type AnyLinkSpec = CommonLinkSpec & KindFields

/** A link as it is asked for. `dev`, which says which link to change, may be in it beside a `name` only. */
export type LinkSpec = AnyLinkSpec & ({ dev?: undefined } | { name: string })

/** A link that one message makes, which is what `replace` and a batch send: see `alias`. */
export type PlainLinkSpec = LinkSpec & { [K in LaterMember]?: undefined }

/** What is to change of a link, and of which. */
export type LinkChange = AnyLinkSpec & ({ dev: Device } | { index: number } | { name: string })

/** What verbs take that do not take every spec. */
export interface TakenLinks {
  readonly add: LinkSpec
  readonly replace: PlainLinkSpec
  readonly change: LinkChange
}

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
export type Link = AnyLinkSpec & LinkState

/** What a listed link has beside what it was made of. */
const listed: Readonly<Record<Exclude<keyof LinkState | keyof Uncarried, keyof CommonLinkSpec>, true>> = {
  ...{ family: true, flags: true, hardwareType: true, operationalState: true, qdisc: true, uncarried: true },
  ...{ carrier: true, carrierChanges: true, minMtu: true, maxMtu: true, promiscuity: true, allmulti: true },
  ...{ tsoMaxSize: true, tsoMaxSegments: true, permanentAddress: true, parentDevice: true },
  ...{ parentBus: true, slaveKind: true, ipv6Sysctls: true, statistics: true },
}

const common: Declaration<CommonLinkSpec> = passingOver<CommonLinkSpec>(
  object({}, linkSettingsInput, members),
  Object.keys(listed),
)

const spec: Declaration<AnyLinkSpec> = choice(
  'kind',
  {
    bridge: object({}, modelledInputs.bridge, common),
    veth: object({}, modelledInputs.veth, common),
    vlan: object({}, modelledInputs.vlan, common),
  },
  presence('kind', object({}, rawInput, common), object({}, noKindInput, common)),
)

/** A link, by name (alternative names too) or index. */
export type LinkKey = Device

const query = object({
  kind: optional(text('the kind of links')),
  master: optional(deviceInput),
  up: optional(boolean),
  group: optional(carriedBy(u32)),
})

/** Which links to list; all where nothing is said. */
export interface LinkQuery extends InputOf<typeof query> {}

/** What callers hand in for the verbs of links. */
export const linkInputs: ObjectInputs<AnyLinkSpec, LinkKey, LinkQuery> = { spec, key: deviceInput, query }
