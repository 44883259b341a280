import { boolean, object, optional, type Declaration, type Optional } from '../input/index.js'
import { carriedByAttributes } from '../netlink/codec/carried-by.js'
import { attributes, reported, u16, u32, u64, u8, type InferInput } from '../netlink/codec/index.js'
import { iflaBridgeId, snakeCase } from './kinds/bridge.js'

/** IFLA_BRPORT_*, linux/if_link.h: what the master of a link that is a port of a bridge knows of it. */
export const bridgePortAttributes = attributes({
  state: ['IFLA_BRPORT_STATE', 1, reported(u8)],
  priority: ['IFLA_BRPORT_PRIORITY', 2, u16],
  cost: ['IFLA_BRPORT_COST', 3, u32],
  hairpin: ['IFLA_BRPORT_MODE', 4, u8],
  guard: ['IFLA_BRPORT_GUARD', 5, u8],
  rootBlock: ['IFLA_BRPORT_PROTECT', 6, u8],
  fastleave: ['IFLA_BRPORT_FAST_LEAVE', 7, u8],
  learning: ['IFLA_BRPORT_LEARNING', 8, u8],
  flood: ['IFLA_BRPORT_UNICAST_FLOOD', 9, u8],
  proxyArp: ['IFLA_BRPORT_PROXYARP', 10, u8],
  proxyArpWifi: ['IFLA_BRPORT_PROXYARP_WIFI', 12, u8],
  rootId: ['IFLA_BRPORT_ROOT_ID', 13, iflaBridgeId],
  bridgeId: ['IFLA_BRPORT_BRIDGE_ID', 14, iflaBridgeId],
  designatedPort: ['IFLA_BRPORT_DESIGNATED_PORT', 15, reported(u16)],
  designatedCost: ['IFLA_BRPORT_DESIGNATED_COST', 16, reported(u16)],
  id: ['IFLA_BRPORT_ID', 17, reported(u16)],
  number: ['IFLA_BRPORT_NO', 18, reported(u16)],
  topologyChangeAck: ['IFLA_BRPORT_TOPOLOGY_CHANGE_ACK', 19, reported(u8)],
  configPending: ['IFLA_BRPORT_CONFIG_PENDING', 20, reported(u8)],
  messageAgeTimer: ['IFLA_BRPORT_MESSAGE_AGE_TIMER', 21, reported(u64)],
  forwardDelayTimer: ['IFLA_BRPORT_FORWARD_DELAY_TIMER', 22, reported(u64)],
  holdTimer: ['IFLA_BRPORT_HOLD_TIMER', 23, reported(u64)],
  mcastRouter: ['IFLA_BRPORT_MULTICAST_ROUTER', 25, u8],
  mcastFlood: ['IFLA_BRPORT_MCAST_FLOOD', 27, u8],
  mcastToUnicast: ['IFLA_BRPORT_MCAST_TO_UCAST', 28, u8],
  vlanTunnel: ['IFLA_BRPORT_VLAN_TUNNEL', 29, u8],
  bcastFlood: ['IFLA_BRPORT_BCAST_FLOOD', 30, u8],
  groupFwdMask: ['IFLA_BRPORT_GROUP_FWD_MASK', 31, u16],
  neighSuppress: ['IFLA_BRPORT_NEIGH_SUPPRESS', 32, u8],
  isolated: ['IFLA_BRPORT_ISOLATED', 33, u8],
  mrpRingOpen: ['IFLA_BRPORT_MRP_RING_OPEN', 35, reported(u8)],
  mrpInOpen: ['IFLA_BRPORT_MRP_IN_OPEN', 36, reported(u8)],
  mcastEhtHostsLimit: ['IFLA_BRPORT_MCAST_EHT_HOSTS_LIMIT', 37, u32],
  mcastEhtHostsCount: ['IFLA_BRPORT_MCAST_EHT_HOSTS_CNT', 38, reported(u32)],
  locked: ['IFLA_BRPORT_LOCKED', 39, u8],
  mab: ['IFLA_BRPORT_MAB', 40, u8],
  mcastGroups: ['IFLA_BRPORT_MCAST_N_GROUPS', 41, reported(u32)],
  mcastMaxGroups: ['IFLA_BRPORT_MCAST_MAX_GROUPS', 42, u32],
  neighVlanSuppress: ['IFLA_BRPORT_NEIGH_VLAN_SUPPRESS', 43, u8],
})

const flags = [
  'hairpin',
  'guard',
  'rootBlock',
  'fastleave',
  'learning',
  'flood',
  'proxyArp',
  'proxyArpWifi',
  'mcastFlood',
  'mcastToUnicast',
  'vlanTunnel',
  'bcastFlood',
  'neighSuppress',
  'isolated',
  'locked',
  'mab',
  'neighVlanSuppress',
] as const

const numbers = [
  'priority',
  'cost',
  'mcastRouter',
  'groupFwdMask',
  'mcastMaxGroups',
  'mcastEhtHostsLimit',
] as const

/**
 * A link as the port of its bridge: the options of `ip link set … type bridge_slave`, in its words. A kernel ignores those
 * that it does not know, and does not list them.
 */
export interface BridgePort
  extends
    Partial<Record<(typeof flags)[number], boolean | undefined>>,
    Partial<Record<(typeof numbers)[number], number | undefined>> {}

export const bridgePortInput: Declaration<BridgePort> = object(
  Object.fromEntries(flags.map(name => [name, optional(boolean)])) as Record<
    (typeof flags)[number],
    Optional<boolean>
  >,
  carriedByAttributes(bridgePortAttributes.declarations, numbers),
)

/** IFLA_INFO_SLAVE_DATA of the options given. */
export function bridgePortData(port: BridgePort): InferInput<typeof bridgePortAttributes> {
  const data: Record<string, number> = {}
  for (const name of numbers) if (port[name] !== undefined) data[name] = port[name]
  for (const name of flags) if (port[name] !== undefined) data[name] = Number(port[name])
  return data
}

/** The options in IFLA_INFO_SLAVE_DATA. */
export function bridgePortIn(data: Readonly<Record<string, unknown>>): BridgePort {
  const port: Record<string, unknown> = {}
  for (const name of numbers) if (data[name] !== undefined) port[name] = data[name]
  for (const name of flags) if (data[name] !== undefined) port[name] = data[name] !== 0
  return port
}

/** The words of `ip link set`, which has none for the limit of hosts. */
export const bridgePortWords = (port: BridgePort): string[] => [
  'type bridge_slave',
  ...numbers
    .filter(name => name !== 'mcastEhtHostsLimit')
    .flatMap(name => (port[name] === undefined ? [] : [`${snakeCase(name)} ${port[name]}`])),
  ...flags.flatMap(name =>
    port[name] === undefined ? [] : [`${snakeCase(name)} ${port[name] ? 'on' : 'off'}`],
  ),
]
