import type { Capture } from './capture.js'

type Commands = readonly (readonly [about: string, command: string])[]

const captures = (commands: Commands): Capture[] => commands.map(([about, command]) => ({ about, command }))

/** What `tc` sends for qdiscs. */
export const qdiscs = captures([
  ['hooks for what arrives', 'tc qdisc add dev d0 ingress'],
  ['hooks for what arrives and what is sent', 'tc qdisc add dev d0 clsact'],
  ['a shared block of filters', 'tc qdisc add dev d0 ingress_block 7 egress_block 8 clsact'],
  ['htb with a default class', 'tc qdisc add dev d0 root handle 1: htb default 10'],
  ['htb with everything', 'tc qdisc add dev d0 root handle 1: htb r2q 5 default 20 direct_qlen 100 offload'],
  ['fq_codel as it is', 'tc qdisc add dev d0 parent 1:10 handle 10: fq_codel'],
  ['fq_codel with its flows', 'tc qdisc add dev d0 parent 1:10 handle 10: fq_codel flows 8192'],
  [
    'fq_codel with everything',
    'tc qdisc replace dev d0 root handle 1: fq_codel limit 1000 flows 4096 quantum 300 target 2048us interval 51200us ce_threshold 1024us ce_threshold_selector 2/3 memory_limit 4194304 drop_batch 32 noecn',
  ],
  ['tbf', 'tc qdisc add dev d0 root handle 1: tbf rate 125000bps burst 10240 limit 20480'],
  [
    'tbf with a peak rate, and packets counted as on ATM',
    'tc qdisc add dev d0 root handle 1: tbf rate 125000bps burst 10240 limit 20480 peakrate 250000bps mtu 1600 overhead 8 mpu 64 linklayer atm',
  ],
  [
    'tbf beyond 32 bits',
    'tc qdisc add dev d0 root handle 1: tbf rate 5000000000bps burst 1048576 limit 2097152',
  ],
  ['pfifo as it is', 'tc qdisc add dev d0 parent 1:10 pfifo'],
  ['pfifo with a limit', 'tc qdisc change dev d0 parent 1:10 handle 10: pfifo limit 100'],
  ['bfifo with a limit', 'tc qdisc replace dev d0 root handle 1: bfifo limit 10000'],
  ['a kind without options', 'tc qdisc add dev d0 root pfifo_fast'],
  ['a kind with options that is not modelled', 'tc qdisc add dev d0 root handle 1: sfq perturb 10'],
  ['another one', 'tc qdisc add dev d0 root handle 1: netem delay 10ms loss 1%'],
  ['delete a root qdisc', 'tc qdisc del dev d0 root handle 1:'],
  ['delete hooks', 'tc qdisc del dev d0 clsact'],
])

// Bursts that take a multiple of 16 us at their rate: iproute2 before 6.10 rounds down to microseconds, then to ticks.
/** What `tc` sends for classes. */
export const classes = captures([
  ['a rate', 'tc class add dev d0 parent 1: classid 1:10 htb rate 1250000bps'],
  [
    'rate and ceil with bursts',
    'tc class add dev d0 parent 1: classid 1:10 htb rate 1250000bps ceil 2500000bps burst 16000 cburst 16000 prio 3 quantum 3000',
  ],
  [
    'rates beyond 32 bits',
    'tc class add dev d0 parent 1: classid 1:10 htb rate 5000000000bps ceil 12500000000bps burst 80000 cburst 200000',
  ],
  [
    'ceil alone beyond 32 bits',
    'tc class add dev d0 parent 1: classid 1:10 htb rate 125000000bps ceil 5000000000bps burst 16000 cburst 80000',
  ],
  [
    'packets counted as on ATM',
    'tc class change dev d0 parent 1:1 classid 1:abc htb rate 1250000bps ceil 1250000bps burst 16000 cburst 16000 overhead 8 mpu 64 linklayer atm',
  ],
  [
    'a class of a class',
    'tc class replace dev d0 parent 1:1 classid 1:10 htb rate 1250000bps ceil 1250000bps burst 16000 cburst 1600',
  ],
  ['a kind that is not modelled', 'tc class add dev d0 parent 1: classid 1:1 drr quantum 1514'],
  ['delete a class', 'tc class del dev d0 classid 1:10'],
])

const IP = 'tc filter add dev d0 ingress prio 1020 protocol ip'

/** What `tc` sends for filters. */
export const filters = captures([
  ['a hash table', `${IP} handle 1: u32 divisor 64`],
  [
    'a link by hash key',
    `${IP} handle 1:1f:800 u32 ht 1:1f: match u32 0x00000000 0x00000000 at 0 hashkey mask 0x000003f0 at 0 link 11f:`,
  ],
  [
    'a trampoline: skip the IP header',
    `${IP} handle 8:6:1 u32 ht 8:6: match u32 0x00000000 0x00000000 at 0 offset at 0 mask 0f00 shift 6 eat link 2:`,
  ],
  [
    'skip the ICMP header and the quoted IP header',
    `${IP} handle 5:11:1 u32 ht 5:11: match u32 0x00000000 0x00000000 at 0 offset at 8 mask 0f00 shift 6 plus 8 eat link 6:`,
  ],
  [
    'a root node',
    `${IP} handle ::1 u32 match u32 0x0a090002 0xffffffff at 16 match u32 0x00000000 0x00003fff at 4 hashkey mask 0x00ff0000 at 8 link 8:`,
  ],
  [
    'a redirect by port',
    `${IP} handle 1:1e:11 u32 ht 1:1e: match u32 0x00007918 0x0000fff8 at 0 action mirred egress redirect dev d1`,
  ],
  [
    'a copy, and go on',
    `${IP} handle 3::1 u32 ht 3: match u32 0x00000000 0x00000000 at 0 action mirred egress mirror dev d1 continue`,
  ],
  [
    'offsets before the network header',
    'tc filter add dev d0 ingress prio 64001 protocol 802.1Q handle ::2 u32 match u32 0x00000806 0x0000ffff at -4 match u32 0x00000a09 0x0000ffff at -16 match u32 0x00020001 0xffffffff at -12 link 3:',
  ],
  ['an offset of the next header', `${IP} u32 match u32 0x00160000 0xffff0000 at nexthdr+0 classid 1:10`],
  [
    'a class and two actions',
    'tc filter add dev d0 parent 1: prio 5 protocol all u32 match u32 0x00000000 0x00000000 at 0 classid 1:10 action mirred ingress mirror dev d1 action gact drop',
  ],
  ['a cookie', `${IP} u32 match u32 0x00000000 0x00000000 at 0 action gact pass cookie a1b2c3d4`],
  ['go on with a chain', `${IP} u32 match u32 0x00000000 0x00000000 at 0 action gact goto chain 3`],
  [
    'in a chain, in software only',
    'tc filter add dev d0 egress prio 1 protocol ip chain 3 handle ::5 u32 match u32 0x00000000 0x00000000 at 0 skip_hw action gact reclassify',
  ],
  [
    'an EtherType by number',
    'tc filter add dev d0 ingress prio 9 protocol 35020 u32 match u32 0x00000000 0x00000000 at 0',
  ],
  [
    'change the actions of a node',
    'tc filter change dev d0 ingress prio 1020 protocol ip handle 1:1e:11 u32 ht 1:1e: action mirred egress redirect dev d0',
  ],
  ['delete a node', 'tc filter del dev d0 ingress prio 1020 protocol ip handle 1:1e:11 u32'],
  ['get a node', 'tc filter get dev d0 ingress prio 1020 protocol ip handle 1:1e:11 u32'],
  [
    'a direct-action program',
    "tc filter add dev d0 ingress prio 65535 protocol all handle 1 bpf da bytecode '1,6 0 0 2'",
  ],
  [
    'a program with an action',
    "tc filter replace dev d0 ingress prio 1000 protocol all handle 2 bpf bytecode '4,40 0 0 12,21 0 1 2048,6 0 0 4294967295,6 0 0 0' action mirred egress redirect dev d1",
  ],
  [
    'a program with a class',
    "tc filter add dev d0 parent 1: prio 3 protocol ip bpf bytecode '1,6 0 0 4294967295' classid 1:2",
  ],
  ['an action that is not modelled', `${IP} u32 match u32 0x00000000 0x00000000 at 0 action skbedit mark 1`],
  [
    'matchall',
    'tc filter add dev d0 ingress prio 1 protocol all handle 1 matchall action mirred egress redirect dev d1',
  ],
  [
    'flower',
    'tc filter add dev d0 ingress prio 1 protocol ip handle 1 flower ip_proto tcp dst_port 80 action drop',
  ],
])

/** What `tc` sends that the typed verbs do not: it is decoded, and its attributes are named where the kernel refuses. */
export const others = captures([
  ['an estimator of the rate', 'tc qdisc add dev d0 root estimator 1sec 8sec pfifo'],
  [
    'a table of packet sizes',
    'tc qdisc add dev d0 root stab mtu 2048 tsize 16 overhead 8 linklayer atm pfifo',
  ],
  ['list those too that are hidden', 'tc qdisc show dev d0 invisible'],
  ['list filters briefly', 'tc -br filter show dev d0 ingress'],
  [
    'police in a u32 filter',
    `${IP} u32 match u32 0x00000000 0x00000000 at 0 police rate 1mbit burst 10k drop`,
  ],
  ['police in a BPF filter', `${IP} bpf bytecode '1,6 0 0 0' police rate 1mbit burst 10k drop`],
  [
    'a mark and a device of arrival',
    `${IP} u32 match mark 0x1 0xff match u32 0x00000000 0x00000000 at 0 indev d1`,
  ],
  [
    'a program by its file descriptor',
    "unshare -m sh -c 'mount -t bpf bpf /mnt; python3 scripts/goldens/pin-program.py /mnt/golden; tc qdisc add dev d0 clsact; tc filter add dev d0 egress prio 1 bpf da pinned /mnt/golden'",
  ],
  [
    'an action by its index, at random',
    `${IP} u32 match u32 0x00000000 0x00000000 at 0 action gact pass random netrand drop 5 index 9 hw_stats disabled no_percpu`,
  ],
])
