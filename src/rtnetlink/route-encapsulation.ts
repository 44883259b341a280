import { bytes, object, optional, whole, type Declaration, type InputOf } from '../input/index.js'
import { namedNumbers, nameOrNumber } from '../netlink/codec/named.js'
import { defined } from './defined.js'

/** LWTUNNEL_ENCAP_*, linux/lwtunnel.h, in the words of `ip route`. */
export const encapsulationTypes = namedNumbers('encapsulation', {
  mpls: 1,
  ip: 2,
  ila: 3,
  ip6: 4,
  seg6: 5,
  bpf: 6,
  seg6local: 7,
  rpl: 8,
  ioam6: 9,
  xfrm: 10,
})

const encapsulationMembers = object({
  type: nameOrNumber(encapsulationTypes, 0, 0xffff),
  /** The raw bytes of RTA_ENCAP: attributes that depend on the type, such as MPLS_IPTUNNEL_*. */
  data: bytes,
})

/** What packets are put into on their way (a lightweight tunnel), as the kernel has it. */
export interface Encapsulation extends InputOf<typeof encapsulationMembers> {}
const encapsulation: Declaration<Encapsulation> = encapsulationMembers

const REALM_MAX = 0xffff

const realmMembers = object({ from: whole(0, REALM_MAX), to: whole(0, REALM_MAX) })

/** Realms of a route: `realms from/to` of `ip route`, by number; 0 is none. Classifiers and rules look at them. */
export interface Realms extends InputOf<typeof realmMembers> {}
const realms: Declaration<Realms> = realmMembers

const members = object({ encapsulation: optional(encapsulation), realms: optional(realms) })

/** What routes and nexthops have alike beside where they lead. */
export interface Treatment extends InputOf<typeof members> {}
export const treatmentInput: Declaration<Treatment> = members

interface TreatmentAttributes {
  encapType?: number
  encap?: Uint8Array
  flow?: number
}

/** RTA_ENCAP_TYPE, RTA_ENCAP and RTA_FLOW. */
export const treatmentAttributes = ({ encapsulation, realms }: Treatment): TreatmentAttributes =>
  defined({
    flow: realms && realms.from * (REALM_MAX + 1) + realms.to,
    encapType: encapsulation && encapsulationTypes.toNumber(encapsulation.type),
    encap: encapsulation?.data,
  })

export const treatmentIn = ({ flow, encap, encapType = 0 }: TreatmentAttributes): Treatment =>
  defined({
    realms: flow === undefined ? undefined : { from: flow >>> 16, to: flow & REALM_MAX },
    encapsulation: encap && { type: encapsulationTypes.toName(encapType), data: encap },
  })

export const realmWords = ({ realms }: Treatment): string[] =>
  realms === undefined ? [] : [`realms ${realms.from}/${realms.to}`]

/** What the command line lacks, behind it: `ip` takes no encapsulation as raw bytes. */
export const encapsulationRemark = (ways: readonly Treatment[]): string[] => {
  const types = ways.flatMap(({ encapsulation }) => encapsulation?.type ?? [])
  return types.length === 0 ? [] : [`# with encap ${types.join(', ')} as raw bytes`]
}
