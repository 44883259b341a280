import t from 'tap'
import { ifaCacheinfo, addressAttributes, ifaddrmsg } from '../../src/rtnetlink/address-messages.js'
import { ipv4Devconf } from '../../src/rtnetlink/ipv4-devconf.js'
import { ipv6SysctlNames } from '../../src/rtnetlink/ipv6-devconf.js'
import { bridgeAttributes, brBooloptMulti, iflaBridgeId } from '../../src/rtnetlink/kinds/bridge.js'
import { vethAttributes } from '../../src/rtnetlink/kinds/veth.js'
import { iflaVlanFlags, iflaVlanQosMapping, vlanAttributes } from '../../src/rtnetlink/kinds/vlan.js'
import { inet6CacheInfo, inet6LinkAttributes, inetLinkAttributes, linkAfSpec } from '../../src/rtnetlink/link-af-spec.js'
import { ifinfomsg, protoDownReason, rtnlLinkIfmap } from '../../src/rtnetlink/link-attributes.js'
import { linkFlagNumbers } from '../../src/rtnetlink/link-flags.js'
import { linkAttributes, linkInfoAttributes } from '../../src/rtnetlink/link-info.js'
import { rtnlLinkStats, rtnlLinkStats64 } from '../../src/rtnetlink/link-statistics.js'
import { ndaCacheinfo, ndmsg, neighbourAttributes } from '../../src/rtnetlink/neighbour-messages.js'
import { routeAttributes, rtaCacheinfo, rtmsg } from '../../src/rtnetlink/route-messages.js'
import { metricAttributes } from '../../src/rtnetlink/route-metrics.js'
import { routeProtocols, routeTypes } from '../../src/rtnetlink/route-names.js'
import { rtnexthop } from '../../src/rtnetlink/route-nexthops.js'
import { sameLayout, sameNumbers } from '../helpers/abi.js'
import { cValues, hasCompiler } from '../helpers/c-values.js'

const HEADERS = [
  'sys/socket.h',
  'linux/if.h',
  'linux/if_addr.h',
  'linux/if_bridge.h',
  'linux/if_link.h',
  'linux/ip.h',
  'linux/ipv6.h',
  'linux/neighbour.h',
  'linux/rtnetlink.h',
  'linux/veth.h',
]

t.test('attributes have the numbers of the kernel', hasCompiler(), async t => {
  const sets = [
    linkAttributes,
    linkInfoAttributes,
    linkAfSpec,
    inetLinkAttributes,
    inet6LinkAttributes,
    protoDownReason,
    vethAttributes,
    vlanAttributes,
    bridgeAttributes,
    ipv4Devconf,
    addressAttributes,
    routeAttributes,
    metricAttributes,
    neighbourAttributes,
  ]
  sameNumbers(t, HEADERS, sets)
})

t.test('structs have the layout of the kernel', hasCompiler(), async t => {
  const layout = (name: string, ...rest: [Parameters<typeof sameLayout>[3], Parameters<typeof sameLayout>[4]?]) => {
    sameLayout(t, HEADERS, name, ...rest)
  }
  layout('ifinfomsg', ifinfomsg, { prefix: 'ifi_' })
  layout('rtnl_link_stats', rtnlLinkStats)
  layout('rtnl_link_stats64', rtnlLinkStats64)
  layout('rtnl_link_ifmap', rtnlLinkIfmap)
  layout('ifla_cacheinfo', inet6CacheInfo)
  layout('ifla_vlan_flags', iflaVlanFlags)
  layout('ifla_vlan_qos_mapping', iflaVlanQosMapping)
  layout('ifla_bridge_id', iflaBridgeId)
  layout('br_boolopt_multi', brBooloptMulti)
  layout('ifaddrmsg', ifaddrmsg, { prefix: 'ifa_' })
  layout('ifa_cacheinfo', ifaCacheinfo, { renamed: { prefered: 'ifa_prefered', valid: 'ifa_valid' } })
  layout('rtmsg', rtmsg, { prefix: 'rtm_' })
  layout('rtnexthop', rtnexthop, { prefix: 'rtnh_' })
  layout('rta_cacheinfo', rtaCacheinfo, { prefix: 'rta_' })
  layout('ndmsg', ndmsg, { prefix: 'ndm_' })
  layout('nda_cacheinfo', ndaCacheinfo, { prefix: 'ndm_' })
})

t.test('names stand for the numbers of the kernel', hasCompiler(), async t => {
  const same = (prefix: string, names: Readonly<Record<string, number>>): void => {
    const values = cValues(HEADERS, Object.keys(names).map(name => prefix + name.toUpperCase()))
    for (const [name, number] of Object.entries(names)) t.equal(number, values.get(prefix + name.toUpperCase()), name)
  }
  same('IFF_', linkFlagNumbers)
  same('RTN_', routeTypes.numbers)
  same('RTPROT_', routeProtocols.numbers)
})

t.test('IPv6 sysctls come in the order of DEVCONF_*', hasCompiler(), async t => {
  // Those that DEVCONF_* calls otherwise than /proc does.
  const renamed: Record<string, string> = {
    hop_limit: 'HOPLIMIT',
    mtu: 'MTU6',
    router_solicitations: 'RTR_SOLICITS',
    router_solicitation_interval: 'RTR_SOLICIT_INTERVAL',
    router_solicitation_delay: 'RTR_SOLICIT_DELAY',
    router_solicitation_max_interval: 'RTR_SOLICIT_MAX_INTERVAL',
    router_probe_interval: 'RTR_PROBE_INTERVAL',
    temp_prefered_lft: 'TEMP_PREFERED_LFT',
    regen_max_retry: 'REGEN_MAX_RETRY',
  }
  const constant = (name: string): string => `DEVCONF_${renamed[name] ?? name.toUpperCase()}`
  const values = cValues(HEADERS, ipv6SysctlNames.map(constant))
  ipv6SysctlNames.forEach((name, i) => t.equal(i, values.get(constant(name)), name))
})
