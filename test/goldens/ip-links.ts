/**
 * What ip sends for links, captured by scripts/capture-goldens.ts with iproute2-6.1.0 under Linux 6.18.44-fc-v595. Device d0 has
 * index 7, d1 has 8.
 */
import { hex, type Golden } from './golden.js'

export const goldens: readonly Golden[] = [
  {
    about: 'a veth with everything',
    command: 'ip link add v0 index 20 address 02:00:0a:09:00:02 broadcast ff:ff:ff:ff:ff:ff mtu 1400 txqueuelen 500 numtxqueues 4 numrxqueues 2 type veth peer name v1 index 21 address 02:00:0a:09:00:03 mtu 1400',
    bytes: `
      a0000000100005060000000000000000000000001400000000000000000000000a00010002000a09000200000a000200
      ffffffffffff0000080004007805000008000d00f401000008001f000400000008002000020000000700030076300000
      4000120008000100766574683400020030000100000000001500000000000000000000000a00010002000a0900030000
      08000400780500000700030076310000`,
    value: {
      family: 'unspec',
      type: 0,
      index: 20,
      flags: 0,
      change: 0,
      attributes: {
        address: '02:00:0a:09:00:02',
        broadcast: 'ff:ff:ff:ff:ff:ff',
        mtu: 1400,
        txQueueLength: 500,
        txQueues: 4,
        rxQueues: 2,
        name: 'v0',
        linkInfo: {
          kind: 'veth',
          data: {
            peer: {
              family: 'unspec',
              type: 0,
              index: 21,
              flags: 0,
              change: 0,
              attributes: { address: '02:00:0a:09:00:03', mtu: 1400, name: 'v1' },
            },
          },
        },
      },
    },
  },
  {
    about: 'a veth that is named by the kernel',
    command: 'ip link add type veth',
    bytes: `2c000000100005060000000000000000000000000000000000000000000000000c0012000800010076657468`,
    value: {
      family: 'unspec',
      type: 0,
      index: 0,
      flags: 0,
      change: 0,
      attributes: { linkInfo: { kind: 'veth' } },
    },
  },
  {
    about: 'a dummy',
    command: 'ip link add dummy0 type dummy',
    bytes: `
      3c000000100005060000000000000000000000000000000000000000000000000b00030064756d6d7930000010001200
      0900010064756d6d79000000`,
    value: {
      family: 'unspec',
      type: 0,
      index: 0,
      flags: 0,
      change: 0,
      attributes: { name: 'dummy0', linkInfo: { kind: 'dummy' } },
    },
  },
  {
    about: 'an ifb',
    command: 'ip link add ifb0 type ifb',
    bytes: `
      38000000100005060000000000000000000000000000000000000000000000000900030069666230000000000c001200
      0700010069666200`,
    value: {
      family: 'unspec',
      type: 0,
      index: 0,
      flags: 0,
      change: 0,
      attributes: { name: 'ifb0', linkInfo: { kind: 'ifb' } },
    },
  },
  {
    about: 'a VLAN',
    command: 'ip link add link d0 name d0.5 type vlan id 5',
    bytes: `
      4c0000001000050600000000000000000000000000000000000000000000000008000500070000000900030064302e35
      000000001800120008000100766c616e0c0002000600010005000000`,
    value: {
      family: 'unspec',
      type: 0,
      index: 0,
      flags: 0,
      change: 0,
      attributes: { link: 7, name: 'd0.5', linkInfo: { kind: 'vlan', data: { id: 5 } } },
    },
  },
  {
    about: 'a VLAN with everything',
    command: 'ip link add link d0 name d0.7 type vlan protocol 802.1ad id 7 reorder_hdr off gvrp on mvrp on loose_binding on bridge_binding on ingress-qos-map 1:2 3:4 egress-qos-map 5:6 7:1',
    bytes: `
      980000001000050600000000000000000000000000000000000000000000000008000500070000000900030064302e37
      000000006400120008000100766c616e580002000600050088a8000006000100070000001c0004000c00010001000000
      020000000c00010003000000040000001c0003000c00010005000000060000000c00010007000000010000000c000200
      1e0000001f000000`,
    value: {
      family: 'unspec',
      type: 0,
      index: 0,
      flags: 0,
      change: 0,
      attributes: {
        link: 7,
        name: 'd0.7',
        linkInfo: {
          kind: 'vlan',
          data: {
            protocol: '802.1ad',
            id: 7,
            ingressQos: [{ from: 1, to: 2 }, { from: 3, to: 4 }],
            egressQos: [{ from: 5, to: 6 }, { from: 7, to: 1 }],
            flags: { flags: 30, mask: 31 },
          },
        },
      },
    },
  },
  {
    about: 'a bridge',
    command: 'ip link add b0 type bridge',
    bytes: `
      38000000100005060000000000000000000000000000000000000000000000000700030062300000100012000a000100
      6272696467650000`,
    value: {
      family: 'unspec',
      type: 0,
      index: 0,
      flags: 0,
      change: 0,
      attributes: { name: 'b0', linkInfo: { kind: 'bridge' } },
    },
  },
  {
    about: 'a bridge with everything',
    command: 'ip link add b0 type bridge forward_delay 1500 hello_time 200 max_age 2000 ageing_time 30000 stp_state 1 priority 4096 vlan_filtering 1 vlan_protocol 802.1ad group_fwd_mask 8 group_address 01:80:c2:00:00:00 vlan_default_pvid 5 vlan_stats_enabled 1 vlan_stats_per_port 1 mcast_snooping 0 mcast_router 2 mcast_query_use_ifaddr 1 mcast_querier 1 mcast_hash_elasticity 16 mcast_hash_max 1024 mcast_last_member_count 3 mcast_startup_query_count 4 mcast_last_member_interval 100 mcast_membership_interval 26000 mcast_querier_interval 25500 mcast_query_interval 12500 mcast_query_response_interval 1000 mcast_startup_query_interval 3125 mcast_stats_enabled 1 mcast_igmp_version 3 mcast_mld_version 2 nf_call_iptables 1 nf_call_ip6tables 1 nf_call_arptables 1 no_linklocal_learn 1 mcast_vlan_snooping 0',
    bytes: `
      6c010000100005060000000000000000000000000000000000000000000000000700030062300000440112000a000100
      62726964676500003401020008000100dc05000008000200c800000008000300d0070000080004003075000008000500
      01000000060006000010000005000700010000000600080088a8000006000900080000000a0014000180c20000000000
      0600270005000000050029000100000005002d0001000000050017000000000005001600020000000500180001000000
      050019000100000008001a001000000008001b000004000008001c000300000008001d00040000000c001e0064000000
      000000000c001f0090650000000000000c0020009c630000000000000c002100d4300000000000000c002200e8030000
      000000000c002300350c00000000000005002a000100000005002b000300000005002c00020000000500240001000000
      050025000100000005002600010000000c002e000100000003000000`,
    value: {
      family: 'unspec',
      type: 0,
      index: 0,
      flags: 0,
      change: 0,
      attributes: {
        name: 'b0',
        linkInfo: {
          kind: 'bridge',
          data: {
            forwardDelay: 1500,
            helloTime: 200,
            maxAge: 2000,
            ageingTime: 30000,
            stpState: 1,
            priority: 4096,
            vlanFiltering: 1,
            vlanProtocol: '802.1ad',
            groupFwdMask: 8,
            groupAddress: '01:80:c2:00:00:00',
            vlanDefaultPvid: 5,
            vlanStatsEnabled: 1,
            vlanStatsPerPort: 1,
            mcastSnooping: 0,
            mcastRouter: 2,
            mcastQueryUseIfaddr: 1,
            mcastQuerier: 1,
            mcastHashElasticity: 16,
            mcastHashMax: 1024,
            mcastLastMemberCount: 3,
            mcastStartupQueryCount: 4,
            mcastLastMemberInterval: 100n,
            mcastMembershipInterval: 26000n,
            mcastQuerierInterval: 25500n,
            mcastQueryInterval: 12500n,
            mcastQueryResponseInterval: 1000n,
            mcastStartupQueryInterval: 3125n,
            mcastStatsEnabled: 1,
            mcastIgmpVersion: 3,
            mcastMldVersion: 2,
            nfCallIptables: 1,
            nfCallIp6tables: 1,
            nfCallArptables: 1,
            multiBoolopt: { optval: 1, optmask: 3 },
          },
        },
      },
    },
  },
  {
    about: 'forget what a bridge has learnt',
    setup: ['ip link add b0 index 9 type bridge'],
    command: 'ip link set b0 type bridge fdb_flush',
    bytes: `
      3800000010000500000000000000000000000000090000000000000000000000180012000a0001006272696467650000
      0800020004001500`,
    value: {
      family: 'unspec',
      type: 0,
      index: 9,
      flags: 0,
      change: 0,
      attributes: { linkInfo: { kind: 'bridge', data: { fdbFlush: true } } },
    },
  },
  {
    about: 'a link into a bridge',
    setup: ['ip link add b0 index 9 type bridge'],
    command: 'ip link set d0 master b0',
    bytes: `280000001000050000000000000000000000000007000000000000000000000008000a0009000000`,
    value: {
      family: 'unspec',
      type: 0,
      index: 7,
      flags: 0,
      change: 0,
      attributes: { master: 9 },
    },
  },
  {
    about: 'out of the bridge',
    command: 'ip link set d0 nomaster',
    bytes: `280000001000050000000000000000000000000007000000000000000000000008000a0000000000`,
    value: {
      family: 'unspec',
      type: 0,
      index: 7,
      flags: 0,
      change: 0,
      attributes: { master: 0 },
    },
  },
  {
    about: 'options of a port of a bridge',
    command: 'ip link set d0 type bridge_slave learning off guard on',
    bytes: `
      480000001000050000000000000000000000000007000000000000000000000028001200100001006272696467655f73
      6c6176651400050005000800000000000500050001000000`,
    value: {
      family: 'unspec',
      type: 0,
      index: 7,
      flags: 0,
      change: 0,
      attributes: {
        linkInfo: { kind: 'bridge_slave', slaveData: hex('05000800000000000500050001000000') },
      },
    },
  },
  {
    about: 'up',
    command: 'ip link set d0 up',
    bytes: `2000000010000500000000000000000000000000070000000100000001000000`,
    value: { family: 'unspec', type: 0, index: 7, flags: 1, change: 1, attributes: {} },
  },
  {
    about: 'flags',
    command: 'ip link set d0 arp off multicast off allmulticast on promisc on',
    bytes: `2000000010000500000000000000000000000000070000008003000080130000`,
    value: { family: 'unspec', type: 0, index: 7, flags: 896, change: 4992, attributes: {} },
  },
  {
    about: 'an alias',
    command: 'ip link set d0 alias \'web-1 32768-33791\'',
    bytes: `
      3800000010000500000000000000000000000000070000000000000000000000150014007765622d312033323736382d
      3333373931000000`,
    value: {
      family: 'unspec',
      type: 0,
      index: 7,
      flags: 0,
      change: 0,
      attributes: { alias: 'web-1 32768-33791' },
    },
  },
  {
    about: 'another name',
    command: 'ip link set d0 name e0',
    bytes: `28000000100005000000000000000000000000000700000000000000000000000700030065300000`,
    value: {
      family: 'unspec',
      type: 0,
      index: 7,
      flags: 0,
      change: 0,
      attributes: { name: 'e0' },
    },
  },
  {
    about: 'a group',
    command: 'ip link set d0 group 5',
    bytes: `280000001000050000000000000000000000000007000000000000000000000008001b0005000000`,
    value: {
      family: 'unspec',
      type: 0,
      index: 7,
      flags: 0,
      change: 0,
      attributes: { group: 5 },
    },
  },
  {
    about: 'sizes of offloads',
    command: 'ip link set d0 gso_max_size 30000 gso_max_segs 20 gro_max_size 40000',
    bytes: `
      380000001000050000000000000000000000000007000000000000000000000008002900307500000800280014000000
      08003a00409c0000`,
    value: {
      family: 'unspec',
      type: 0,
      index: 7,
      flags: 0,
      change: 0,
      attributes: { gsoMaxSize: 30000, gsoMaxSegments: 20, groMaxSize: 40000 },
    },
  },
  {
    about: 'queue length, MTU, address',
    command: 'ip link set d0 txqueuelen 100 mtu 1300 address 02:00:0a:09:00:07',
    bytes: `
      3c0000001000050000000000000000000000000007000000000000000000000008000d00640000000800040014050000
      0a00010002000a0900070000`,
    value: {
      family: 'unspec',
      type: 0,
      index: 7,
      flags: 0,
      change: 0,
      attributes: { txQueueLength: 100, mtu: 1300, address: '02:00:0a:09:00:07' },
    },
  },
  {
    about: 'operational state',
    command: 'ip link set d0 state dormant mode dormant',
    bytes: `300000001000050000000000000000000000000007000000000000000000000005001000050000000500110001000000`,
    value: {
      family: 'unspec',
      type: 0,
      index: 7,
      flags: 0,
      change: 0,
      attributes: { operationalState: 'dormant', linkMode: 'dormant' },
    },
  },
  {
    about: 'no carrier',
    command: 'ip link set d0 carrier off',
    bytes: `28000000100005000000000000000000000000000700000000000000000000000500210000000000`,
    value: {
      family: 'unspec',
      type: 0,
      index: 7,
      flags: 0,
      change: 0,
      attributes: { carrier: 0 },
    },
  },
  {
    about: 'protocol down, and why',
    command: 'ip link set d0 protodown on protodown_reason 3 on',
    bytes: `
      3c0000001000050000000000000000000000000007000000000000000000000005002700010000001400378008000100
      080000000800020008000000`,
    value: {
      family: 'unspec',
      type: 0,
      index: 7,
      flags: 0,
      change: 0,
      attributes: { protoDown: 1, protoDownReason: { mask: 8, value: 8 } },
    },
  },
  {
    about: 'no link-local address',
    command: 'ip link set d0 addrgenmode none',
    bytes: `300000001000050000000000000000000000000007000000000000000000000010001a000c000a000500080001000000`,
    value: {
      family: 'unspec',
      type: 0,
      index: 7,
      flags: 0,
      change: 0,
      attributes: { afSpec: { inet6: { addrGenMode: 'none' } } },
    },
  },
  {
    about: 'no program of XDP',
    command: 'ip link set d0 xdp off',
    bytes: `
      340000001000050000000000000000000000000007000000000000000000000014002b0008000100ffffffff08000300
      01000000`,
    value: {
      family: 'unspec',
      type: 0,
      index: 7,
      flags: 0,
      change: 0,
      attributes: {
        xdp: {
          unknown: [{ type: 1, bytes: hex('ffffffff') }, { type: 3, bytes: hex('01000000') }],
        },
      },
    },
  },
  {
    about: 'the address of a virtual function',
    command: 'ip link set d0 vf 0 mac 02:00:0a:09:00:08',
    bytes: `
      5000000010000500000000000000000000000000070000000000000000000000300016002c0001002800010000000000
      02000a0900080000000000000000000000000000000000000000000000000000`,
    value: {
      family: 'unspec',
      type: 0,
      index: 7,
      flags: 0,
      change: 0,
      attributes: {
        vfInfoList: hex(`2c000100280001000000000002000a0900080000000000000000000000000000000000000000000000000000`),
      },
    },
  },
  {
    about: 'into the namespace of a process',
    command: 'ip link add dummy1 netns 4194304 type dummy',
    bytes: `
      440000001000050600000000000000000000000000000000000000000000000008001300000040000b00030064756d6d
      79310000100012000900010064756d6d79000000`,
    value: {
      family: 'unspec',
      type: 0,
      index: 0,
      flags: 0,
      change: 0,
      attributes: { netnsPid: 4194304, name: 'dummy1', linkInfo: { kind: 'dummy' } },
    },
  },
  {
    about: 'into a namespace that is open',
    command: 'ip link add dummy1 netns /proc/self/ns/net type dummy',
    bytes: `
      440000001000050600000000000000000000000000000000000000000000000008001c00040000000b00030064756d6d
      79310000100012000900010064756d6d79000000`,
    value: {
      family: 'unspec',
      type: 0,
      index: 0,
      flags: 0,
      change: 0,
      attributes: { netnsFd: 4, name: 'dummy1', linkInfo: { kind: 'dummy' } },
    },
  },
  {
    about: 'next to a link of another namespace',
    command: 'ip link add link d0 name m0 link-netnsid 3 type macvlan',
    bytes: `
      480000001000050600000000000000000000000000000000000000000000000008002500030000000800050007000000
      070003006d300000100012000b0001006d6163766c616e00`,
    value: {
      family: 'unspec',
      type: 0,
      index: 0,
      flags: 0,
      change: 0,
      attributes: { linkNetnsid: 3, link: 7, name: 'm0', linkInfo: { kind: 'macvlan' } },
    },
  },
  {
    about: 'the interface identifier of IPv6',
    command: 'ip token set ::1 dev d0',
    bytes: `280000001200010300000000000000000000000000000000000000000000000008001d0001000000`,
    value: {
      family: 'unspec',
      type: 0,
      index: 0,
      flags: 0,
      change: 0,
      attributes: { extMask: 1 },
    },
  },
  {
    about: 'delete',
    command: 'ip link del d0',
    bytes: `2000000011000500000000000000000000000000070000000000000000000000`,
    value: { family: 'unspec', type: 0, index: 7, flags: 0, change: 0, attributes: {} },
  },
  {
    about: 'get by name',
    command: 'ip link show d0',
    bytes: `280000001200010000000000000000000000000008000000000000000000000008001d0009000000`,
    value: {
      family: 'unspec',
      type: 0,
      index: 8,
      flags: 0,
      change: 0,
      attributes: { extMask: 9 },
    },
  },
  {
    about: 'get by alternative name',
    command: 'ip link show a-name-with-more-than-15-bytes',
    bytes: `
      4c0000001200010000000000000000000000000000000000000000000000000008001d000900000023003500612d6e61
      6d652d776974682d6d6f72652d7468616e2d31352d62797465730000`,
    value: {
      family: 'unspec',
      type: 0,
      index: 0,
      flags: 0,
      change: 0,
      attributes: { extMask: 9, altName: 'a-name-with-more-than-15-bytes' },
    },
  },
  {
    about: 'list',
    command: 'ip link',
    bytes: `280000001200010300000000000000001100000000000000000000000000000008001d0001000000`,
    value: { family: 17, type: 0, index: 0, flags: 0, change: 0, attributes: { extMask: 1 } },
  },
  {
    about: 'list by kind',
    command: 'ip link show type veth',
    bytes: `
      340000001200010300000000000000001100000000000000000000000000000008001d00010000000c00120008000100
      76657468`,
    value: {
      family: 17,
      type: 0,
      index: 0,
      flags: 0,
      change: 0,
      attributes: { extMask: 1, linkInfo: { kind: 'veth' } },
    },
  },
  {
    about: 'list by master',
    setup: ['ip link add b0 index 9 type bridge'],
    command: 'ip link show master b0',
    bytes: `300000001200010300000000000000001100000000000000000000000000000008001d000100000008000a0009000000`,
    value: {
      family: 17,
      type: 0,
      index: 0,
      flags: 0,
      change: 0,
      attributes: { extMask: 1, master: 9 },
    },
  },
]
