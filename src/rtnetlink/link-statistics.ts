import { reported, struct, u32, u64, type Infer } from '../netlink/codec/index.js'

/** struct rtnl_link_stats, linux/if_link.h */
export const rtnlLinkStats = reported(
  struct({
    rxPackets: u32,
    txPackets: u32,
    rxBytes: u32,
    txBytes: u32,
    rxErrors: u32,
    txErrors: u32,
    rxDropped: u32,
    txDropped: u32,
    multicast: u32,
    collisions: u32,
    rxLengthErrors: u32,
    rxOverErrors: u32,
    rxCrcErrors: u32,
    rxFrameErrors: u32,
    rxFifoErrors: u32,
    rxMissedErrors: u32,
    txAbortedErrors: u32,
    txCarrierErrors: u32,
    txFifoErrors: u32,
    txHeartbeatErrors: u32,
    txWindowErrors: u32,
    rxCompressed: u32,
    txCompressed: u32,
    rxNohandler: u32,
  }),
)

/** struct rtnl_link_stats64, linux/if_link.h, where each counter is explained. Kernels before 5.19 lack the last. */
export const rtnlLinkStats64 = reported(
  struct({
    rxPackets: u64,
    txPackets: u64,
    rxBytes: u64,
    txBytes: u64,
    rxErrors: u64,
    txErrors: u64,
    rxDropped: u64,
    txDropped: u64,
    multicast: u64,
    collisions: u64,
    rxLengthErrors: u64,
    rxOverErrors: u64,
    rxCrcErrors: u64,
    rxFrameErrors: u64,
    rxFifoErrors: u64,
    rxMissedErrors: u64,
    txAbortedErrors: u64,
    txCarrierErrors: u64,
    txFifoErrors: u64,
    txHeartbeatErrors: u64,
    txWindowErrors: u64,
    rxCompressed: u64,
    txCompressed: u64,
    rxNohandler: u64,
    rxOtherhostDropped: u64,
  }),
)

/** Counters of a link since it was made, by the kernel's names. */
export type LinkStatistics = Infer<typeof rtnlLinkStats64>
