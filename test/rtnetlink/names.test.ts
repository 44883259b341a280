import t from 'tap'
import { addressFlagNames } from '../../src/rtnetlink/address-flags.js'
import { addressFamilies } from '../../src/rtnetlink/address-family.js'
import { hardwareTypes } from '../../src/rtnetlink/hardware-types.js'
import { ipv6SysctlNames } from '../../src/rtnetlink/ipv6-devconf.js'
import { linkFlagNumbers } from '../../src/rtnetlink/link-flags.js'
import { neighbourFlagNames, neighbourStateName } from '../../src/rtnetlink/neighbour-states.js'
import { routeFlagNames } from '../../src/rtnetlink/route-flags.js'
import { routeProtocols, routeTypes } from '../../src/rtnetlink/route-names.js'
import { cValues, hasCompiler } from '../helpers/c-values.js'

const HEADERS = [
  'sys/socket.h',
  'linux/if.h',
  'linux/if_addr.h',
  'linux/if_arp.h',
  'linux/ipv6.h',
  'linux/neighbour.h',
  'linux/rtnetlink.h',
]

const compiler = hasCompiler()

t.test('names stand for the numbers of the kernel', compiler, async t => {
  const same = (prefix: string, names: Readonly<Record<string, number>>): void => {
    const constant = (name: string): string => prefix + name.toUpperCase()
    const values = cValues(HEADERS, Object.keys(names).map(constant))
    for (const [name, number] of Object.entries(names))
      t.equal(number, values.get(constant(name)), constant(name))
  }
  same('IFF_', linkFlagNumbers)
  same('RTN_', routeTypes.numbers)
  same('RTPROT_', routeProtocols.numbers)
  same('AF_', addressFamilies.numbers)
  const { ipip: tunnel, gre: ipgre, gre6: ip6gre, ...types } = hardwareTypes.numbers
  same('ARPHRD_', { ...types, tunnel, ipgre, ip6gre })
})

t.test('bits have the names that they have in the kernel', compiler, async t => {
  const constants: Record<string, (bits: number) => readonly string[]> = {
    IFA_F_SECONDARY: addressFlagNames,
    IFA_F_NODAD: addressFlagNames,
    IFA_F_OPTIMISTIC: addressFlagNames,
    IFA_F_DADFAILED: addressFlagNames,
    IFA_F_DEPRECATED: addressFlagNames,
    IFA_F_TENTATIVE: addressFlagNames,
    IFA_F_PERMANENT: addressFlagNames,
    IFA_F_NOPREFIXROUTE: addressFlagNames,
    NUD_INCOMPLETE: bits => [neighbourStateName(bits)],
    NUD_REACHABLE: bits => [neighbourStateName(bits)],
    NUD_STALE: bits => [neighbourStateName(bits)],
    NUD_DELAY: bits => [neighbourStateName(bits)],
    NUD_PROBE: bits => [neighbourStateName(bits)],
    NUD_FAILED: bits => [neighbourStateName(bits)],
    NUD_NOARP: bits => [neighbourStateName(bits)],
    NUD_PERMANENT: bits => [neighbourStateName(bits)],
    NTF_USE: bits => neighbourFlagNames(bits, 0),
    NTF_PROXY: bits => neighbourFlagNames(bits, 0),
    NTF_ROUTER: bits => neighbourFlagNames(bits, 0),
    NTF_EXT_MANAGED: bits => neighbourFlagNames(0, bits),
    RTNH_F_DEAD: routeFlagNames,
    RTNH_F_PERVASIVE: routeFlagNames,
    RTNH_F_ONLINK: routeFlagNames,
    RTNH_F_OFFLOAD: routeFlagNames,
    RTNH_F_LINKDOWN: routeFlagNames,
    RTNH_F_UNRESOLVED: routeFlagNames,
    RTNH_F_TRAP: routeFlagNames,
    RTM_F_NOTIFY: routeFlagNames,
    RTM_F_CLONED: routeFlagNames,
  }
  const values = cValues(HEADERS, Object.keys(constants))
  for (const [constant, namesOf] of Object.entries(constants)) {
    const name = constant.split('_').at(-1) ?? ''
    t.strictSame(
      namesOf(values.get(constant) ?? 0).map(found => found.toUpperCase()),
      [name],
      constant,
    )
  }
})

t.test('IPv6 sysctls come in the order of DEVCONF_*', compiler, async t => {
  // Those that DEVCONF_* calls otherwise than /proc does.
  const renamed: Record<string, string> = {
    hop_limit: 'HOPLIMIT',
    mtu: 'MTU6',
    router_solicitations: 'RTR_SOLICITS',
    router_solicitation_interval: 'RTR_SOLICIT_INTERVAL',
    router_solicitation_delay: 'RTR_SOLICIT_DELAY',
    router_solicitation_max_interval: 'RTR_SOLICIT_MAX_INTERVAL',
    router_probe_interval: 'RTR_PROBE_INTERVAL',
  }
  const constant = (name: string): string => `DEVCONF_${renamed[name] ?? name.toUpperCase()}`
  const values = cValues(HEADERS, ipv6SysctlNames.map(constant))
  ipv6SysctlNames.forEach((name, i) => t.equal(i, values.get(constant(name)), name))
})
