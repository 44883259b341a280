/**
 * What ip and bridge send for neighbours, captured by scripts/capture-goldens.ts with iproute2-6.1.0 under Linux 6.18.44-fc-v595. Device d0 has
 * index 7, d1 has 8.
 */
import type { Golden } from './golden.js'

export const goldens: readonly Golden[] = [
  {
    about: 'a neighbour',
    command: 'ip neigh add 10.9.0.1 lladdr 02:00:0a:09:00:01 dev d0',
    bytes: `300000001c0005060000000000000000020000000700000080000000080001000a0900010a00020002000a0900010000`,
    value: {
      family: 'inet',
      ifindex: 7,
      state: 128,
      flags: 0,
      type: 'unspec',
      attributes: { dst: '10.9.0.1', lladdr: '02:00:0a:09:00:01' },
    },
  },
  {
    about: 'a neighbour with everything',
    command: 'ip neigh replace 10.9.0.1 lladdr 02:00:0a:09:00:01 nud reachable router extern_learn protocol zebra dev d0',
    bytes: `
      380000001c000505000000000000000002000000070000000200900005000c000b000000080001000a0900010a000200
      02000a0900010000`,
    value: {
      family: 'inet',
      ifindex: 7,
      state: 2,
      flags: 144,
      type: 'unspec',
      attributes: { protocol: 'zebra', dst: '10.9.0.1', lladdr: '02:00:0a:09:00:01' },
    },
  },
  {
    about: 'a neighbour that is kept reachable',
    command: 'ip neigh add 10.9.0.1 managed dev d0',
    bytes: `2c0000001c0005060000000000000000020000000700000000000000080001000a09000108000f0001000000`,
    value: {
      family: 'inet',
      ifindex: 7,
      state: 0,
      flags: 0,
      type: 'unspec',
      attributes: { dst: '10.9.0.1', flagsExt: 1 },
    },
  },
  {
    about: 'a proxy',
    command: 'ip neigh add proxy 10.9.0.9 dev d0',
    bytes: `240000001c0005060000000000000000020000000700000080000800080001000a090009`,
    value: {
      family: 'inet',
      ifindex: 7,
      state: 128,
      flags: 8,
      type: 'unspec',
      attributes: { dst: '10.9.0.9' },
    },
  },
  {
    about: 'change',
    command: 'ip neigh change 10.9.0.1 lladdr 02:00:0a:09:00:01 nud stale dev d0',
    bytes: `300000001c0005010000000000000000020000000700000004000000080001000a0900010a00020002000a0900010000`,
    value: {
      family: 'inet',
      ifindex: 7,
      state: 4,
      flags: 0,
      type: 'unspec',
      attributes: { dst: '10.9.0.1', lladdr: '02:00:0a:09:00:01' },
    },
  },
  {
    about: 'delete',
    command: 'ip neigh del 10.9.0.1 dev d0',
    bytes: `240000001d0005000000000000000000020000000700000080000000080001000a090001`,
    value: {
      family: 'inet',
      ifindex: 7,
      state: 128,
      flags: 0,
      type: 'unspec',
      attributes: { dst: '10.9.0.1' },
    },
  },
  {
    about: 'get',
    command: 'ip neigh get 10.9.0.1 dev d0',
    bytes: `240000001e0001000000000000000000020000000700000000000000080001000a090001`,
    value: {
      family: 'inet',
      ifindex: 7,
      state: 0,
      flags: 0,
      type: 'unspec',
      attributes: { dst: '10.9.0.1' },
    },
  },
  {
    about: 'a learnt address of a bridge',
    command: 'bridge fdb replace 02:00:0a:09:00:05 dev d0 master vlan 5 dynamic extern_learn',
    bytes: `300000001c00050500000000000000000700000007000000020014000a00020002000a09000500000600050005000000`,
    value: {
      family: 'bridge',
      ifindex: 7,
      state: 2,
      flags: 20,
      type: 'unspec',
      attributes: { lladdr: '02:00:0a:09:00:05', vlan: 5 },
    },
  },
  {
    about: 'a far end of a VXLAN',
    command: 'bridge fdb append 02:00:0a:09:00:05 dev d0 self dst 10.9.0.1 port 4790 vni 7 src_vni 3 via d1 permanent',
    bytes: `
      500000001c00050c00000000000000000700000007000000c00002000a00020002000a0900050000080001000a090001
      0600060012b60000080007000700000008000b00030000000800080008000000`,
    value: {
      family: 'bridge',
      ifindex: 7,
      state: 192,
      flags: 2,
      type: 'unspec',
      attributes: {
        lladdr: '02:00:0a:09:00:05',
        dst: '10.9.0.1',
        port: 4790,
        vni: 7,
        srcVni: 3,
        ifindex: 8,
      },
    },
  },
  {
    about: 'a far end by a nexthop object',
    command: 'bridge fdb replace 02:00:0a:09:00:05 dev d0 self nhid 4',
    bytes: `300000001c00050500000000000000000700000007000000c00002000a00020002000a090005000008000d0004000000`,
    value: {
      family: 'bridge',
      ifindex: 7,
      state: 192,
      flags: 2,
      type: 'unspec',
      attributes: { lladdr: '02:00:0a:09:00:05', nhId: 4 },
    },
  },
  {
    about: 'flush',
    command: 'bridge fdb flush dev d0 vlan 5 static extern_learn',
    bytes: `
      340000001d00050200000000000000000700000007000000400012000600050005000000050011001000000006001000
      c0000000`,
    value: {
      family: 'bridge',
      ifindex: 7,
      state: 64,
      flags: 18,
      type: 'unspec',
      attributes: { vlan: 5, flagsMask: 16, stateMask: 192 },
    },
  },
]
