import {
  attributes,
  flag,
  list,
  reported,
  reserved,
  s16,
  s32,
  s8,
  struct,
  text,
  u16,
  u32,
  u8,
  uncarried,
  type Codec,
} from '../netlink/codec/index.js'
import { messageBody } from '../netlink/message-type.js'
import { nlaBitfield32 } from './bitfield.js'
import { statistics2, tcStats } from './statistics.js'

/** struct tcmsg, linux/rtnetlink.h */
export const tcmsg = struct({
  family: u8,
  pad1: reserved(1),
  pad2: reserved(2),
  ifindex: s32,
  handle: u32,
  parent: u32,
  info: u32,
})

/** struct tc_estimator, linux/pkt_sched.h */
export const tcEstimator = struct({ interval: s8, ewmaLog: u8 })

/** struct tc_sizespec, linux/pkt_sched.h */
export const tcSizespec = struct({
  cellLog: u8,
  sizeLog: u8,
  cellAlign: s16,
  overhead: s32,
  linklayer: u32,
  mpu: u32,
  mtu: u32,
  tsize: u32,
})

/** TCA_STAB_*, linux/pkt_sched.h */
export const stabAttributes = attributes({
  base: ['TCA_STAB_BASE', 1, tcSizespec],
  data: ['TCA_STAB_DATA', 2, list(u16)],
})

/**
 * The TCA_* set, linux/rtnetlink.h. What is in TCA_OPTIONS, TCA_XSTATS and TCA_STATS_APP depends on TCA_KIND, and on
 * whether the message is of a qdisc, a class or a filter.
 */
export const tcaAttributes = <O, OI, X>(options: Codec<O, OI>, xstats: Codec<X>) =>
  attributes({
    kind: ['TCA_KIND', 1, text],
    options: ['TCA_OPTIONS', 2, options],
    stats: ['TCA_STATS', 3, tcStats],
    xstats: ['TCA_XSTATS', 4, reported(xstats)],
    rate: ['TCA_RATE', 5, uncarried(tcEstimator)],
    stats2: ['TCA_STATS2', 7, statistics2(xstats)],
    stab: ['TCA_STAB', 8, stabAttributes],
    dumpInvisible: ['TCA_DUMP_INVISIBLE', 10, flag],
    chain: ['TCA_CHAIN', 11, u32],
    hwOffload: ['TCA_HW_OFFLOAD', 12, reported(u8)],
    ingressBlock: ['TCA_INGRESS_BLOCK', 13, u32],
    egressBlock: ['TCA_EGRESS_BLOCK', 14, u32],
    dumpFlags: ['TCA_DUMP_FLAGS', 15, nlaBitfield32],
    extWarnMsg: ['TCA_EXT_WARN_MSG', 16, reported(text)],
  })

/** The body of a message of qdiscs, classes or filters. */
export const tcBody = <O, OI, X>(options: Codec<O, OI>, xstats: Codec<X>) =>
  messageBody(tcmsg, tcaAttributes(options, xstats))
