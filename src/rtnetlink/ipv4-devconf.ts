import type { Declaration } from '../input/index.js'
import { carriedByAttributes } from '../netlink/codec/carried-by.js'
import { attributes, s32, u16, type Codec } from '../netlink/codec/index.js'
import { sysctlArray } from './sysctl-array.js'

/** What `/proc/sys/net/ipv4/conf/<device>/` holds, by the names there: IPV4_DEVCONF_*, linux/ip.h. */
export const ipv4Devconf = attributes({
  forwarding: ['IPV4_DEVCONF_FORWARDING', 1, s32],
  mc_forwarding: ['IPV4_DEVCONF_MC_FORWARDING', 2, s32],
  proxy_arp: ['IPV4_DEVCONF_PROXY_ARP', 3, s32],
  accept_redirects: ['IPV4_DEVCONF_ACCEPT_REDIRECTS', 4, s32],
  secure_redirects: ['IPV4_DEVCONF_SECURE_REDIRECTS', 5, s32],
  send_redirects: ['IPV4_DEVCONF_SEND_REDIRECTS', 6, s32],
  shared_media: ['IPV4_DEVCONF_SHARED_MEDIA', 7, s32],
  rp_filter: ['IPV4_DEVCONF_RP_FILTER', 8, s32],
  accept_source_route: ['IPV4_DEVCONF_ACCEPT_SOURCE_ROUTE', 9, s32],
  bootp_relay: ['IPV4_DEVCONF_BOOTP_RELAY', 10, s32],
  log_martians: ['IPV4_DEVCONF_LOG_MARTIANS', 11, s32],
  tag: ['IPV4_DEVCONF_TAG', 12, s32],
  arp_filter: ['IPV4_DEVCONF_ARPFILTER', 13, s32],
  medium_id: ['IPV4_DEVCONF_MEDIUM_ID', 14, s32],
  disable_xfrm: ['IPV4_DEVCONF_NOXFRM', 15, s32],
  disable_policy: ['IPV4_DEVCONF_NOPOLICY', 16, s32],
  force_igmp_version: ['IPV4_DEVCONF_FORCE_IGMP_VERSION', 17, s32],
  arp_announce: ['IPV4_DEVCONF_ARP_ANNOUNCE', 18, s32],
  arp_ignore: ['IPV4_DEVCONF_ARP_IGNORE', 19, s32],
  promote_secondaries: ['IPV4_DEVCONF_PROMOTE_SECONDARIES', 20, s32],
  arp_accept: ['IPV4_DEVCONF_ARP_ACCEPT', 21, s32],
  arp_notify: ['IPV4_DEVCONF_ARP_NOTIFY', 22, s32],
  accept_local: ['IPV4_DEVCONF_ACCEPT_LOCAL', 23, s32],
  src_valid_mark: ['IPV4_DEVCONF_SRC_VMARK', 24, s32],
  proxy_arp_pvlan: ['IPV4_DEVCONF_PROXY_ARP_PVLAN', 25, s32],
  route_localnet: ['IPV4_DEVCONF_ROUTE_LOCALNET', 26, s32],
  igmpv2_unsolicited_report_interval: ['IPV4_DEVCONF_IGMPV2_UNSOLICITED_REPORT_INTERVAL', 27, s32],
  igmpv3_unsolicited_report_interval: ['IPV4_DEVCONF_IGMPV3_UNSOLICITED_REPORT_INTERVAL', 28, s32],
  ignore_routes_with_linkdown: ['IPV4_DEVCONF_IGNORE_ROUTES_WITH_LINKDOWN', 29, s32],
  drop_unicast_in_l2_multicast: ['IPV4_DEVCONF_DROP_UNICAST_IN_L2_MULTICAST', 30, s32],
  drop_gratuitous_arp: ['IPV4_DEVCONF_DROP_GRATUITOUS_ARP', 31, s32],
  bc_forwarding: ['IPV4_DEVCONF_BC_FORWARDING', 32, s32],
  arp_evict_nocarrier: ['IPV4_DEVCONF_ARP_EVICT_NOCARRIER', 33, s32],
})

export type Ipv4Sysctl = keyof typeof ipv4Devconf.declarations

/** Sysctls of one device, by their names in `/proc/sys/net/ipv4/conf/<device>/`. */
export type Ipv4Sysctls = Partial<Record<Ipv4Sysctl, number | undefined>>

const names = Object.keys(ipv4Devconf.declarations) as Ipv4Sysctl[]

export const ipv4SysctlsInput: Declaration<Ipv4Sysctls> = carriedByAttributes(ipv4Devconf.declarations, names)

/** What the kernel answers: IPV4_DEVCONF_FORWARDING, which is 1, comes first. */
const answer = sysctlArray(names)

/**
 * IFLA_INET_CONF. The kernel answers with an array in the order of IPV4_DEVCONF_*, and takes one attribute per value
 * that is to change (inet_fill_link_af and inet_set_link_af, net/ipv4/devinet.c). Marked NLA_F_NESTED, which
 * Linux 7.1 began to insist on.
 */
export const inetConf: Codec<Ipv4Sysctls> = {
  nested: true,
  parts: [ipv4Devconf],
  members: ipv4Devconf.members,
  put: (writer, value) => {
    ipv4Devconf.put(writer, value)
  },
  get(view, at, end) {
    if (!isNest(view, at, end)) return answer.get(view, at, end)
    const known = ipv4Devconf.get(view, at, end)
    delete known.unknown
    return known
  },
  locate: (view, at, end, offset) =>
    (isNest(view, at, end) && ipv4Devconf.locate?.(view, at, end, offset)) || [],
}

/** struct nlattr and an int. */
const SYSCTL_BYTES = 8

/**
 * A nest is a row of attributes of 8 bytes. An array cannot look like that: every other value would have to be the header
 * of one. Its first value alone may, since the notification of a device that goes can hold what is no longer a value.
 */
function isNest(view: DataView, at: number, end: number): boolean {
  if (at === end || (end - at) % SYSCTL_BYTES !== 0) return false
  for (; at < end; at += SYSCTL_BYTES) if (u16.read(view, at) !== SYSCTL_BYTES) return false
  return true
}
