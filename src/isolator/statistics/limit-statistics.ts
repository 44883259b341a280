import type { RateLimit } from '../options/rate-limit.js'
import type { ResourceStatistics } from './resource-statistics.js'

type LimitStatistics<Way extends 'rx' | 'tx'> = Pick<
  ResourceStatistics<bigint>,
  `net_${Way}_${'rate_limit' | 'burst_rate_limit' | 'burst_size'}`
>

/** The statistics of a container's limits. As in Mesos, there is a burst only beside a ceil. */
export const limitStatistics = (
  egress: RateLimit | undefined,
  ingress: RateLimit | undefined,
): LimitStatistics<'tx'> & LimitStatistics<'rx'> => ({
  ...(egress && {
    net_tx_rate_limit: BigInt(egress.rate),
    ...(egress.ceil !== undefined && {
      net_tx_burst_rate_limit: BigInt(egress.ceil),
      ...(egress.burst !== undefined && { net_tx_burst_size: BigInt(egress.burst) }),
    }),
  }),
  ...(ingress && {
    net_rx_rate_limit: BigInt(ingress.rate),
    ...(ingress.ceil !== undefined && {
      net_rx_burst_rate_limit: BigInt(ingress.ceil),
      ...(ingress.burst !== undefined && { net_rx_burst_size: BigInt(ingress.burst) }),
    }),
  }),
})
