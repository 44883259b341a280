import type { Capture } from './capture.js'

const one = (about: string, command: string, setup?: readonly string[]): Capture => ({
  about,
  command,
  ...(setup && { setup }),
})

const bridge = ['ip link add b0 index 9 type bridge']

/** What `ip` sends for links. */
export const links: readonly Capture[] = [
  one(
    'a veth with everything',
    'ip link add v0 index 20 address 02:00:0a:09:00:02 broadcast ff:ff:ff:ff:ff:ff mtu 1400 txqueuelen 500 numtxqueues 4 numrxqueues 2 type veth peer name v1 index 21 address 02:00:0a:09:00:03 mtu 1400',
  ),
  one('a veth that is named by the kernel', 'ip link add type veth'),
  one('a dummy', 'ip link add dummy0 type dummy'),
  one('an ifb', 'ip link add ifb0 type ifb'),
  one('a VLAN', 'ip link add link d0 name d0.5 type vlan id 5'),
  one(
    'a VLAN with everything',
    'ip link add link d0 name d0.7 type vlan protocol 802.1ad id 7 reorder_hdr off gvrp on mvrp on loose_binding on bridge_binding on ingress-qos-map 1:2 3:4 egress-qos-map 5:6 7:1',
  ),
  one('a bridge', 'ip link add b0 type bridge'),
  one(
    'a bridge with everything',
    'ip link add b0 type bridge forward_delay 1500 hello_time 200 max_age 2000 ageing_time 30000 stp_state 1 priority 4096 vlan_filtering 1 vlan_protocol 802.1ad group_fwd_mask 8 group_address 01:80:c2:00:00:00 vlan_default_pvid 5 vlan_stats_enabled 1 vlan_stats_per_port 1 mcast_snooping 0 mcast_router 2 mcast_query_use_ifaddr 1 mcast_querier 1 mcast_hash_elasticity 16 mcast_hash_max 1024 mcast_last_member_count 3 mcast_startup_query_count 4 mcast_last_member_interval 100 mcast_membership_interval 26000 mcast_querier_interval 25500 mcast_query_interval 12500 mcast_query_response_interval 1000 mcast_startup_query_interval 3125 mcast_stats_enabled 1 mcast_igmp_version 3 mcast_mld_version 2 nf_call_iptables 1 nf_call_ip6tables 1 nf_call_arptables 1 no_linklocal_learn 1 mcast_vlan_snooping 0',
  ),
  one('forget what a bridge has learnt', 'ip link set b0 type bridge fdb_flush', bridge),
  one('a link into a bridge', 'ip link set d0 master b0', bridge),
  one('out of the bridge', 'ip link set d0 nomaster'),
  one('options of a port of a bridge', 'ip link set d0 type bridge_slave learning off guard on'),
  one('up', 'ip link set d0 up'),
  one('flags', 'ip link set d0 arp off multicast off allmulticast on promisc on'),
  one('an alias', "ip link set d0 alias 'web-1 32768-33791'"),
  one('another name', 'ip link set d0 name e0'),
  one('a group', 'ip link set d0 group 5'),
  one('sizes of offloads', 'ip link set d0 gso_max_size 30000 gso_max_segs 20 gro_max_size 40000'),
  one('queue length, MTU, address', 'ip link set d0 txqueuelen 100 mtu 1300 address 02:00:0a:09:00:07'),
  one('operational state', 'ip link set d0 state dormant mode dormant'),
  one('no carrier', 'ip link set d0 carrier off'),
  one('protocol down, and why', 'ip link set d0 protodown on protodown_reason 3 on'),
  one('no link-local address', 'ip link set d0 addrgenmode none'),
  one('no program of XDP', 'ip link set d0 xdp off'),
  one('the address of a virtual function', 'ip link set d0 vf 0 mac 02:00:0a:09:00:08'),
  one('into the namespace of a process', 'ip link add dummy1 netns 4194304 type dummy'),
  one('into a namespace that is open', 'ip link add dummy1 netns /proc/self/ns/net type dummy'),
  one('next to a link of another namespace', 'ip link add link d0 name m0 link-netnsid 3 type macvlan'),
  one('the interface identifier of IPv6', 'ip token set ::1 dev d0'),
  one('delete', 'ip link del d0'),
  one('get by name', 'ip link show d0'),
  one('get by alternative name', 'ip link show a-name-with-more-than-15-bytes'),
  one('list', 'ip link'),
  one('list by kind', 'ip link show type veth'),
  one('list by master', 'ip link show master b0', bridge),
]

/** What `ip` sends for addresses. */
export const addresses: readonly Capture[] = [
  one('an address', 'ip addr add 10.9.0.2/24 dev d0'),
  one(
    'an address with everything',
    'ip addr add 10.9.0.2/24 broadcast 10.9.0.255 label d0:web scope link metric 50 dev d0 valid_lft 100 preferred_lft 50',
  ),
  one('a point-to-point address', 'ip addr add 10.9.0.2 peer 10.9.0.3/32 dev d0'),
  one('an address of IPv6', 'ip addr add 2001:db8::1/64 dev d0 nodad noprefixroute home'),
  one('an anycast address', 'ip addr add 2001:db8::1/64 anycast 2001:db8::5 dev d0'),
  one('replace', 'ip addr replace 10.9.0.2/24 dev d0'),
  one('change', 'ip addr change 10.9.0.2/24 dev d0 preferred_lft 0'),
  one('delete', 'ip addr del 10.9.0.2/24 dev d0'),
  one('list', 'ip -4 addr show dev d0'),
]

/** What `ip` sends for routes. */
export const routes: readonly Capture[] = [
  one('the default route', 'ip route add default via 10.9.0.1 dev d0'),
  one(
    'a prefix',
    'ip route add 10.1.0.0/16 dev d0 scope link src 10.9.0.2 metric 100 proto static table 1000 tos 8',
  ),
  one(
    'metrics',
    'ip route add 10.1.0.0/16 dev d0 mtu lock 1400 window 10 rtt 100ms rttvar 50ms ssthresh 20 cwnd 10 advmss 1360 reordering 5 hoplimit 64 initcwnd 20 rto_min 40ms initrwnd 30 features ecn quickack 1 congctl lock cubic fastopen_no_cookie 1',
  ),
  one(
    'two nexthops',
    'ip route add 10.1.0.0/16 realm 3/4 nexthop via 10.9.0.1 dev d0 weight 2 nexthop via 10.9.0.3 dev d1 onlink',
  ),
  one('a gateway of IPv6', 'ip route add 10.1.0.0/16 via inet6 fe80::1 dev d0'),
  one('a route of IPv6', 'ip -6 route add 2001:db8::/32 via fe80::1 dev d0 expires 100 pref high'),
  one('from a source', 'ip -6 route add 2001:db8::/32 from 2001:db8:1::/48 dev d0'),
  one('by a nexthop object', 'ip route add 10.1.0.0/16 nhid 5'),
  one('a black hole', 'ip route add blackhole 10.1.0.0/16'),
  one(
    'in a tunnel of MPLS',
    'ip route add 10.1.0.0/16 encap mpls 100/200 ttl 5 via 10.9.0.1 dev d0 ttl-propagate enabled',
  ),
  one('a route of MPLS', 'ip -f mpls route add 100 as 200/300 via inet 10.9.0.1 dev d0'),
  one('replace', 'ip route replace 10.1.0.0/16 via 10.9.0.1 dev d0'),
  one('change', 'ip route change 10.1.0.0/16 via 10.9.0.1 dev d0'),
  one('delete', 'ip route del 10.1.0.0/16 via 10.9.0.1 dev d0'),
  one('look one up', 'ip route get 10.1.0.1'),
  one(
    'look one up with everything',
    'ip route get fibmatch 10.1.0.1 from 10.9.0.7 iif d0 mark 5 uid 1000 ipproto tcp sport 31000 dport 80',
  ),
  one('list', 'ip route show table 1000'),
]

/** What `ip` and `bridge` send for neighbours. */
export const neighbours: readonly Capture[] = [
  one('a neighbour', 'ip neigh add 10.9.0.1 lladdr 02:00:0a:09:00:01 dev d0'),
  one(
    'a neighbour with everything',
    'ip neigh replace 10.9.0.1 lladdr 02:00:0a:09:00:01 nud reachable router extern_learn protocol zebra dev d0',
  ),
  one('a neighbour that is kept reachable', 'ip neigh add 10.9.0.1 managed dev d0'),
  one('a proxy', 'ip neigh add proxy 10.9.0.9 dev d0'),
  one('change', 'ip neigh change 10.9.0.1 lladdr 02:00:0a:09:00:01 nud stale dev d0'),
  one('delete', 'ip neigh del 10.9.0.1 dev d0'),
  one('get', 'ip neigh get 10.9.0.1 dev d0'),
  one(
    'a learnt address of a bridge',
    'bridge fdb replace 02:00:0a:09:00:05 dev d0 master vlan 5 dynamic extern_learn',
  ),
  one(
    'a far end of a VXLAN',
    'bridge fdb append 02:00:0a:09:00:05 dev d0 self dst 10.9.0.1 port 4790 vni 7 src_vni 3 via d1 permanent',
  ),
  one('a far end by a nexthop object', 'bridge fdb replace 02:00:0a:09:00:05 dev d0 self nhid 4'),
  one('flush', 'bridge fdb flush dev d0 vlan 5 static extern_learn'),
]

export const linkStatistics: readonly Capture[] = [
  one('counters of one device', 'ip stats show dev d0 group link'),
  { ...one('counters of all devices', 'ip stats show group link'), of: /STATS/ },
]

const known = ['ip netns add goldenother', 'ip netns set goldenother 5']
const nsid = { of: /NSID/ }

/** What `ip` sends for the ids of namespaces. */
export const netnsIds: readonly Capture[] = [
  {
    ...one('an id', 'ip netns set goldenother 5; ip netns del goldenother', ['ip netns add goldenother']),
    ...nsid,
  },
  { ...one('all ids', 'ip netns list-id; ip netns del goldenother', known), ...nsid },
  {
    ...one(
      'ids in another namespace',
      'ip netns list-id target-nsid 5 nsid 7; ip netns del goldenother',
      known,
    ),
    ...nsid,
  },
  {
    ...one(
      'the id of the namespace of a process',
      'python3 scripts/goldens/ask.py rtnetlink 90 5 00000000 0800020001000000',
    ),
    ...nsid,
  },
]
