import {
  object,
  oneOf,
  optional,
  whole,
  type Declaration,
  type InputOf,
  type Optional,
} from '../../input/index.js'
import { carriedBy, carriedByAttributes } from '../../netlink/codec/carried-by.js'
import {
  array,
  attributes,
  be16,
  binary,
  flag,
  linkAddress,
  reported,
  struct,
  u16,
  u32,
  u64,
  u8,
  uncarried,
  type InferInput,
} from '../../netlink/codec/index.js'
import { named, nameOrNumber } from '../../netlink/codec/named.js'
import { shellWord } from '../../netlink/shell-word.js'
import type { LinkKind } from './link-kind.js'
import { vlanProtocols } from './vlan-protocol.js'

/** struct ifla_bridge_id, linux/if_link.h */
export const iflaBridgeId = reported(struct({ prio: array(u8, 2), addr: array(u8, 6) }))
/** struct br_boolopt_multi, linux/if_bridge.h */
export const brBooloptMulti = struct({ optval: u32, optmask: u32 })

/** BR_BOOLOPT_*, linux/if_bridge.h: the bit of each. */
const booleans = {
  noLinklocalLearn: 0x1,
  mcastVlanSnooping: 0x2,
  mstEnabled: 0x4,
  mdbOffloadFailNotification: 0x8,
  fdbLocalVlan0: 0x10,
} as const

type BridgeBoolean = keyof typeof booleans
const booleanNames = Object.keys(booleans) as BridgeBoolean[]
const ALL_BOOLEANS = Object.values(booleans).reduce<number>((all, bit) => all | bit, 0)

/** IFLA_BR_*, linux/if_link.h; the keys are the words of `ip link`. */
export const bridgeAttributes = attributes({
  forwardDelay: ['IFLA_BR_FORWARD_DELAY', 1, u32],
  helloTime: ['IFLA_BR_HELLO_TIME', 2, u32],
  maxAge: ['IFLA_BR_MAX_AGE', 3, u32],
  ageingTime: ['IFLA_BR_AGEING_TIME', 4, u32],
  stpState: ['IFLA_BR_STP_STATE', 5, u32],
  priority: ['IFLA_BR_PRIORITY', 6, u16],
  vlanFiltering: ['IFLA_BR_VLAN_FILTERING', 7, u8],
  vlanProtocol: ['IFLA_BR_VLAN_PROTOCOL', 8, named(be16, vlanProtocols)],
  groupFwdMask: ['IFLA_BR_GROUP_FWD_MASK', 9, u16],
  rootId: ['IFLA_BR_ROOT_ID', 10, iflaBridgeId],
  bridgeId: ['IFLA_BR_BRIDGE_ID', 11, iflaBridgeId],
  rootPort: ['IFLA_BR_ROOT_PORT', 12, reported(u16)],
  rootPathCost: ['IFLA_BR_ROOT_PATH_COST', 13, reported(u32)],
  topologyChange: ['IFLA_BR_TOPOLOGY_CHANGE', 14, reported(u8)],
  topologyChangeDetected: ['IFLA_BR_TOPOLOGY_CHANGE_DETECTED', 15, reported(u8)],
  helloTimer: ['IFLA_BR_HELLO_TIMER', 16, reported(u64)],
  tcnTimer: ['IFLA_BR_TCN_TIMER', 17, reported(u64)],
  topologyChangeTimer: ['IFLA_BR_TOPOLOGY_CHANGE_TIMER', 18, reported(u64)],
  gcTimer: ['IFLA_BR_GC_TIMER', 19, reported(u64)],
  groupAddress: ['IFLA_BR_GROUP_ADDR', 20, linkAddress],
  fdbFlush: ['IFLA_BR_FDB_FLUSH', 21, uncarried(flag)],
  mcastRouter: ['IFLA_BR_MCAST_ROUTER', 22, u8],
  mcastSnooping: ['IFLA_BR_MCAST_SNOOPING', 23, u8],
  mcastQueryUseIfaddr: ['IFLA_BR_MCAST_QUERY_USE_IFADDR', 24, u8],
  mcastQuerier: ['IFLA_BR_MCAST_QUERIER', 25, u8],
  mcastHashElasticity: ['IFLA_BR_MCAST_HASH_ELASTICITY', 26, reported(u32)],
  mcastHashMax: ['IFLA_BR_MCAST_HASH_MAX', 27, u32],
  mcastLastMemberCount: ['IFLA_BR_MCAST_LAST_MEMBER_CNT', 28, u32],
  mcastStartupQueryCount: ['IFLA_BR_MCAST_STARTUP_QUERY_CNT', 29, u32],
  mcastLastMemberInterval: ['IFLA_BR_MCAST_LAST_MEMBER_INTVL', 30, u64],
  mcastMembershipInterval: ['IFLA_BR_MCAST_MEMBERSHIP_INTVL', 31, u64],
  mcastQuerierInterval: ['IFLA_BR_MCAST_QUERIER_INTVL', 32, u64],
  mcastQueryInterval: ['IFLA_BR_MCAST_QUERY_INTVL', 33, u64],
  mcastQueryResponseInterval: ['IFLA_BR_MCAST_QUERY_RESPONSE_INTVL', 34, u64],
  mcastStartupQueryInterval: ['IFLA_BR_MCAST_STARTUP_QUERY_INTVL', 35, u64],
  nfCallIptables: ['IFLA_BR_NF_CALL_IPTABLES', 36, u8],
  nfCallIp6tables: ['IFLA_BR_NF_CALL_IP6TABLES', 37, u8],
  nfCallArptables: ['IFLA_BR_NF_CALL_ARPTABLES', 38, u8],
  vlanDefaultPvid: ['IFLA_BR_VLAN_DEFAULT_PVID', 39, u16],
  vlanStatsEnabled: ['IFLA_BR_VLAN_STATS_ENABLED', 41, u8],
  mcastStatsEnabled: ['IFLA_BR_MCAST_STATS_ENABLED', 42, u8],
  mcastIgmpVersion: ['IFLA_BR_MCAST_IGMP_VERSION', 43, u8],
  mcastMldVersion: ['IFLA_BR_MCAST_MLD_VERSION', 44, u8],
  vlanStatsPerPort: ['IFLA_BR_VLAN_STATS_PER_PORT', 45, u8],
  multiBoolopt: [
    'IFLA_BR_MULTI_BOOLOPT',
    46,
    uncarried(brBooloptMulti, ({ optval }) => optval > ALL_BOOLEANS),
  ],
  mcastQuerierState: ['IFLA_BR_MCAST_QUERIER_STATE', 47, reported(binary)],
  fdbLearned: ['IFLA_BR_FDB_N_LEARNED', 48, reported(u32)],
  fdbMaxLearned: ['IFLA_BR_FDB_MAX_LEARNED', 49, u32],
})

/** The numbers that can be set. */
const settable = [
  'forwardDelay',
  'helloTime',
  'maxAge',
  'ageingTime',
  'stpState',
  'priority',
  'vlanFiltering',
  'vlanDefaultPvid',
  'vlanStatsEnabled',
  'vlanStatsPerPort',
  'groupFwdMask',
  'mcastRouter',
  'mcastSnooping',
  'mcastQueryUseIfaddr',
  'mcastQuerier',
  'mcastHashMax',
  'mcastLastMemberCount',
  'mcastStartupQueryCount',
  'mcastStatsEnabled',
  'mcastIgmpVersion',
  'mcastMldVersion',
  'fdbMaxLearned',
  'nfCallIptables',
  'nfCallIp6tables',
  'nfCallArptables',
] as const

/** Those that have 64 bits. */
const settableLong = [
  'mcastLastMemberInterval',
  'mcastMembershipInterval',
  'mcastQuerierInterval',
  'mcastQueryInterval',
  'mcastQueryResponseInterval',
  'mcastStartupQueryInterval',
] as const

type BridgeNumber = (typeof settable)[number] | (typeof settableLong)[number] | BridgeBoolean

const members = object({
  kind: oneOf('bridge'),
  vlanProtocol: optional(nameOrNumber(vlanProtocols, 0, 0xffff)),
  /** Where spanning tree frames go, `'01:80:c2:00:00:00'`. */
  groupAddress: optional(carriedBy(linkAddress)),
})

/** A bridge. The options are those of `ip link add type bridge`, in its words and its units: times in 1/100 s, 0 is off. */
export interface BridgeFields
  extends Partial<Record<BridgeNumber, number | undefined>>, InputOf<typeof members> {}

const wholeNumbers = <N extends string>(names: readonly N[], max: number): Record<N, Optional<number>> =>
  Object.fromEntries(names.map(name => [name, optional(whole(0, max))])) as Record<N, Optional<number>>

export const bridgeInput: Declaration<BridgeFields> = object(
  { ...wholeNumbers(settableLong, Number.MAX_SAFE_INTEGER), ...wholeNumbers(booleanNames, 1) },
  carriedByAttributes(bridgeAttributes.declarations, settable),
  members,
)

export const bridge = {
  data: bridgeAttributes,

  toData(fields: BridgeFields): InferInput<typeof bridgeAttributes> | undefined {
    const data: Record<string, unknown> = {}
    for (const name of [...settable, 'vlanProtocol', 'groupAddress'] as const) {
      if (fields[name] !== undefined) data[name] = fields[name]
    }
    for (const name of settableLong) if (fields[name] !== undefined) data[name] = BigInt(fields[name])
    const multiBoolopt = booleansToWire(fields)
    if (multiBoolopt.optmask !== 0) data['multiBoolopt'] = multiBoolopt
    return Object.keys(data).length > 0 ? data : undefined
  },

  fromData(data: unknown) {
    const decoded = (data ?? {}) as Record<string, unknown>
    const fields: Record<string, unknown> = {}
    for (const name of [...settable, 'vlanProtocol', 'groupAddress']) {
      if (decoded[name] !== undefined) fields[name] = decoded[name]
    }
    for (const name of settableLong) if (decoded[name] !== undefined) fields[name] = Number(decoded[name])
    const { optval, optmask } = (decoded['multiBoolopt'] ?? NO_BOOLEANS) as typeof NO_BOOLEANS
    for (const name of booleanNames)
      if (optmask & booleans[name]) fields[name] = optval & booleans[name] ? 1 : 0
    // A kernel that cannot filter by VLAN tells that it does not, and refuses to be told so.
    if (decoded['vlanProtocol'] === undefined) for (const name of needVlans) delete fields[name]
    return fields
  },

  words: (fields: BridgeFields) =>
    ([...settable, ...settableLong, ...booleanNames, 'vlanProtocol', 'groupAddress'] as const).flatMap(
      name => {
        const value = fields[name]
        return value === undefined ? [] : [`${snakeCase(name)} ${shellWord(value)}`]
      },
    ),
} satisfies LinkKind<BridgeFields>

/** A name as `ip link` has it. */
export const snakeCase = (name: string): string =>
  name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
const NO_BOOLEANS = { optval: 0, optmask: 0 }
const needVlans = ['vlanFiltering', 'mcastVlanSnooping', 'mstEnabled', 'fdbLocalVlan0'] as const

function booleansToWire(fields: BridgeFields): typeof NO_BOOLEANS {
  const given = booleanNames.filter(name => fields[name] !== undefined)
  return {
    optmask: given.reduce((bits, name) => bits | booleans[name], 0),
    optval: given.reduce((bits, name) => (fields[name] === 0 ? bits : bits | booleans[name]), 0),
  }
}
