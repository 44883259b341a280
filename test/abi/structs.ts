import { nlaBitfield32 } from '../../src/tc/bitfield.js'
import { ifaCacheinfo, ifaddrmsg } from '../../src/rtnetlink/address-messages.js'
import { brBooloptMulti, iflaBridgeId } from '../../src/rtnetlink/kinds/bridge.js'
import { iflaVlanFlags, iflaVlanQosMapping } from '../../src/rtnetlink/kinds/vlan.js'
import { inet6CacheInfo } from '../../src/rtnetlink/link-af-spec.js'
import { ifinfomsg, rtnlLinkIfmap } from '../../src/rtnetlink/link-attributes.js'
import { ifStatsMsg } from '../../src/rtnetlink/link-statistics-messages.js'
import { rtnlLinkStats, rtnlLinkStats64 } from '../../src/rtnetlink/link-statistics.js'
import { ndaCacheinfo, ndmsg } from '../../src/rtnetlink/neighbour-messages.js'
import { rtgenmsg } from '../../src/rtnetlink/netns-id-messages.js'
import { rtaCacheinfo, rtmsg } from '../../src/rtnetlink/route-messages.js'
import { rtnexthop } from '../../src/rtnetlink/route-nexthops.js'
import {
  inetDiagMeminfo,
  inetDiagMsg,
  inetDiagReqV2,
  inetDiagSockid,
  skMeminfo,
  tcpBbrInfo,
  tcpDctcpInfo,
  tcpvegasInfo,
} from '../../src/sock-diag/inet-diag.js'
import { tcpInfoStruct } from '../../src/sock-diag/tcp-info.js'
import { tcGact, tcGactP } from '../../src/tc/actions/gact.js'
import { tcfT } from '../../src/tc/actions/generic.js'
import { tcMirred } from '../../src/tc/actions/mirred.js'
import { sockFilter } from '../../src/tc/kinds/bpf.js'
import { tcFifoQopt } from '../../src/tc/kinds/fifo.js'
import { tcFqCodelClStats, tcFqCodelQdStats } from '../../src/tc/kinds/fq-codel.js'
import { tcHtbGlob, tcHtbOpt, tcHtbXstats } from '../../src/tc/kinds/htb.js'
import { tcTbfQopt } from '../../src/tc/kinds/tbf.js'
import { tcU32Mark, tcU32Pcnt, tcU32Sel } from '../../src/tc/kinds/u32-wire.js'
import { tcRatespec } from '../../src/tc/rate.js'
import {
  gnetStatsBasic,
  gnetStatsQueue,
  gnetStatsRateEst,
  gnetStatsRateEst64,
  tcStats,
} from '../../src/tc/statistics.js'
import { tcEstimator, tcmsg, tcSizespec } from '../../src/tc/tca.js'
import { tcU32Key } from '../../src/tc/u32-key.js'
import type { AnyStruct } from './declarations.js'

/**
 * The C struct of a declaration. A member is called as in C, in camel case, without the prefix that all have in C, and
 * without underscores at its end; `renamed` has the others.
 */
export interface CStruct {
  readonly declared: AnyStruct
  readonly name: string
  readonly prefix?: string
  readonly renamed?: Readonly<Record<string, string>>
  /** C members that have no `offsetof`: bit-fields. */
  readonly bitFields?: readonly string[]
  /** Members that kernels after Linux 6.1 appended, with the version of the first. */
  readonly newer?: Readonly<Record<string, string>>
}

const struct = (
  name: string,
  declared: AnyStruct,
  rest: Omit<CStruct, 'name' | 'declared'> = {},
): CStruct => ({
  name: `struct ${name}`,
  declared,
  ...rest,
})

export const cStructs: readonly CStruct[] = [
  // linux/netlink.h
  struct('nla_bitfield32', nlaBitfield32),

  // linux/rtnetlink.h, linux/if_link.h
  struct('ifinfomsg', ifinfomsg, { prefix: 'ifi_', renamed: { pad: '__ifi_pad' } }),
  struct('if_stats_msg', ifStatsMsg),
  struct('rtnl_link_stats', rtnlLinkStats),
  struct('rtnl_link_stats64', rtnlLinkStats64),
  struct('rtnl_link_ifmap', rtnlLinkIfmap),
  struct('ifla_cacheinfo', inet6CacheInfo),
  struct('ifla_vlan_flags', iflaVlanFlags),
  struct('ifla_vlan_qos_mapping', iflaVlanQosMapping),
  struct('ifla_bridge_id', iflaBridgeId),
  struct('br_boolopt_multi', brBooloptMulti),

  // linux/if_addr.h, linux/neighbour.h, linux/rtnetlink.h
  struct('ifaddrmsg', ifaddrmsg, { prefix: 'ifa_' }),
  struct('ifa_cacheinfo', ifaCacheinfo, { renamed: { prefered: 'ifa_prefered', valid: 'ifa_valid' } }),
  struct('rtmsg', rtmsg, { prefix: 'rtm_' }),
  struct('rtnexthop', rtnexthop, { prefix: 'rtnh_' }),
  struct('rta_cacheinfo', rtaCacheinfo, { prefix: 'rta_' }),
  struct('ndmsg', ndmsg, { prefix: 'ndm_' }),
  struct('rtgenmsg', rtgenmsg, { prefix: 'rtgen_' }),
  struct('nda_cacheinfo', ndaCacheinfo, { prefix: 'ndm_' }),

  // linux/rtnetlink.h, linux/pkt_sched.h, linux/gen_stats.h
  struct('tcmsg', tcmsg, { prefix: 'tcm_', renamed: { pad1: 'tcm__pad1', pad2: 'tcm__pad2' } }),
  struct('tc_estimator', tcEstimator),
  struct('tc_sizespec', tcSizespec),
  struct('tc_ratespec', tcRatespec),
  struct('tc_stats', tcStats),
  struct('gnet_stats_basic', gnetStatsBasic),
  struct('gnet_stats_rate_est', gnetStatsRateEst),
  struct('gnet_stats_rate_est64', gnetStatsRateEst64),
  struct('gnet_stats_queue', gnetStatsQueue),
  struct('tc_fifo_qopt', tcFifoQopt),
  struct('tc_htb_opt', tcHtbOpt),
  struct('tc_htb_glob', tcHtbGlob),
  struct('tc_htb_xstats', tcHtbXstats),
  struct('tc_tbf_qopt', tcTbfQopt),
  struct('tc_fq_codel_qd_stats', tcFqCodelQdStats),
  struct('tc_fq_codel_cl_stats', tcFqCodelClStats),

  // linux/pkt_cls.h, linux/tc_act/*.h, linux/filter.h
  struct('tc_u32_sel', tcU32Sel),
  struct('tc_u32_key', tcU32Key),
  struct('tc_u32_mark', tcU32Mark),
  struct('tc_u32_pcnt', tcU32Pcnt),
  struct('sock_filter', sockFilter),
  struct('tcf_t', tcfT),
  struct('tc_mirred', tcMirred),
  struct('tc_gact', tcGact),
  struct('tc_gact_p', tcGactP),

  // linux/inet_diag.h, linux/tcp.h
  struct('inet_diag_sockid', inetDiagSockid, { prefix: 'idiag_' }),
  struct('inet_diag_req_v2', inetDiagReqV2, {
    prefix: 'idiag_',
    renamed: { family: 'sdiag_family', protocol: 'sdiag_protocol', pad: 'pad', id: 'id' },
  }),
  struct('inet_diag_msg', inetDiagMsg, { prefix: 'idiag_', renamed: { id: 'id' } }),
  struct('inet_diag_meminfo', inetDiagMeminfo, { prefix: 'idiag_' }),
  struct('tcpvegas_info', tcpvegasInfo, { prefix: 'tcpv_' }),
  struct('tcp_dctcp_info', tcpDctcpInfo, { prefix: 'dctcp_' }),
  struct('tcp_bbr_info', tcpBbrInfo, { prefix: 'bbr_' }),
  struct('tcp_info', tcpInfoStruct, {
    prefix: 'tcpi_',
    bitFields: ['wscales', 'deliveryFlags'],
    newer: {
      rcvWnd: '6.2',
      rehash: '6.2',
      totalRto: '6.7',
      totalRtoRecoveries: '6.7',
      totalRtoTime: '6.7',
    },
  }),
]

/** An array of numbers in C, whose indexes are SK_MEMINFO_* of linux/sock_diag.h. */
export const cArrays: readonly { declared: AnyStruct; prefix: string }[] = [
  { declared: skMeminfo, prefix: 'SK_MEMINFO_' },
]
