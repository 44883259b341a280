import { reported, s32, struct, u32, u64 } from '../../netlink/codec/index.js'

/** What `#define tc_gen` of linux/pkt_cls.h puts at the head of the parameters of each kind of action. */
export const tcGen = { index: u32, capab: u32, action: s32, refcnt: s32, bindcnt: s32 }

/** struct tcf_t, linux/pkt_cls.h: times ago, in clock ticks of 1/100 s. */
export const tcfT = reported(struct({ install: u64, lastuse: u64, expires: u64, firstuse: u64 }))
