import {
  attributes,
  bareText,
  binary,
  linkAddress,
  nested,
  reported,
  reserved,
  s32,
  struct,
  text,
  u16,
  u32,
  u64,
  u8,
  uint,
  uncarried,
  type Attribute,
} from '../netlink/codec/index.js'
import { named, namedNumbers } from '../netlink/codec/named.js'
import { addressFamilies } from './address-family.js'
import { linkAfSpec } from './link-af-spec.js'
import { rtnlLinkStats, rtnlLinkStats64 } from './link-statistics.js'
import { repeated } from '../netlink/codec/repeated.js'

/** RFC 2863 ifOperStatus as the kernel numbers it: IF_OPER_*, linux/if.h. */
export const operationalStates = namedNumbers('operational state', {
  unknown: 0,
  notpresent: 1,
  down: 2,
  lowerlayerdown: 3,
  testing: 4,
  dormant: 5,
  up: 6,
})

/** IF_LINK_MODE_*, linux/if.h */
export const linkModes = namedNumbers('link mode', { default: 0, dormant: 1, testing: 2 })

/** struct ifinfomsg, linux/rtnetlink.h */
export const ifinfomsg = struct({
  family: named(u8, addressFamilies),
  pad: reserved(1),
  type: u16,
  index: s32,
  flags: u32,
  change: u32,
})

/** struct rtnl_link_ifmap, linux/if_link.h */
export const rtnlLinkIfmap = reported(
  struct({
    memStart: u64,
    memEnd: u64,
    baseAddr: u64,
    irq: u16,
    dma: u8,
    port: u8,
  }),
)

/** IFLA_PROTO_DOWN_REASON_*, linux/if_link.h */
export const protoDownReason = attributes({
  mask: ['IFLA_PROTO_DOWN_REASON_MASK', 1, u32],
  value: ['IFLA_PROTO_DOWN_REASON_VALUE', 2, u32],
})

/** IFLA_XDP_*, linux/if_link.h. A program is known by its id only, by which it cannot be attached again. */
export const xdpAttributes = attributes({
  attached: ['IFLA_XDP_ATTACHED', 2, uncarried(u8, mode => mode !== 0)],
})

/** IFLA_*, linux/if_link.h, but for IFLA_LINKINFO: what a link and the peer of a veth have alike. */
export const commonLinkDeclarations = {
  address: ['IFLA_ADDRESS', 1, linkAddress],
  broadcast: ['IFLA_BROADCAST', 2, linkAddress],
  name: ['IFLA_IFNAME', 3, text],
  mtu: ['IFLA_MTU', 4, u32],
  link: ['IFLA_LINK', 5, u32],
  qdisc: ['IFLA_QDISC', 6, reported(text)],
  stats: ['IFLA_STATS', 7, rtnlLinkStats],
  master: ['IFLA_MASTER', 10, u32],
  protInfo: ['IFLA_PROTINFO', 12, reported(binary)],
  txQueueLength: ['IFLA_TXQLEN', 13, u32],
  map: ['IFLA_MAP', 14, rtnlLinkIfmap],
  operationalState: ['IFLA_OPERSTATE', 16, reported(named(u8, operationalStates))],
  linkMode: ['IFLA_LINKMODE', 17, named(u8, linkModes)],
  netnsPid: ['IFLA_NET_NS_PID', 19, u32],
  alias: ['IFLA_IFALIAS', 20, bareText],
  numVf: ['IFLA_NUM_VF', 21, reported(u32)],
  vfInfoList: ['IFLA_VFINFO_LIST', 22, uncarried(binary, list => list.length > 0)],
  stats64: ['IFLA_STATS64', 23, rtnlLinkStats64],
  afSpec: ['IFLA_AF_SPEC', 26, linkAfSpec],
  group: ['IFLA_GROUP', 27, u32],
  netnsFd: ['IFLA_NET_NS_FD', 28, u32],
  extMask: ['IFLA_EXT_MASK', 29, u32],
  promiscuity: ['IFLA_PROMISCUITY', 30, reported(u32)],
  txQueues: ['IFLA_NUM_TX_QUEUES', 31, u32],
  rxQueues: ['IFLA_NUM_RX_QUEUES', 32, u32],
  carrier: ['IFLA_CARRIER', 33, reported(u8)],
  carrierChanges: ['IFLA_CARRIER_CHANGES', 35, reported(u32)],
  linkNetnsid: ['IFLA_LINK_NETNSID', 37, s32],
  protoDown: ['IFLA_PROTO_DOWN', 39, uncarried(u8, down => down !== 0)],
  gsoMaxSegments: ['IFLA_GSO_MAX_SEGS', 40, u32],
  gsoMaxSize: ['IFLA_GSO_MAX_SIZE', 41, u32],
  xdp: ['IFLA_XDP', 43, xdpAttributes],
  event: ['IFLA_EVENT', 44, reported(u32)],
  newNetnsid: ['IFLA_NEW_NETNSID', 45, reported(s32)],
  targetNetnsid: ['IFLA_TARGET_NETNSID', 46, uncarried(s32)],
  carrierUpCount: ['IFLA_CARRIER_UP_COUNT', 47, reported(u32)],
  carrierDownCount: ['IFLA_CARRIER_DOWN_COUNT', 48, reported(u32)],
  newIfindex: ['IFLA_NEW_IFINDEX', 49, reported(s32)],
  minMtu: ['IFLA_MIN_MTU', 50, reported(u32)],
  maxMtu: ['IFLA_MAX_MTU', 51, reported(u32)],
  altNames: ['IFLA_PROP_LIST', 52, nested(repeated('IFLA_ALT_IFNAME', 53, text))],
  altName: ['IFLA_ALT_IFNAME', 53, text],
  permanentAddress: ['IFLA_PERM_ADDRESS', 54, reported(linkAddress)],
  protoDownReason: ['IFLA_PROTO_DOWN_REASON', 55, uncarried(nested(protoDownReason))],
  parentDevice: ['IFLA_PARENT_DEV_NAME', 56, reported(text)],
  parentBus: ['IFLA_PARENT_DEV_BUS_NAME', 57, reported(text)],
  groMaxSize: ['IFLA_GRO_MAX_SIZE', 58, u32],
  tsoMaxSize: ['IFLA_TSO_MAX_SIZE', 59, reported(u32)],
  tsoMaxSegments: ['IFLA_TSO_MAX_SEGS', 60, reported(u32)],
  allmulti: ['IFLA_ALLMULTI', 61, reported(u32)],
  devlinkPort: ['IFLA_DEVLINK_PORT', 62, reported(binary)],
  gsoIpv4MaxSize: ['IFLA_GSO_IPV4_MAX_SIZE', 63, u32],
  groIpv4MaxSize: ['IFLA_GRO_IPV4_MAX_SIZE', 64, u32],
  dpllPin: ['IFLA_DPLL_PIN', 65, reported(binary)],
  maxPacingOffloadHorizon: ['IFLA_MAX_PACING_OFFLOAD_HORIZON', 66, reported(uint)],
  netnsImmutable: ['IFLA_NETNS_IMMUTABLE', 67, reported(u8)],
  headroom: ['IFLA_HEADROOM', 68, reported(u16)],
  tailroom: ['IFLA_TAILROOM', 69, reported(u16)],
} satisfies Record<string, Attribute>
