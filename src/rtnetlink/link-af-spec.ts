import { attributes, ipAddress, list, reported, struct, u32, u64, u8 } from '../netlink/codec/index.js'
import { named, namedNumbers } from '../netlink/codec/named.js'
import { inetConf } from './ipv4-devconf.js'
import { inet6Conf } from './ipv6-devconf.js'

/** How IPv6 makes link-local addresses: enum in6_addr_gen_mode, linux/if_link.h, in the words of `ip link`. */
export const addrGenModes = namedNumbers('addrgenmode', { eui64: 0, none: 1, stable_secret: 2, random: 3 })

export type AddrGenMode = keyof typeof addrGenModes.numbers | number

/** struct ifla_cacheinfo, linux/if_link.h */
export const inet6CacheInfo = reported(
  struct({ maxReasmLen: u32, tstamp: u32, reachableTime: u32, retransTime: u32 }),
)

/** IFLA_INET_*, linux/if_link.h */
export const inetLinkAttributes = attributes({
  conf: ['IFLA_INET_CONF', 1, inetConf],
})

/** IFLA_INET6_*, linux/if_link.h. The statistics begin with their count, then follow IPSTATS_MIB_* and ICMP6_MIB_*. */
export const inet6LinkAttributes = attributes({
  flags: ['IFLA_INET6_FLAGS', 1, reported(u32)],
  conf: ['IFLA_INET6_CONF', 2, reported(inet6Conf)],
  stats: ['IFLA_INET6_STATS', 3, reported(list(u64))],
  cacheInfo: ['IFLA_INET6_CACHEINFO', 5, inet6CacheInfo],
  icmp6Stats: ['IFLA_INET6_ICMP6STATS', 6, reported(list(u64))],
  token: ['IFLA_INET6_TOKEN', 7, ipAddress],
  addrGenMode: ['IFLA_INET6_ADDR_GEN_MODE', 8, named(u8, addrGenModes)],
  raMtu: ['IFLA_INET6_RA_MTU', 9, reported(u32)],
})

/** IFLA_AF_SPEC: one attribute per address family, numbered AF_*. */
export const linkAfSpec = attributes({
  inet: ['AF_INET', 2, inetLinkAttributes],
  inet6: ['AF_INET6', 10, inet6LinkAttributes],
})
