/** ETH_P_*, linux/if_ether.h, under the names of `tc`. */
export const ETHER_TYPES = {
  all: 0x0003,
  ip: 0x0800,
  arp: 0x0806,
  rarp: 0x8035,
  '802.1Q': 0x8100,
  ipv6: 0x86dd,
  mpls_uc: 0x8847,
  ppp_ses: 0x8864,
  '802.1ad': 0x88a8,
} as const
