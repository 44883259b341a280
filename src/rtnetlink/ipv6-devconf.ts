import { list, s32, type Codec } from '../netlink/codec/index.js'

/** DEVCONF_* of linux/ipv6.h in order, as `/proc/sys/net/ipv6/conf/<device>/` names them. */
export const ipv6SysctlNames = [
  'forwarding',
  'hop_limit',
  'mtu',
  'accept_ra',
  'accept_redirects',
  'autoconf',
  'dad_transmits',
  'router_solicitations',
  'router_solicitation_interval',
  'router_solicitation_delay',
  'use_tempaddr',
  'temp_valid_lft',
  'temp_prefered_lft',
  'regen_max_retry',
  'max_desync_factor',
  'max_addresses',
  'force_mld_version',
  'accept_ra_defrtr',
  'accept_ra_pinfo',
  'accept_ra_rtr_pref',
  'router_probe_interval',
  'accept_ra_rt_info_max_plen',
  'proxy_ndp',
  'optimistic_dad',
  'accept_source_route',
  'mc_forwarding',
  'disable_ipv6',
  'accept_dad',
  'force_tllao',
  'ndisc_notify',
  'mldv1_unsolicited_report_interval',
  'mldv2_unsolicited_report_interval',
  'suppress_frag_ndisc',
  'accept_ra_from_local',
  'use_optimistic',
  'accept_ra_mtu',
  'stable_secret',
  'use_oif_addrs_only',
  'accept_ra_min_hop_limit',
  'ignore_routes_with_linkdown',
  'drop_unicast_in_l2_multicast',
  'drop_unsolicited_na',
  'keep_addr_on_down',
  'router_solicitation_max_interval',
  'seg6_enabled',
  'seg6_require_hmac',
  'enhanced_dad',
  'addr_gen_mode',
  'disable_policy',
  'accept_ra_rt_info_min_plen',
  'ndisc_tclass',
  'rpl_seg_enabled',
  'ra_defrtr_metric',
  'ioam6_enabled',
  'ioam6_id',
  'ioam6_id_wide',
  'ndisc_evict_nocarrier',
  'accept_untracked_na',
  'accept_ra_min_lft',
] as const

/** Sysctls of one device, by their names in `/proc/sys/net/ipv6/conf/<device>/`; times are in milliseconds. */
export type Ipv6Sysctls = Partial<Record<(typeof ipv6SysctlNames)[number], number>>

const values = list(s32)

/** IFLA_INET6_CONF: an array in the order of DEVCONF_*, which the kernel gives and does not take. */
export const inet6Conf: Codec<Ipv6Sysctls> = {
  put: (writer, sysctls) => {
    const last = ipv6SysctlNames.findLastIndex(name => sysctls[name] !== undefined)
    values.put(
      writer,
      ipv6SysctlNames.slice(0, last + 1).map(name => sysctls[name] ?? 0),
    )
  },
  get: (view, at, end) =>
    Object.fromEntries(
      values.get(view, at, end).flatMap((value, i) => {
        const name = ipv6SysctlNames[i]
        return name === undefined ? [] : [[name, value]]
      }),
    ),
}
