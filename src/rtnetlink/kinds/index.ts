import { bytes, object, optional, text, type Declaration } from '../../input/index.js'
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
export type OtherFields = Intersection<Absent<ModelledFields>> & {
  kind?: string | undefined
  /** The raw bytes of IFLA_INFO_DATA. */
  data?: Uint8Array | undefined
}

export const otherInput: Declaration<OtherFields> = object({
  kind: optional(text('the kind of a link')),
  data: optional(bytes),
})

/** What depends on the kind of a link. */
export type KindFields = ModelledFields | OtherFields

/** The type of a modelled kind; undefined for others. */
export const linkKind = (kind: string | undefined): LinkKind<never> | undefined =>
  kind !== undefined && Object.hasOwn(linkKinds, kind) ? linkKinds[kind as keyof typeof linkKinds] : undefined

export type { BridgeFields, VethFields, VlanFields }
export type { VethPeer } from './veth.js'
