/** What `tc` sets up on the device `d0`, beside which there is `d1`. */
export interface Scenario {
  readonly about: string
  /** Lines of `tc -batch`. */
  readonly lines: readonly string[]
}

const scenario = (about: string, ...lines: string[]): Scenario => ({ about, lines })

const root = (options: string): Scenario => {
  const [kind = ''] = options.split(' ')
  return scenario(
    kind === options ? `${kind} as it is` : options,
    `qdisc add dev d0 root handle 1: ${options}`,
  )
}

/** Qdiscs of every kind that can be made on a dummy device. */
const qdiscs: readonly Scenario[] = [
  ...['bfifo', 'cake', 'codel', 'fq', 'fq_codel', 'hhf', 'mq', 'multiq', 'netem', 'noqueue', 'pfifo'].map(
    root,
  ),
  ...['pfifo_fast', 'pfifo_head_drop', 'pie', 'plug', 'prio', 'sfb', 'sfq', 'skbprio'].map(root),
  root('bfifo limit 10000'),
  root('cake bandwidth 10mbit diffserv4 nat wash ack-filter rtt 50ms overhead 18 mpu 64 atm'),
  root('cbs idleslope 1000 sendslope -9000 hicredit 100 locredit -1000'),
  root('choke limit 1000 min 83 max 250 avpkt 1000 bandwidth 10mbit burst 100'),
  root('codel target 7777us interval 77777us ce_threshold 333us'),
  root('codel limit 100 target 7ms interval 70ms ce_threshold 3ms ecn'),
  root('drr'),
  root('etf clockid CLOCK_TAI delta 100000'),
  root('ets bands 4 strict 2 quanta 1500 3000'),
  root('fq limit 1000 flow_limit 50 quantum 3000 initial_quantum 15000 maxrate 10mbit orphan_mask 1023'),
  root('fq_codel limit 1000 flows 4096 quantum 300 target 3700us interval 77777us ce_threshold 1300us noecn'),
  root('fq_codel target 5ms interval 100ms memory_limit 4194304 drop_batch 32'),
  root('fq_codel ce_threshold 333us ce_threshold_selector 2/3'),
  root('fq_pie limit 1000 flows 128 target 12ms'),
  root('fq_pie target 12346us'),
  root('gred setup DPs 3 default 1 grio'),
  root('hfsc default 10'),
  root('hhf limit 500 hh_limit 100 reset_timeout 30ms'),
  root('htb'),
  root('htb r2q 5 default 20 direct_qlen 100'),
  root(
    'netem delay 10ms 2ms 25% distribution normal loss 1% duplicate 2% corrupt 0.5% reorder 5% gap 3 rate 10mbit',
  ),
  root('netem loss gemodel 1% 10% 70% 0.1% slot 800us 1ms'),
  root('pfifo limit 100'),
  root('pie limit 100 target 20ms tupdate 30ms alpha 3 beta 21 bytemode ecn'),
  root('pie target 12346us'),
  root('plug limit 4096'),
  root('prio bands 4 priomap 1 2 2 2 1 2 0 0 1 1 1 1 3 3 3 3'),
  root('qfq'),
  root(
    'red limit 100000 min 10000 max 30000 avpkt 1000 burst 20 bandwidth 10mbit probability 0.1 ecn harddrop',
  ),
  root('sfq perturb 10 quantum 3000 depth 64 divisor 512'),
  root('sfq limit 3000 headdrop min 10000 max 30000 ecn probability 0.1 redflowlimit 100000'),
  root(
    'taprio num_tc 2 map 0 1 queues 1@0 1@1 base-time 1000 sched-entry S 01 300000 sched-entry S 02 300000 clockid CLOCK_TAI',
  ),
  root('tbf rate 1mbit burst 10k limit 20k'),
  root('tbf rate 1mbit burst 10k limit 20k peakrate 2mbit mtu 1600 mpu 64'),
  root('tbf rate 1mbit burst 5k limit 20k overhead 23'),
  root('tbf rate 1mbit burst 5k limit 20k overhead 23 linklayer atm'),
  root('tbf rate 5000000000bps burst 1m limit 2m'),
  root('tbf rate 7654321bps burst 54321 limit 98765 peakrate 20000000bps mtu 2222 overhead 7'),
  scenario('a shared block', 'qdisc add dev d0 ingress_block 7 egress_block 8 clsact'),
  scenario('ingress', 'qdisc add dev d0 ingress'),
  scenario('an estimator', 'qdisc add dev d0 root handle 1: estimator 1sec 8sec pfifo'),
  scenario(
    'two queues',
    'qdisc add dev d0 root handle 1: mq',
    'qdisc add dev d0 parent 1:1 handle 2: pfifo limit 7',
  ),
]

/** Size tables, on a kind that is modelled and on one that is not. */
const stabs: readonly Scenario[] = [
  'overhead 8',
  'linklayer atm overhead 10',
  'mtu 2048 tsize 16 overhead 8 linklayer atm',
  'overhead -14 mpu 64 mtu 9000 tsize 256',
].flatMap(stab =>
  ['pfifo', 'sfq'].map(kind =>
    scenario(`stab ${stab} ${kind}`, `qdisc add dev d0 root handle 1: stab ${stab} ${kind}`),
  ),
)

const HTB = 'qdisc add dev d0 root handle 1: htb default 10'

const classes: readonly Scenario[] = [
  scenario(
    'htb classes of classes, with leaves',
    HTB,
    'class add dev d0 parent 1: classid 1:ff htb rate 10mbit ceil 20mbit',
    'class add dev d0 parent 1:ff classid 1:10 htb rate 1mbit ceil 2mbit burst 16k cburst 17k prio 3 quantum 3000',
    'class add dev d0 parent 1:ff classid 1:2 htb rate 1mbit overhead 8 mpu 64 linklayer atm',
    'class add dev d0 parent 1:2 classid 1:1 htb rate 100kbit',
    'class add dev d0 parent 1: classid 1:fe htb rate 40gbit ceil 100gbit',
    'class add dev d0 parent 1:ff classid 1:11 htb rate 7654321bps ceil 7654322bps burst 12345 cburst 23456',
    'qdisc add dev d0 parent 1:10 handle 10: tbf rate 1mbit burst 10k limit 20k',
    'qdisc add dev d0 parent 1:1 handle 11: pfifo limit 10',
    'filter add dev d0 parent 1: prio 3 protocol ip u32 match u32 0 0 classid 1:10',
    'filter add dev d0 parent 1:ff prio 3 protocol ip u32 match u32 0 0 classid 1:2',
  ),
  scenario(
    'an estimator of a class',
    HTB,
    'class add dev d0 parent 1: classid 1:1 estimator 1sec 8sec htb rate 1mbit',
  ),
  scenario(
    'hfsc classes',
    'qdisc add dev d0 root handle 1: hfsc default 10',
    'class add dev d0 parent 1: classid 1:20 hfsc sc rate 10mbit ul rate 20mbit',
    'class add dev d0 parent 1:20 classid 1:10 hfsc rt m1 2mbit d 10ms m2 1mbit ls rate 5mbit',
  ),
  scenario(
    'drr classes',
    'qdisc add dev d0 root handle 1: drr',
    'class add dev d0 parent 1: classid 1:1 drr quantum 1600',
    'class add dev d0 parent 1: classid 1:2 drr quantum 600',
  ),
  scenario(
    'qfq classes',
    'qdisc add dev d0 root handle 1: qfq',
    'class add dev d0 parent 1: classid 1:1 qfq weight 10 maxpkt 1600',
    'class add dev d0 parent 1: classid 1:2 qfq weight 20',
  ),
  scenario(
    'classes that a qdisc brings along',
    'qdisc add dev d0 root handle 1: prio bands 3',
    'qdisc add dev d0 parent 1:1 handle 10: tbf rate 1mbit burst 10k limit 20k',
    'qdisc add dev d0 parent 1:2 handle 20: sfq',
    'qdisc add dev d0 parent 1:3 handle 30: netem delay 1ms',
    'qdisc add dev d0 parent 10:1 handle 40: pfifo limit 3',
  ),
]

const CLSACT = 'qdisc add dev d0 clsact'
const ingress = (about: string, ...filters: string[]): Scenario =>
  scenario(about, CLSACT, ...filters.map(line => `filter add dev d0 ingress ${line}`))

const u32 = 'protocol ip prio 5 u32 match u32 0 0'

const u32Filters: readonly Scenario[] = [
  ingress(
    'u32 of two priorities, the later first',
    'protocol ip prio 9 u32 match ip dport 80 0xffff classid 1:9',
    'protocol ip prio 3 u32 match ip dport 81 0xffff classid 1:3',
    'protocol ip prio 3 u32 match ip dport 82 0xffff classid 1:4',
    'protocol ipv6 prio 4 u32 match u32 0 0 classid 1:5',
  ),
  ingress(
    'u32 tables, links, offsets',
    'protocol ip prio 5 handle 2: u32 divisor 4',
    'protocol ip prio 5 handle 1: u32 divisor 256',
    'protocol ip prio 5 u32 ht 1:7: match u32 1 0xff at 0 classid 1:1',
    'protocol ip prio 5 handle 2:1:9 u32 ht 2:1: match u32 1 0xff at nexthdr+4 classid 1:2',
    'protocol ip prio 5 u32 match u32 0 0 link 1: hashkey mask 0xff at 12',
    'protocol ip prio 5 u32 match u32 0 0 link 2: offset at 0 mask 0f00 shift 6 plus 4 eat',
  ),
  ingress(
    'a u32 table numbered by the kernel',
    'protocol ip prio 5 u32 divisor 16',
    'protocol ip prio 5 u32 ht 801:3: match u32 1 0xff at 0 classid 1:1',
  ),
  ingress(
    'u32 mark and device',
    'protocol ip prio 5 u32 match mark 0x1 0xff match u32 0 0 indev d1 classid 1:1',
  ),
  ingress('u32 police', `${u32} police rate 1mbit burst 10k drop`),
  ingress(
    'u32 police at a peak rate',
    `${u32} police rate 1mbit burst 10k mtu 2000 peakrate 2mbit overhead 8 continue`,
  ),
  ingress('u32 in chains', `chain 7 ${u32} classid 1:1`, `chain 3 ${u32} action gact goto chain 7`),
  ingress('u32 skip_hw', `${u32} skip_hw classid 1:1`),
]

const otherFilters: readonly Scenario[] = [
  ingress(
    'bpf filters of one priority',
    "protocol all prio 5 bpf bytecode '1,6 0 0 1' classid 1:1",
    "protocol all prio 5 bpf bytecode '1,6 0 0 2' classid 1:2",
    "protocol all prio 5 handle 9 bpf da bytecode '1,6 0 0 3' skip_hw",
  ),
  ingress('bpf police', "protocol all prio 5 bpf bytecode '1,6 0 0 1' police rate 1mbit burst 10k drop"),
  ingress(
    'bpf actions',
    "protocol all prio 5 bpf bytecode '1,6 0 0 1' action mirred egress mirror dev d1 action gact pass",
  ),
  ingress(
    'basic filters of one priority',
    'protocol all prio 5 basic classid 1:1',
    'protocol all prio 5 basic match meta(nf_mark gt 24) classid 1:2',
    'protocol all prio 5 basic match cmp(u16 at 0 layer 2 mask 0xff00 gt 0) action drop',
  ),
  ingress('basic police', 'protocol all prio 5 basic police rate 1mbit burst 10k drop'),
  scenario('cgroup', HTB, 'filter add dev d0 parent 1: protocol ip prio 5 handle 1 cgroup'),
  ingress(
    'flow filters of one priority',
    'protocol ip prio 5 handle 1 flow hash keys src,dst divisor 1024 baseclass 1:1',
    'protocol ip prio 5 handle 2 flow map key mark and 0xff addend 3 divisor 8',
  ),
  ingress(
    'flower',
    'protocol ip prio 1 handle 1 flower ip_proto tcp dst_port 80 action drop',
    'protocol ip prio 1 flower src_ip 10.0.0.0/8 ip_proto udp src_port 1000-2000 classid 1:1',
    'protocol ip prio 1 flower skip_hw dst_mac 02:00:00:00:00:01 action skbedit mark 3 action mirred egress redirect dev d1',
    'protocol 802.1q prio 2 flower vlan_id 3 vlan_prio 4 vlan_ethtype ip dst_ip 1.2.3.4 action gact pass',
    'protocol ip prio 4 flower ip_flags frag/nofirstfrag ip_ttl 3 action drop',
  ),
  ingress('flower of a connection', 'protocol ip prio 3 flower ct_state +trk+est ct_zone 7 action drop'),
  scenario('fw', HTB, 'filter add dev d0 parent 1: protocol ip prio 5 handle 0x1/0xff fw classid 1:10'),
  ingress(
    'fw with an action',
    'protocol ip prio 5 handle 7 fw action drop',
    'protocol ip prio 5 handle 6 fw classid 1:6',
  ),
  ingress(
    'matchall',
    'protocol all prio 1 handle 1 matchall action mirred egress redirect dev d1',
    'protocol all prio 2 matchall skip_hw classid 1:1',
    'protocol ip prio 3 matchall action gact drop action skbedit priority 3',
  ),
  scenario('route', HTB, 'filter add dev d0 parent 1: protocol ip prio 5 route from 1 to 2 classid 1:10'),
]

/** One action of every kind, carried by a u32 filter. */
const actions: readonly Scenario[] = [
  'gact drop',
  'gact pass random netrand drop 5 index 9 hw_stats disabled no_percpu',
  'gact pass random determ continue 5 cookie a1b2c3d4',
  'gact pass hw_stats immediate index 77',
  'gact pass hw_stats delayed',
  'gact goto chain 3',
  'mirred egress redirect dev d1 index 12',
  'mirred ingress mirror dev d1 pipe',
  "bpf bytecode '1,6 0 0 1'",
  'connmark zone 3',
  'csum ip4h tcp index 5',
  'ct zone 3 pipe',
  'ct commit force zone 3 mark 0x1/0xff nat src addr 1.2.3.4 port 1000-2000',
  'ct clear',
  'ctinfo dscp 0xfc000000 0x01000000 cpmark 0xff zone 7',
  'gate clockid CLOCK_TAI sched-entry open 200000000 -1 -1',
  'ife encode allow mark dst 02:00:00:00:00:01 type 0xED3E',
  'mpls push protocol mpls_uc label 123 tc 1 ttl 64',
  'mpls pop protocol ip',
  'nat ingress 192.168.1.0/24 18.52.86.120',
  'pedit munge ip ttl set 7 pipe',
  'pedit ex munge eth dst set 02:00:00:00:00:01 munge tcp dport set 80',
  'police rate 1mbit burst 10k drop',
  'police rate 1mbit burst 54321 mtu 3000 conform-exceed continue/pass index 4',
  'police rate 40gbit burst 1m peakrate 50gbit mtu 9000 conform-exceed drop/pipe',
  'police rate 1mbit burst 10k overhead 8 linklayer atm conform-exceed reclassify',
  'police mtu 1500 conform-exceed drop/pass',
  'police pkts_rate 1000 pkts_burst 200 conform-exceed drop',
  'sample rate 100 group 12 trunc 80',
  'simple sdata "hello"',
  'skbedit mark 1 priority 2:3 queue_mapping 4',
  'skbedit ptype host index 6',
  'skbmod set dmac 02:00:00:00:00:01 etype 0x800',
  'skbmod swap mac index 3',
  'tunnel_key set src_ip 1.1.1.1 dst_ip 2.2.2.2 id 11 dst_port 4789 ttl 3 csum',
  'tunnel_key unset',
  'vlan push id 3 protocol 802.1ad priority 2',
  'vlan pop',
].map(action => ingress(`action ${action}`, `${u32} action ${action}`))

const sharedActions: readonly Scenario[] = [
  ingress(
    'an action that two filters share',
    `${u32} action gact drop index 3`,
    'protocol ip prio 6 u32 match u32 1 1 action gact index 3',
  ),
]

/** Everything that is added, listed, deleted, added as listed and listed. */
export const scenarios: readonly Scenario[] = [
  ...[qdiscs, stabs, classes, u32Filters, otherFilters, actions, sharedActions].flat(),
]
