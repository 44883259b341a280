import { ret } from '../../tc/classic-bpf/blocks.js'

// Verdicts of a direct-action program, TCA_BPF_FLAG_ACT_DIRECT (linux/pkt_cls.h). A load beyond the packet gives 0 = OK.
const TC_ACT_UNSPEC = -1
const TC_ACT_OK = 0
const TC_ACT_SHOT = 2

/** Direct action: on to the next filter. */
export const nextFilter = ret(TC_ACT_UNSPEC)
/** Direct action: into the host's stack, past all later filters. */
export const intoHost = ret(TC_ACT_OK)
/** Direct action: dropped. */
export const drop = ret(TC_ACT_SHOT)

// Results of a classifier, whose actions follow it (net/sched/cls_bpf.c). A load beyond the packet gives 0 as well, so
// an allow-list fails closed: no match, next filter, final drop.
export const MATCH = -1
export const NO_MATCH = 0

/** Classifier: the frame is one of ours, run the actions. */
export const match = ret(MATCH)
/** Classifier: not one of ours, on to the next filter. */
export const noMatch = ret(NO_MATCH)
