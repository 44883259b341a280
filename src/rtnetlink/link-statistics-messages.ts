import { attributes, reserved, struct, u32, u8, type Infer, type InferInput } from '../netlink/codec/index.js'
import { NLM_F_DUMP } from '../netlink/constants.js'
import type { Request } from '../netlink/message.js'
import { messageBody, type MessageType } from '../netlink/message-type.js'
import { rtnlLinkStats64 } from './link-statistics.js'

/** struct if_stats_msg, linux/if_link.h */
export const ifStatsMsg = struct({
  family: u8,
  pad1: reserved(1),
  pad2: reserved(2),
  ifindex: u32,
  filterMask: u32,
})

/** IFLA_STATS_*, linux/if_link.h, as far as they are asked for here. */
export const linkStatsAttributes = attributes({
  link64: ['IFLA_STATS_LINK_64', 1, rtnlLinkStats64],
})

/** IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64), linux/if_link.h */
const STATS_FILTER_LINK_64 = 1

const statsBody = messageBody(ifStatsMsg, linkStatsAttributes)

type StatsMessage = MessageType<Infer<typeof statsBody>, InferInput<typeof statsBody>>

/** RTM_*STATS, linux/rtnetlink.h: what `ip stats` asks (rtnl_stats_dump in net/core/rtnetlink.c), since Linux 4.7. */
export const RTM_NEWSTATS: StatsMessage = { name: 'RTM_NEWSTATS', type: 92, body: statsBody }
export const RTM_GETSTATS: StatsMessage = { name: 'RTM_GETSTATS', type: 94, body: statsBody }

/** The dump that gives struct rtnl_link_stats64 of every link. */
export const linkStatisticsRequest: Request<never> = {
  type: RTM_GETSTATS,
  flags: NLM_F_DUMP,
  body: { filterMask: STATS_FILTER_LINK_64 } as never,
}
