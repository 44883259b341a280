import {
  absent,
  bytes,
  knownText,
  object,
  optional,
  type Declaration,
  type InputOf,
} from '../../input/index.js'
import type { LinkKind } from './link-kind.js'
import { bridge, bridgeInput, type BridgeFields } from './bridge.js'
import { veth, vethInput, type VethFields } from './veth.js'
import { vlan, vlanInput, type VlanFields } from './vlan.js'

/** The kinds whose IFLA_INFO_DATA is typed. */
export const linkKinds = { bridge, veth, vlan }

/** What links of these kinds have beside the settings that all links have. */
export const modelledInputs = { bridge: bridgeInput, veth: vethInput, vlan: vlanInput }

export type ModelledFields = BridgeFields | VethFields | VlanFields

type Absent<T> = T extends unknown ? { [K in Exclude<keyof T, 'kind'>]?: undefined } : never
type Intersection<U> = (U extends unknown ? (member: U) => void : never) extends (member: infer I) => void
  ? I
  : never

/** Kinds without options (dummy, ifb), kinds that are not modelled here, and devices that were not made by rtnetlink. */
export type OtherFields = Intersection<Absent<ModelledFields>> & (RawFields | NoKind)

/** The kernel's kinds that are not modelled (drivers/net/). Others come as raw bytes too. */
export type RawLinkKind =
  | ('amt' | 'bareudp' | 'batadv' | 'bond' | 'caif' | 'can' | 'dsa' | 'dummy' | 'erspan' | 'geneve' | 'gre')
  | (
      | 'gretap'
      | 'gtp'
      | 'hsr'
      | 'ifb'
      | 'ip6erspan'
      | 'ip6gre'
      | 'ip6gretap'
      | 'ip6tnl'
      | 'ipip'
      | 'ipoib'
      | 'ipvlan'
      | 'ipvtap'
    )
  | ('lowpan' | 'macsec' | 'macvlan' | 'macvtap' | 'netdevsim' | 'netkit' | 'nlmon')
  | (
      | 'openvswitch'
      | 'ovpn'
      | 'pfcp'
      | 'ppp'
      | 'rmnet'
      | 'sit'
      | 'team'
      | 'tun'
      | 'vcan'
      | 'virt_wifi'
      | 'vrf'
      | 'vsockmon'
      | 'vti'
      | 'vti6'
      | 'vxcan'
    )
  | ('vxlan' | 'wireguard' | 'wwan' | 'xfrm')

const rawMembers = object({
  kind: knownText<RawLinkKind>('the kind of a link'),
  /** The raw bytes of IFLA_INFO_DATA. */
  data: optional(bytes),
})
interface RawFields extends InputOf<typeof rawMembers> {}

const noKind = object({ kind: absent, data: absent })
interface NoKind extends InputOf<typeof noKind> {}

export const rawInput: Declaration<RawFields> = rawMembers
export const noKindInput: Declaration<NoKind> = noKind

/** What depends on the kind of a link. */
export type KindFields = ModelledFields | OtherFields

/** The type of a modelled kind; undefined for others. */
export const linkKind = (kind: string | undefined): LinkKind<never> | undefined =>
  kind !== undefined && Object.hasOwn(linkKinds, kind) ? linkKinds[kind as keyof typeof linkKinds] : undefined

export type { BridgeFields, VethFields, VlanFields }
export type { VethPeer } from './veth.js'
