/**
 * What ip sends for addresses, captured by scripts/capture-goldens.ts with iproute2-6.1.0 under Linux 6.18.44-fc-v595. Device d0 has
 * index 7, d1 has 8.
 */
import type { Golden } from './golden.js'

export const goldens: readonly Golden[] = [
  {
    about: 'an address',
    command: 'ip addr add 10.9.0.2/24 dev d0',
    bytes: `280000001400050600000000000000000218000007000000080002000a090002080001000a090002`,
    value: {
      family: 'inet',
      prefixlen: 24,
      flags: 0,
      scope: 'global',
      index: 7,
      attributes: { local: '10.9.0.2', address: '10.9.0.2' },
    },
  },
  {
    about: 'an address with everything',
    command: 'ip addr add 10.9.0.2/24 broadcast 10.9.0.255 label d0:web scope link metric 50 dev d0 valid_lft 100 preferred_lft 50',
    bytes: `
      58000000140005060000000000000000021800fd07000000080002000a090002080004000a0900ff0b00030064303a77
      656200000800090032000000080001000a0900021400060032000000640000000000000000000000`,
    value: {
      family: 'inet',
      prefixlen: 24,
      flags: 0,
      scope: 'link',
      index: 7,
      attributes: {
        local: '10.9.0.2',
        broadcast: '10.9.0.255',
        label: 'd0:web',
        metric: 50,
        address: '10.9.0.2',
        cacheinfo: { prefered: 50, valid: 100, cstamp: 0, tstamp: 0 },
      },
    },
  },
  {
    about: 'a point-to-point address',
    command: 'ip addr add 10.9.0.2 peer 10.9.0.3/32 dev d0',
    bytes: `280000001400050600000000000000000220000007000000080002000a090002080001000a090003`,
    value: {
      family: 'inet',
      prefixlen: 32,
      flags: 0,
      scope: 'global',
      index: 7,
      attributes: { local: '10.9.0.2', address: '10.9.0.3' },
    },
  },
  {
    about: 'an address of IPv6',
    command: 'ip addr add 2001:db8::1/64 dev d0 nodad noprefixroute home',
    bytes: `
      480000001400050600000000000000000a400000070000001400020020010db800000000000000000000000108000800
      120200001400010020010db8000000000000000000000001`,
    value: {
      family: 'inet6',
      prefixlen: 64,
      flags: 0,
      scope: 'global',
      index: 7,
      attributes: { local: '2001:db8::1', flags: 530, address: '2001:db8::1' },
    },
  },
  {
    about: 'an anycast address',
    command: 'ip addr add 2001:db8::1/64 anycast 2001:db8::5 dev d0',
    bytes: `
      540000001400050600000000000000000a400000070000001400020020010db800000000000000000000000114000500
      20010db80000000000000000000000051400010020010db8000000000000000000000001`,
    value: {
      family: 'inet6',
      prefixlen: 64,
      flags: 0,
      scope: 'global',
      index: 7,
      attributes: { local: '2001:db8::1', anycast: '2001:db8::5', address: '2001:db8::1' },
    },
  },
  {
    about: 'replace',
    command: 'ip addr replace 10.9.0.2/24 dev d0',
    bytes: `280000001400050500000000000000000218000007000000080002000a090002080001000a090002`,
    value: {
      family: 'inet',
      prefixlen: 24,
      flags: 0,
      scope: 'global',
      index: 7,
      attributes: { local: '10.9.0.2', address: '10.9.0.2' },
    },
  },
  {
    about: 'change',
    command: 'ip addr change 10.9.0.2/24 dev d0 preferred_lft 0',
    bytes: `
      3c0000001400050100000000000000000218000007000000080002000a090002080001000a0900021400060000000000
      ffffffff0000000000000000`,
    value: {
      family: 'inet',
      prefixlen: 24,
      flags: 0,
      scope: 'global',
      index: 7,
      attributes: {
        local: '10.9.0.2',
        address: '10.9.0.2',
        cacheinfo: { prefered: 0, valid: 4294967295, cstamp: 0, tstamp: 0 },
      },
    },
  },
  {
    about: 'delete',
    command: 'ip addr del 10.9.0.2/24 dev d0',
    bytes: `280000001500050000000000000000000218000007000000080002000a090002080001000a090002`,
    value: {
      family: 'inet',
      prefixlen: 24,
      flags: 0,
      scope: 'global',
      index: 7,
      attributes: { local: '10.9.0.2', address: '10.9.0.2' },
    },
  },
  {
    about: 'list',
    command: 'ip -4 addr show dev d0',
    bytes: `180000001600010300000000000000000200000007000000`,
    value: { family: 'inet', prefixlen: 0, flags: 0, scope: 'global', index: 7, attributes: {} },
  },
]
