import {
  boolean,
  list,
  object,
  oneOf,
  optional,
  whole,
  type Declaration,
  type InputOf,
  type Optional,
} from '../../input/index.js'
import { carriedBy } from '../../netlink/codec/carried-by.js'
import { attributes, be16, struct, u16, u32, type Infer, type InferInput } from '../../netlink/codec/index.js'
import { named, nameOrNumber } from '../../netlink/codec/named.js'
import { repeated } from '../../netlink/codec/repeated.js'
import type { CommonLinkAttributes } from '../link-settings.js'
import type { LinkKind } from './link-kind.js'
import { vlanProtocols } from './vlan-protocol.js'

/** VLAN_FLAG_*, linux/if_vlan.h, in the words of `ip link`. */
const vlanFlags = { reorderHdr: 0x1, gvrp: 0x2, looseBinding: 0x4, mvrp: 0x8, bridgeBinding: 0x10 } as const
const vlanFlagWords = {
  reorderHdr: 'reorder_hdr',
  gvrp: 'gvrp',
  looseBinding: 'loose_binding',
  mvrp: 'mvrp',
  bridgeBinding: 'bridge_binding',
} as const

type VlanFlag = keyof typeof vlanFlags
const vlanFlagNames = Object.keys(vlanFlags) as VlanFlag[]

const mappingMembers = object({ from: carriedBy(u32), to: carriedBy(u32) })

/** Maps a priority to another: of the packet (skb) and of the VLAN header. */
export interface VlanQosMapping extends InputOf<typeof mappingMembers> {}
const mapping: Declaration<VlanQosMapping> = mappingMembers

const members = object({
  kind: oneOf('vlan'),
  /** VLAN id, 0 to 4094. */
  id: whole(0, 4094),
  /** Default: `'802.1Q'`. */
  protocol: optional(nameOrNumber(vlanProtocols, 0, 0xffff)),
  /** Packet priority to VLAN priority. */
  egressQosMap: optional(list(mapping)),
  /** VLAN priority to packet priority. */
  ingressQosMap: optional(list(mapping)),
})

/** A VLAN on top of another link, which `link` names. */
export interface VlanFields extends Partial<Record<VlanFlag, boolean | undefined>>, InputOf<typeof members> {}

export const vlanInput: Declaration<VlanFields> = object(
  Object.fromEntries(vlanFlagNames.map(name => [name, optional(boolean)])) as Record<
    VlanFlag,
    Optional<boolean>
  >,
  members,
)

/** struct ifla_vlan_flags, linux/if_link.h */
export const iflaVlanFlags = struct({ flags: u32, mask: u32 })
/** struct ifla_vlan_qos_mapping, linux/if_link.h */
export const iflaVlanQosMapping = struct({ from: u32, to: u32 })

/** All flags, and none of them set. */
const NO_FLAGS = { flags: 0, mask: ~0 }

const qosMap = repeated('IFLA_VLAN_QOS_MAPPING', 1, iflaVlanQosMapping)

/** IFLA_VLAN_*, linux/if_link.h */
export const vlanAttributes = attributes({
  id: ['IFLA_VLAN_ID', 1, u16],
  flags: ['IFLA_VLAN_FLAGS', 2, iflaVlanFlags],
  egressQos: ['IFLA_VLAN_EGRESS_QOS', 3, qosMap],
  ingressQos: ['IFLA_VLAN_INGRESS_QOS', 4, qosMap],
  protocol: ['IFLA_VLAN_PROTOCOL', 5, named(be16, vlanProtocols)],
})

export const vlan = {
  data: vlanAttributes,

  toData(fields: VlanFields): InferInput<typeof vlanAttributes> {
    return {
      id: fields.id,
      protocol: fields.protocol,
      flags: flagsAndMask(fields),
      egressQos: fields.egressQosMap,
      ingressQos: fields.ingressQosMap,
    }
  },

  fromData(data: unknown, { operationalState }: CommonLinkAttributes) {
    const {
      id = 0,
      flags: given,
      egressQos,
      ingressQos,
      protocol,
    } = (data ?? {}) as Infer<typeof vlanAttributes>
    const fields: VlanFields = { kind: 'vlan', id }
    // The kernel leaves the attribute out of a link that has none of the flags (vlan_fill_info, net/8021q/vlan_netlink.c).
    const flags = given ?? (operationalState === undefined ? undefined : NO_FLAGS)
    if (protocol !== undefined) fields.protocol = protocol
    for (const name of vlanFlagNames) {
      if (flags && flags.mask & vlanFlags[name]) fields[name] = (flags.flags & vlanFlags[name]) !== 0
    }
    if (egressQos) fields.egressQosMap = egressQos
    if (ingressQos) fields.ingressQosMap = ingressQos
    return fields
  },

  words(fields: VlanFields) {
    const protocol = fields.protocol === undefined ? [] : [`protocol ${fields.protocol}`]
    const flags = vlanFlagNames.flatMap(name => {
      const value = fields[name]
      return value === undefined ? [] : [`${vlanFlagWords[name]} ${value ? 'on' : 'off'}`]
    })
    return [
      ...protocol,
      `id ${fields.id}`,
      ...flags,
      ...mapWords('egress-qos-map', fields.egressQosMap),
      ...mapWords('ingress-qos-map', fields.ingressQosMap),
    ]
  },
} satisfies LinkKind<VlanFields>

function flagsAndMask(fields: VlanFields): { flags: number; mask: number } | undefined {
  const result = { flags: 0, mask: 0 }
  for (const name of vlanFlagNames) {
    const value = fields[name]
    if (value === undefined) continue
    result.mask |= vlanFlags[name]
    if (value) result.flags |= vlanFlags[name]
  }
  return result.mask === 0 ? undefined : result
}

const mapWords = (word: string, map: readonly VlanQosMapping[] = []): string[] =>
  map.length === 0 ? [] : [word, ...map.map(({ from, to }) => `${from}:${to}`)]
