import type { Capture } from './capture.js'

const reply = (
  about: string,
  setup: readonly string[],
  command: string,
  rest: Partial<Capture> = {},
): Capture => ({
  about,
  setup,
  command,
  ...rest,
})

const anything = (): boolean => true

/** A notification: what a monitor hears while something is done. */
const told = (
  about: string,
  setup: readonly string[],
  change: string,
  monitor: 'ip' | 'tc',
  only: Capture['only'] = anything,
): Capture =>
  reply(
    about,
    setup,
    `(sleep 2; ${change}) >/dev/null & ${monitor} monitor${monitor === 'ip' ? ' link' : ''}`,
    { seconds: 5, of: monitor === 'ip' ? /LINK/ : /QDISC|TCLASS|TFILTER/, only },
  )

const ofDevice =
  (index: number) =>
  (value: never): boolean => {
    const { ifindex, index: own } = value as { ifindex?: number; index?: number }
    return (ifindex ?? own) === index
  }

interface LinkChange {
  attributes: { event?: number; newNetnsid?: number }
}
const isEvent = (value: never): boolean => (value as LinkChange).attributes.event !== undefined
const isMove = (value: never): boolean => (value as LinkChange).attributes.newNetnsid !== undefined

const up = ['ip addr add 10.9.0.2/24 dev d0', 'ip link set d0 up', 'ip link set d1 up']
const traffic = 'ping -q -c 3 -i 0.01 -W 1 10.9.0.1 >/dev/null; true'

/** Asks what iproute2 does not ask: see the program. */
const ask = (type: number, flags: number, ...hex: string[]): string =>
  `python3 scripts/goldens/ask.py rtnetlink ${type} ${flags} ${hex.join(' ')}`

/** Python statements, run while the shell goes on and for some seconds more. */
const meanwhile = (...statements: string[]): string =>
  `python3 -c "
import socket, struct, time
${statements.join('\n')}
time.sleep(20)
" >/dev/null 2>&1 & sleep 1.5`

/** The namespace `goldenother`, which has the number 5 here. */
const otherNamespace = [
  'ip netns add goldenother',
  'ip netns set goldenother 5',
  'ip -n goldenother link set lo up',
]

/** What every kernel answers about links, addresses, routes and neighbours. */
const rtnetlink: readonly Capture[] = [
  reply(
    'a veth',
    [...up, "ip link set d0 alias 'web-1 32768-33791'", 'ip link property add dev d0 altname other'],
    'ip -d -s link show d0',
    {
      of: /LINK/,
      only: ofDevice(7),
    },
  ),
  reply(
    'a port of a bridge',
    [
      'ip link add b0 index 9 type bridge stp_state 1',
      'ip link set d0 master b0',
      ...up,
      'ip link set b0 up',
    ],
    'ip -d link show',
    {
      only: (value: { index: number }) => value.index === 7 || value.index === 9,
    },
  ),
  reply('IPv6 of a link', up, 'ip -6 link show dev d0', { only: ofDevice(7) }),
  reply(
    'addresses',
    [...up, 'ip addr add 2001:db8::1/64 dev d0 nodad', 'ip addr add 10.9.0.5 peer 10.9.0.6/32 dev d0'],
    'ip addr show dev d0',
    {
      of: /ADDR/,
    },
  ),
  reply(
    'routes',
    [
      ...up,
      'ip route add default via 10.9.0.1 metric 5 mtu 1400',
      'ip route add 10.1.0.0/16 nexthop via 10.9.0.1 weight 2 nexthop via 10.9.0.3',
      'ip nexthop add id 5 via 10.9.0.1 dev d0',
      'ip route add 10.2.0.0/16 nhid 5',
    ],
    'ip -d route',
    { of: /ROUTE/ },
  ),
  reply(
    'routes of IPv6',
    [...up, 'ip -6 route add 2001:db8::/32 via fe80::1 dev d0 expires 100 pref high'],
    'ip -6 route',
    {
      of: /ROUTE/,
      only: (value: { dstLen: number }) => value.dstLen === 32,
    },
  ),
  reply('a route that was looked up', up, 'ip route get 10.9.0.1 mark 5', { of: /ROUTE/ }),
  reply(
    'neighbours',
    [...up, 'ip neigh add 10.9.0.1 lladdr 02:00:0a:09:00:01 dev d0 protocol zebra', traffic],
    'ip -s neigh show dev d0',
    { of: /NEIGH/ },
  ),
  reply(
    'a VXLAN from another namespace',
    [
      'ip netns add goldenother',
      'ip link add x0 index 30 type vxlan id 7 dstport 4789',
      'ip link set x0 netns goldenother up',
      'bridge -n goldenother fdb append 02:00:0a:09:00:05 dev x0 dst 10.9.0.1 port 4790 vni 9',
    ],
    'bridge -n goldenother -d fdb show dev x0; ip netns del goldenother',
    { of: /NEIGH/ },
  ),
  reply(
    'addresses that a bridge has learnt',
    ['ip link add b0 index 9 type bridge', 'ip link set d0 master b0 up'],
    'bridge -s fdb show br b0',
    { of: /NEIGH/ },
  ),
  told('a link that goes up', up.slice(0, 1), 'ip link set d0 up', 'ip', ofDevice(7)),
  told(
    'a link that is enslaved',
    ['ip link add b0 index 9 type bridge'],
    'ip link set d0 master b0',
    'ip',
    ofDevice(7),
  ),
  told(
    'a link whose features change',
    ['ip link add b0 index 9 type bridge'],
    'ip link set d0 master b0',
    'ip',
    isEvent,
  ),
  told(
    'a link that leaves for another namespace',
    ['ip netns add goldenother'],
    'ip link set d1 netns goldenother; ip netns del goldenother',
    'ip',
    isMove,
  ),
]

/** What every kernel answers about qdiscs, classes and filters. */
const tc: readonly Capture[] = [
  reply(
    'qdiscs',
    [
      ...up,
      'tc qdisc add dev d0 root handle 1: htb default 10 direct_qlen 100',
      'tc class add dev d0 parent 1: classid 1:1 htb rate 10gbit ceil 40gbit',
      'tc class add dev d0 parent 1:1 classid 1:10 htb rate 1mbit ceil 5gbit burst 15k',
      'tc qdisc add dev d0 parent 1:10 handle 10: tbf rate 40gbit burst 1m limit 2m peakrate 50gbit mtu 64k',
      'tc qdisc add dev d0 ingress_block 7 egress_block 8 clsact',
      'tc qdisc add dev d1 root handle 1: pfifo limit 100',
      'tc qdisc replace dev d1 root handle 2: bfifo limit 10000',
      traffic,
    ],
    'tc -s -d qdisc show',
    { of: /QDISC/ },
  ),
  reply(
    'an estimator and a table of sizes',
    [
      ...up,
      'tc qdisc add dev d0 root handle 1: estimator 1sec 8sec stab overhead 8 linklayer atm pfifo',
      traffic,
    ],
    'tc -s qdisc show dev d0',
    { of: /QDISC/ },
  ),
  reply(
    'classes',
    [
      ...up,
      'tc qdisc add dev d0 root handle 1: htb default 10',
      'tc class add dev d0 parent 1: classid 1:1 htb rate 10gbit ceil 40gbit',
      'tc class add dev d0 parent 1:1 classid 1:10 estimator 1sec 8sec htb rate 1mbit ceil 5gbit burst 15k',
      'tc qdisc add dev d0 parent 1:10 handle 10: pfifo',
      traffic,
    ],
    'tc -s -d class show dev d0',
    { of: /TCLASS/ },
  ),
  reply(
    'u32 filters',
    [
      ...up,
      'tc qdisc add dev d0 clsact',
      'tc filter add dev d0 egress prio 1020 protocol ip handle 1: u32 divisor 64',
      'tc filter add dev d0 egress prio 1020 protocol ip handle 1:1e:11 u32 ht 1:1e: match u32 0x00007918 0x0000fff8 at 0 action mirred egress redirect dev d1 cookie a1b2',
      'tc filter add dev d0 egress prio 1020 protocol ip handle ::1 u32 match u32 0x0a090002 0xffffffff at 16 hashkey mask 0x00ff0000 at 8 offset at 0 mask 0f00 shift 6 eat link 1:',
      'tc filter add dev d0 egress prio 1020 protocol ip handle ::2 u32 match u32 0 0 at 0 match mark 0x1 0xff indev lo action mirred ingress mirror dev d1 pipe',
      'tc filter add dev d0 egress prio 1020 protocol ip handle ::3 u32 match u32 0 0 at 0 classid 1:10 action mirred egress mirror dev d1 hw_stats disabled',
      traffic,
    ],
    'tc -s -d filter show dev d0 egress',
    { of: /TFILTER/ },
  ),
  reply(
    'BPF filters',
    [
      ...up,
      'tc qdisc add dev d0 clsact',
      "tc filter add dev d0 egress prio 1 protocol all handle 1 bpf da bytecode '1,6 0 0 4294967295'",
      "tc filter add dev d0 egress prio 2 protocol ip handle 1 bpf bytecode '1,6 0 0 4294967295' classid 1:2 action mirred egress mirror dev d1",
      traffic,
    ],
    'tc -s -d filter show dev d0 egress',
    { of: /TFILTER/ },
  ),
  reply(
    'a program of eBPF',
    ['tc qdisc add dev d0 clsact'],
    "unshare -m sh -c 'mount -t bpf bpf /mnt; python3 scripts/goldens/pin-program.py /mnt/golden; tc filter add dev d0 egress prio 1 bpf da pinned /mnt/golden; tc -d filter show dev d0 egress'",
    { of: /TFILTER/ },
  ),
  told(
    'qdiscs that come and go',
    up,
    'tc qdisc add dev d0 clsact; tc filter add dev d0 ingress prio 1 protocol ip u32 match u32 0 0 at 0; tc qdisc del dev d0 clsact',
    'tc',
  ),
]

/** What only a kernel as new as this one tells, or only one with MPTCP and multicast routing. */
const newer: readonly Capture[] = [
  reply(
    'a link for which a router told the MTU',
    [
      ...up,
      'sysctl -qw net.ipv6.conf.d0.accept_ra_from_local=1; sleep 2',
      // A router advertisement, RFC 4861, with one option: the MTU.
      meanwhile(
        's = socket.socket(10, 3, 58); s.setsockopt(41, socket.IPV6_MULTICAST_HOPS, 255)',
        "s.sendto(bytes.fromhex('8600000040000000000000000000000005010000') + struct.pack('>I', 1400), ('ff02::1', 0, 0, 8))",
      ),
    ],
    'ip -6 link show dev d0',
    { only: ofDevice(7) },
  ),
  reply(
    'a link of another namespace',
    otherNamespace,
    `${ask(18, 5, '00000000010000000000000000000000', '08001d0008000000', '08002e0005000000')}; ip netns del goldenother`,
    { of: /LINK/ },
  ),
  reply(
    'ids in another namespace',
    [...otherNamespace, 'ip -n goldenother netns set goldenother 7'],
    'ip netns list-id target-nsid 5; ip netns del goldenother',
    { of: /NSID/ },
  ),
  reply(
    'addresses of another namespace',
    otherNamespace,
    `${ask(22, 0x301, '0000000000000000', '08000a0005000000')}; ip netns del goldenother`,
    { of: /ADDR/ },
  ),
  reply(
    'a learnt address whose activity is told',
    [
      'ip link add b0 index 9 type bridge',
      'ip link set d0 master b0 up',
      ask(28, 0x505, '070000000700000040000400', '0a00020002000a0900050000', '0c000e800500010001000000'),
    ],
    'bridge fdb show dev d0',
    { of: /NEIGH/, only: (value: { attributes: object }) => 'fdbExtAttrs' in value.attributes },
  ),
  reply(
    'a multicast route',
    [
      ...up,
      // MRT_INIT, MRT_ADD_VIF and MRT_ADD_MFC of linux/mroute.h
      meanwhile(
        's = socket.socket(2, 3, 2); s.setsockopt(0, 200, 1)',
        "[s.setsockopt(0, 202, struct.pack('=HBBIII', i, 8, 1, 0, 7 + i, 0)) for i in (0, 1)]",
        "a, g = (socket.inet_aton(word) for word in ('10.9.0.1', '239.1.2.3'))",
        "s.setsockopt(0, 204, struct.pack('=4s4sH32s2xIIIi', a, g, 0, bytes([0, 1]), 0, 0, 0, 0))",
      ),
    ],
    'ip -s -d mroute show',
    { of: /ROUTE/, only: (value: { attributes: object }) => 'mfcStats' in value.attributes },
  ),
  reply(
    'a rate beyond 32 bits',
    [
      ...up,
      'ip neigh add 10.9.0.1 lladdr 02:00:0a:09:00:01 dev d0',
      // Every packet counts 2 GB more than it has.
      'tc qdisc add dev d0 root handle 1: estimator 250ms 1sec stab overhead 2000000000 linklayer ethernet pfifo',
      'ping -q -c 200 -i 0.01 -W 1 10.9.0.1 >/dev/null; true',
    ],
    'tc -s qdisc show dev d0',
    { of: /QDISC/ },
  ),
  told(
    'a class of which the kernel warns',
    ['ip link set d0 up', 'tc qdisc add dev d0 root handle 1: htb'],
    'tc class add dev d0 parent 1: classid 1:10 htb rate 100gbit',
    'tc',
  ),
]

/** What this kernel answers. */
export const here: readonly Capture[] = [...rtnetlink, ...tc, ...newer]

/** What this kernel answers to requests that are wrong. */
export const errorsHere: readonly Capture[] = [
  reply('there is no such device', [], 'ip link show dev d7'),
  reply('a qdisc that is there', ['tc qdisc add dev d0 clsact'], 'tc qdisc add dev d0 clsact'),
  reply('a kind of device that this kernel has not', [], 'ip link add link d0 name d0.5 type vlan id 5'),
  reply('an MTU in one byte', [], ask(16, 5, '00000000070000000000000000000000', '0500040005000000')),
  reply(
    'a set of strings without its number, which ethtool requires',
    [],
    'python3 scripts/goldens/ask.py ethtool 1 5 0c0001800800010007000000 08000280 04000180',
  ),
]

/** What the second kernel answers about what this one lacks. */
export const secondKernel: readonly Capture[] = [
  reply(
    'a VLAN, a dummy and an ifb',
    [
      ...up,
      'ip link add link d0 name d0.5 index 20 type vlan protocol 802.1ad id 5 gvrp on ingress-qos-map 1:2 egress-qos-map 5:6',
      'ip link add dummy0 index 21 type dummy',
      'ip link add ifb0 index 22 type ifb',
    ],
    'ip -d -s link show',
    { only: (value: { index: number }) => value.index >= 20 },
  ),
  reply(
    'a bridge that counts',
    [
      'ip link add b0 index 9 type bridge mcast_stats_enabled 1 vlan_filtering 1 vlan_stats_enabled 1 mcast_querier 1',
      'ip link set d0 master b0',
      ...up,
      'ip link set b0 up',
      'sleep 0.5',
    ],
    'ip -d -s link show dev b0',
    { only: ofDevice(9) },
  ),
  reply(
    'fq_codel, its queue and a class of it',
    [
      ...up,
      'tc qdisc add dev d0 root handle 1: htb default 10',
      'tc class add dev d0 parent 1: classid 1:10 htb rate 8kbit',
      'tc qdisc add dev d0 parent 1:10 handle 10: fq_codel flows 16 ce_threshold 1ms ce_threshold_selector 2/3',
      'ping -q -c 20 -i 0.002 -s 1000 -W 1 10.9.0.1 >/dev/null & sleep 0.2',
    ],
    'tc -s -d qdisc show dev d0; tc -s -d class show dev d0',
    { of: /QDISC|TCLASS/ },
  ),
  reply(
    'actions',
    [
      ...up,
      'tc qdisc add dev d0 clsact',
      'tc filter add dev d0 egress prio 1 protocol ip u32 match u32 0 0 at 0 action gact pass random netrand drop 5 cookie a1b2c3',
      'tc filter add dev d0 egress prio 2 protocol ip matchall action gact drop',
      'tc filter add dev d0 egress prio 3 protocol ip flower ip_proto tcp dst_port 80 action mirred egress redirect dev d1',
      traffic,
    ],
    'tc -s -d filter show dev d0 egress',
    { of: /TFILTER/ },
  ),
  reply(
    'more packets than 32 bits count',
    [
      ...otherNamespace,
      'ip link set d1 netns goldenother; ip addr add 10.9.0.2/24 dev d0; ip link set d0 up',
      'ip -n goldenother addr add 10.9.0.1/24 dev d1; ip -n goldenother link set d1 up',
      // Few bytes to a segment, so many segments to a packet, of which each is counted.
      'ip -n goldenother route add 10.9.0.2 dev d1 advmss 88',
      'tc qdisc add dev d0 clsact; tc actions add action gact pipe index 9',
      // And that by each of 40 filters 31 times.
      'for i in $(seq 40); do echo filter add dev d0 egress prio $i protocol ip u32 match u32 0 0 at 0 $(yes action gact index 9 | head -n 31) action gact continue; done | tc -batch -',
      'tc filter add dev d0 egress prio 41 protocol ip u32 match u32 0 0 at 0 action gact index 9',
      `ip netns exec goldenother python3 -c "
import socket
l = socket.create_server(('10.9.0.1', 9)); c = l.accept()[0]
while c.recv(1 << 20): pass
" >/dev/null 2>&1 & sleep 1.5`,
      `python3 -c "
import socket
s = socket.create_connection(('10.9.0.1', 9))
for i in range(300): s.sendall(bytes(1 << 20))
"`,
    ],
    'tc -s filter show dev d0 egress prio 41; ip netns del goldenother',
    { of: /TFILTER/, only: (value: { handle: number }) => (value.handle & 0xfff) !== 0 },
  ),
  reply(
    'a device on a bus, with an address of its own',
    [],
    'nsenter --net=/proc/1/ns/net ip -d link show dev eth0',
    { of: /LINK/ },
  ),
  reply(
    'a device that counts what is of its kind',
    // N_SLCAN of linux/tty.h: CAN over a serial line.
    ['ldattach 17 /dev/tty9; sleep 1'],
    'nsenter --net=/proc/1/ns/net ip -d -s link show',
    {
      of: /LINK/,
      only: (value: { attributes: { linkInfo?: object } }) => 'xstats' in (value.attributes.linkInfo ?? {}),
    },
  ),
  ...tc.slice(1, 4),
  reply('links, as an older kernel tells of them', up, 'ip -d -s link show d0', { only: ofDevice(7) }),
]

/** A TCP connection on lo, made and held by Python: `options` are Python statements about `s`, the client, and `l`. */
const connection = (options: string): string[] => [
  'ip link set lo up',
  `python3 -c "
import socket, struct, time
l = socket.socket(); s = socket.socket()
l.bind(('127.0.0.1', 31000)); l.listen()
${options}
s.connect(('127.0.0.1', 31000)); c = l.accept()[0]
s.sendall(b'x' * 5000); c.recv(5000)
time.sleep(20)
" >/dev/null 2>&1 & until ss -tn | grep -q ESTAB; do sleep 0.1; done`,
]

const listing = 'ss -4 -tnmieo --tos'
const tuned = "s.setsockopt(6, 13, b'%s'); s.setsockopt(1, 36, 5); s.setsockopt(0, 1, 16)"

/** What this kernel answers about sockets. */
export const socketsHere: readonly Capture[] = [
  reply('a connection', connection(tuned.replace('%s', 'bbr')), listing),
  reply('a listener', connection('pass'), 'ss -4 -tlnmieo --tos'),
  reply(
    'listeners of IPv6',
    [
      'ip link set lo up',
      `python3 -c "
import socket, time
l = socket.socket(socket.AF_INET6); l.setsockopt(41, 26, 1); l.setsockopt(41, 67, 32); l.bind(('::1', 31001)); l.listen()
u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); u.bind(('::', 31002))
time.sleep(20)
" >/dev/null 2>&1 & sleep 1.5`,
    ],
    'ss -6 -ltunmieo --tos',
  ),
  reply(
    'a subflow of MPTCP',
    connection('pass').map(line => line.replaceAll('socket.socket()', 'socket.socket(2, 1, 262)')),
    listing,
  ),
  reply(
    'a key of MD5',
    connection(
      "k = struct.pack('=HH4s120sBBHI80s', 2, 0, socket.inet_aton('127.0.0.1'), b'', 0, 0, 3, 0, b'key'); s.setsockopt(6, 14, k); l.setsockopt(6, 14, k)",
    ),
    listing,
  ),
]

/** What the second kernel answers about sockets. */
export const socketsOnSecondKernel: readonly Capture[] = [
  reply('Vegas', connection(tuned.replace('%s', 'vegas')), listing),
  reply('DCTCP', connection(tuned.replace('%s', 'dctcp')), listing),
  reply(
    'TLS',
    connection('pass').map(line => line.replace('s.sendall', "s.setsockopt(6, 31, b'tls'); s.sendall")),
    listing,
  ),
  reply(
    'a raw socket',
    [
      'ip link set lo up',
      'python3 -c "\nimport socket, time\nr = socket.socket(2, 3, 89)\ntime.sleep(20)\n" >/dev/null 2>&1 & sleep 1.5',
    ],
    'ss -4 -wanmieo',
  ),
  reply(
    'SCTP',
    [
      'ip link set lo up',
      "python3 -c \"\nimport socket, time\nl = socket.socket(2, 1, 132); l.bind(('127.0.0.1', 31003)); l.listen()\ns = socket.socket(2, 1, 132); s.connect(('127.0.0.1', 31003))\ntime.sleep(20)\n\" >/dev/null 2>&1 & sleep 1.5",
    ],
    'ss -4 -Sanmieo',
  ),
]

/** What the kernel answers about the counters of a device. */
export const linkStatisticsHere: readonly Capture[] = [
  reply('counters of a veth', [...up, traffic], 'ip stats show dev d0 group link', { of: /STATS/ }),
]
