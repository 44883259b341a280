/**
 * What ip sends for routes, captured by scripts/capture-goldens.ts with iproute2-6.1.0 under Linux 6.18.44-fc-v595. Device d0 has
 * index 7, d1 has 8.
 */
import { hex, type Golden } from './golden.js'

export const goldens: readonly Golden[] = [
  {
    about: 'the default route',
    command: 'ip route add default via 10.9.0.1 dev d0',
    bytes: `2c00000018000506000000000000000002000000fe03000100000000080005000a0900010800040007000000`,
    value: {
      family: 'inet',
      dstLen: 0,
      srcLen: 0,
      tos: 0,
      table: 254,
      protocol: 'boot',
      scope: 'global',
      type: 'unicast',
      flags: 0,
      attributes: { gateway: '10.9.0.1', oif: 7 },
    },
  },
  {
    about: 'a prefix',
    command: 'ip route add 10.1.0.0/16 dev d0 scope link src 10.9.0.2 metric 100 proto static table 1000 tos 8',
    bytes: `
      44000000180005060000000000000000021000080004fd0100000000080001000a010000080007000a09000208000600
      6400000008000f00e80300000800040007000000`,
    value: {
      family: 'inet',
      dstLen: 16,
      srcLen: 0,
      tos: 8,
      table: 0,
      protocol: 'static',
      scope: 'link',
      type: 'unicast',
      flags: 0,
      attributes: { dst: '10.1.0.0', prefsrc: '10.9.0.2', priority: 100, table: 1000, oif: 7 },
    },
  },
  {
    about: 'metrics',
    command: 'ip route add 10.1.0.0/16 dev d0 mtu lock 1400 window 10 rtt 100ms rttvar 50ms ssthresh 20 cwnd 10 advmss 1360 reordering 5 hoplimit 64 initcwnd 20 rto_min 40ms initrwnd 30 features ecn quickack 1 congctl lock cubic fastopen_no_cookie 1',
    bytes: `
      bc00000018000506000000000000000002100000fe03fd0100000000080001000a010000080004000700000090000800
      0800020078050000080003000a000000080004002003000008000500c80000000800060014000000080007000a000000
      0800080050050000080009000500000008000a004000000008000b001400000008000d002800000008000e001e000000
      08000c000100000008000f000100000009001000637562696300000008001100010000000800010004200100`,
    value: {
      family: 'inet',
      dstLen: 16,
      srcLen: 0,
      tos: 0,
      table: 254,
      protocol: 'boot',
      scope: 'link',
      type: 'unicast',
      flags: 0,
      attributes: {
        dst: '10.1.0.0',
        oif: 7,
        metrics: {
          mtu: 1400,
          window: 10,
          rtt: 800,
          rttvar: 200,
          ssthresh: 20,
          cwnd: 10,
          advmss: 1360,
          reordering: 5,
          hoplimit: 64,
          initcwnd: 20,
          rtoMin: 40,
          initrwnd: 30,
          features: 1,
          quickack: 1,
          congctl: 'cubic',
          fastopenNoCookie: 1,
          lock: 73732,
        },
      },
    },
  },
  {
    about: 'two nexthops',
    command: 'ip route add 10.1.0.0/16 realm 3/4 nexthop via 10.9.0.1 dev d0 weight 2 nexthop via 10.9.0.3 dev d1 onlink',
    bytes: `
      5000000018000506000000000000000002100000fe03000100000000080001000a01000008000b000400030024000900
      1000000107000000080005000a0900011000040008000000080005000a090003`,
    value: {
      family: 'inet',
      dstLen: 16,
      srcLen: 0,
      tos: 0,
      table: 254,
      protocol: 'boot',
      scope: 'global',
      type: 'unicast',
      flags: 0,
      attributes: {
        dst: '10.1.0.0',
        flow: 196612,
        multipath: [
          { len: 16, flags: 0, hops: 1, ifindex: 7, attributes: { gateway: '10.9.0.1' } },
          { len: 16, flags: 4, hops: 0, ifindex: 8, attributes: { gateway: '10.9.0.3' } },
        ],
      },
    },
  },
  {
    about: 'a gateway of IPv6',
    command: 'ip route add 10.1.0.0/16 via inet6 fe80::1 dev d0',
    bytes: `
      4400000018000506000000000000000002100000fe03000100000000080001000a010000160012000a00fe8000000000
      0000000000000000000100000800040007000000`,
    value: {
      family: 'inet',
      dstLen: 16,
      srcLen: 0,
      tos: 0,
      table: 254,
      protocol: 'boot',
      scope: 'global',
      type: 'unicast',
      flags: 0,
      attributes: { dst: '10.1.0.0', via: { family: 'inet6', address: 'fe80::1' }, oif: 7 },
    },
  },
  {
    about: 'a route of IPv6',
    command: 'ip -6 route add 2001:db8::/32 via fe80::1 dev d0 expires 100 pref high',
    bytes: `
      5c0000001800050600000000000000000a200000fe030001000000001400010020010db8000000000000000000000000
      14000500fe800000000000000000000000000001080017006400000005001400010000000800040007000000`,
    value: {
      family: 'inet6',
      dstLen: 32,
      srcLen: 0,
      tos: 0,
      table: 254,
      protocol: 'boot',
      scope: 'global',
      type: 'unicast',
      flags: 0,
      attributes: { dst: '2001:db8::', gateway: 'fe80::1', expires: 100, pref: 'high', oif: 7 },
    },
  },
  {
    about: 'from a source',
    command: 'ip -6 route add 2001:db8::/32 from 2001:db8:1::/48 dev d0',
    bytes: `
      4c0000001800050600000000000000000a203000fe030001000000001400010020010db8000000000000000000000000
      1400020020010db80001000000000000000000000800040007000000`,
    value: {
      family: 'inet6',
      dstLen: 32,
      srcLen: 48,
      tos: 0,
      table: 254,
      protocol: 'boot',
      scope: 'global',
      type: 'unicast',
      flags: 0,
      attributes: { dst: '2001:db8::', src: '2001:db8:1::', oif: 7 },
    },
  },
  {
    about: 'by a nexthop object',
    command: 'ip route add 10.1.0.0/16 nhid 5',
    bytes: `2c00000018000506000000000000000002100000fe03000100000000080001000a01000008001e0005000000`,
    value: {
      family: 'inet',
      dstLen: 16,
      srcLen: 0,
      tos: 0,
      table: 254,
      protocol: 'boot',
      scope: 'global',
      type: 'unicast',
      flags: 0,
      attributes: { dst: '10.1.0.0', nhId: 5 },
    },
  },
  {
    about: 'a black hole',
    command: 'ip route add blackhole 10.1.0.0/16',
    bytes: `2400000018000506000000000000000002100000fe03000600000000080001000a010000`,
    value: {
      family: 'inet',
      dstLen: 16,
      srcLen: 0,
      tos: 0,
      table: 254,
      protocol: 'boot',
      scope: 'global',
      type: 'blackhole',
      flags: 0,
      attributes: { dst: '10.1.0.0' },
    },
  },
  {
    about: 'in a tunnel of MPLS',
    command: 'ip route add 10.1.0.0/16 encap mpls 100/200 ttl 5 via 10.9.0.1 dev d0 ttl-propagate enabled',
    bytes: `
      5c00000018000506000000000000000002100000fe03000100000000080001000a010000180016800c00010000064000
      000c81000500020005d001000600150001000100080005000a09000105001a00010000000800040007000000`,
    value: {
      family: 'inet',
      dstLen: 16,
      srcLen: 0,
      tos: 0,
      table: 254,
      protocol: 'boot',
      scope: 'global',
      type: 'unicast',
      flags: 0,
      attributes: {
        dst: '10.1.0.0',
        encap: hex('0c00010000064000000c81000500020005d00100'),
        encapType: 1,
        gateway: '10.9.0.1',
        ttlPropagate: 1,
        oif: 7,
      },
    },
  },
  {
    about: 'a route of MPLS',
    command: 'ip -f mpls route add 100 as 200/300 via inet 10.9.0.1 dev d0',
    bytes: `
      440000001800050600000000000000001c140000fe0300010000000008000100000641000c001300000c80000012c100
      0a00120002000a09000100000800040007000000`,
    value: {
      family: 'mpls',
      dstLen: 20,
      srcLen: 0,
      tos: 0,
      table: 254,
      protocol: 'boot',
      scope: 'global',
      type: 'unicast',
      flags: 0,
      attributes: {
        dst: '0.6.65.0',
        newdst: hex('000c80000012c100'),
        via: { family: 'inet', address: '10.9.0.1' },
        oif: 7,
      },
    },
  },
  {
    about: 'replace',
    command: 'ip route replace 10.1.0.0/16 via 10.9.0.1 dev d0',
    bytes: `
      3400000018000505000000000000000002100000fe03000100000000080001000a010000080005000a09000108000400
      07000000`,
    value: {
      family: 'inet',
      dstLen: 16,
      srcLen: 0,
      tos: 0,
      table: 254,
      protocol: 'boot',
      scope: 'global',
      type: 'unicast',
      flags: 0,
      attributes: { dst: '10.1.0.0', gateway: '10.9.0.1', oif: 7 },
    },
  },
  {
    about: 'change',
    command: 'ip route change 10.1.0.0/16 via 10.9.0.1 dev d0',
    bytes: `
      3400000018000501000000000000000002100000fe03000100000000080001000a010000080005000a09000108000400
      07000000`,
    value: {
      family: 'inet',
      dstLen: 16,
      srcLen: 0,
      tos: 0,
      table: 254,
      protocol: 'boot',
      scope: 'global',
      type: 'unicast',
      flags: 0,
      attributes: { dst: '10.1.0.0', gateway: '10.9.0.1', oif: 7 },
    },
  },
  {
    about: 'delete',
    command: 'ip route del 10.1.0.0/16 via 10.9.0.1 dev d0',
    bytes: `
      3400000019000500000000000000000002100000fe00ff0000000000080001000a010000080005000a09000108000400
      07000000`,
    value: {
      family: 'inet',
      dstLen: 16,
      srcLen: 0,
      tos: 0,
      table: 254,
      protocol: 'unspec',
      scope: 'nowhere',
      type: 'unspec',
      flags: 0,
      attributes: { dst: '10.1.0.0', gateway: '10.9.0.1', oif: 7 },
    },
  },
  {
    about: 'look one up',
    command: 'ip route get 10.1.0.1',
    bytes: `240000001a0001000000000000000000022000000000000000100000080001000a010001`,
    value: {
      family: 'inet',
      dstLen: 32,
      srcLen: 0,
      tos: 0,
      table: 0,
      protocol: 'unspec',
      scope: 'global',
      type: 'unspec',
      flags: 4096,
      attributes: { dst: '10.1.0.1' },
    },
  },
  {
    about: 'look one up with everything',
    command: 'ip route get fibmatch 10.1.0.1 from 10.9.0.7 iif d0 mark 5 uid 1000 ipproto tcp sport 31000 dport 80',
    bytes: `
      5c0000001a0001000000000000000000022020000000000000300000080001000a010001080002000a09000708001900
      e803000005001b000600000006001c007918000006001d000050000008000300070000000800100005000000`,
    value: {
      family: 'inet',
      dstLen: 32,
      srcLen: 32,
      tos: 0,
      table: 0,
      protocol: 'unspec',
      scope: 'global',
      type: 'unspec',
      flags: 12288,
      attributes: {
        dst: '10.1.0.1',
        src: '10.9.0.7',
        uid: 1000,
        ipProto: 6,
        sport: 31000,
        dport: 80,
        iif: 7,
        mark: 5,
      },
    },
  },
  {
    about: 'list',
    command: 'ip route show table 1000',
    bytes: `240000001a000103000000000000000002000000000000000000000008000f00e8030000`,
    value: {
      family: 'inet',
      dstLen: 0,
      srcLen: 0,
      tos: 0,
      table: 0,
      protocol: 'unspec',
      scope: 'global',
      type: 'unspec',
      flags: 0,
      attributes: { table: 1000 },
    },
  },
]
