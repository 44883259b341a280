import {
  attributes,
  be16,
  binary,
  linkAddress,
  reported,
  reserved,
  s32,
  struct,
  u16,
  u32,
  u8,
  uncarried,
} from '../netlink/codec/index.js'
import { named } from '../netlink/codec/named.js'
import { messageBody } from '../netlink/message-type.js'
import { addressFamilies } from './address-family.js'
import { networkAddress } from './network-address.js'
import { hasOtherExtendedFlags } from './neighbour-states.js'
import type { ObjectMessages } from './object-messages.js'
import { routeProtocols, routeTypes } from './route-names.js'

/** struct ndmsg, linux/neighbour.h */
export const ndmsg = struct({
  family: named(u8, addressFamilies),
  pad1: reserved(1),
  pad2: reserved(2),
  ifindex: s32,
  state: u16,
  flags: u8,
  type: named(u8, routeTypes),
})

/** struct nda_cacheinfo, linux/neighbour.h: times in 1/100 s ago. */
export const ndaCacheinfo = reported(struct({ confirmed: u32, used: u32, updated: u32, refcnt: u32 }))

/** NDA_*, linux/neighbour.h */
export const neighbourAttributes = attributes({
  dst: ['NDA_DST', 1, networkAddress],
  lladdr: ['NDA_LLADDR', 2, linkAddress],
  cacheinfo: ['NDA_CACHEINFO', 3, ndaCacheinfo],
  probes: ['NDA_PROBES', 4, reported(u32)],
  vlan: ['NDA_VLAN', 5, uncarried(u16)],
  port: ['NDA_PORT', 6, uncarried(be16)],
  vni: ['NDA_VNI', 7, uncarried(u32)],
  ifindex: ['NDA_IFINDEX', 8, uncarried(u32)],
  master: ['NDA_MASTER', 9, uncarried(u32)],
  linkNetnsid: ['NDA_LINK_NETNSID', 10, uncarried(s32)],
  srcVni: ['NDA_SRC_VNI', 11, uncarried(u32)],
  protocol: ['NDA_PROTOCOL', 12, named(u8, routeProtocols)],
  nhId: ['NDA_NH_ID', 13, uncarried(u32)],
  fdbExtAttrs: ['NDA_FDB_EXT_ATTRS', 14, uncarried(binary)],
  flagsExt: ['NDA_FLAGS_EXT', 15, uncarried(u32, hasOtherExtendedFlags)],
  stateMask: ['NDA_NDM_STATE_MASK', 16, u16],
  flagsMask: ['NDA_NDM_FLAGS_MASK', 17, u8],
})

/** The body of RTM_NEWNEIGH, RTM_DELNEIGH and RTM_GETNEIGH. */
export const neighbourBody = messageBody(ndmsg, neighbourAttributes)

/** RTM_*NEIGH, linux/rtnetlink.h */
export const neighbourMessages: ObjectMessages<typeof neighbourBody> = {
  new: { name: 'RTM_NEWNEIGH', type: 28, body: neighbourBody },
  delete: { name: 'RTM_DELNEIGH', type: 29, body: neighbourBody },
  get: { name: 'RTM_GETNEIGH', type: 30, body: neighbourBody },
}
