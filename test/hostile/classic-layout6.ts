/**
 * What Mesos's filters would be for IPv6, which it switches off: the same matches at the offsets of IPv6, in the same places. As there,
 * ports are where a packet without options has them, and what has no port of anybody goes to everyone.
 */
import { WIRE } from '../helpers/topology.js'
import { HOST_IP6, HOST_LINK_LOCAL, REMOTE_LINK_LOCAL } from '../isolator/inet6-topology.js'
import { LOOPBACK6 } from '../isolator/inet6-frames.js'

/** Beside those of IPv4: a protocol has a priority of its own. */
export const ICMP6 = 515
const IP6_HIGH = 772
const IP6_NORMAL = 773
const IP6_LOW = 774

const filter6 = (dev: string, priority: number, rest: string): string =>
  `filter add dev ${dev} ingress priority ${priority} protocol ipv6 u32 ${rest}`
const redirect = (dev: string): string => `action mirred egress redirect dev ${dev}`

/** On the public interface: ICMPv6, neighbour discovery in it, for everyone. `mirrors` are the actions. */
export const mirror6 = (mirrors: string): string =>
  filter6(WIRE, ICMP6, `match ip6 protocol 58 0xff ${mirrors}`)

/** On the host, for a container; `blocks` are values and masks of its ports. */
export const outside6 = (veth: string, blocks: readonly string[]): string[] => [
  ...blocks.flatMap(ports => [
    filter6(veth, IP6_LOW, `match ip6 sport ${ports} ${redirect(WIRE)}`),
    ...[HOST_IP6, LOOPBACK6].map(address =>
      filter6(veth, IP6_NORMAL, `match ip6 dst ${address}/128 match ip6 sport ${ports} ${redirect('lo')}`),
    ),
    filter6('lo', IP6_LOW, `match ip6 dport ${ports} ${redirect(veth)}`),
    filter6(WIRE, IP6_LOW, `match ip6 dst ${HOST_IP6}/128 match ip6 dport ${ports} ${redirect(veth)}`),
  ]),
  filter6(veth, ICMP6, `match ip6 protocol 58 0xff ${redirect(WIRE)}`),
]

/** Inside, by `ip` and by `tc`. */
export const addresses6: readonly string[] = [
  `link set ${WIRE} addrgenmode none`,
  ...[HOST_IP6, HOST_LINK_LOCAL].map(address => `addr add ${address}/64 dev ${WIRE} nodad`),
  `route add default via ${REMOTE_LINK_LOCAL} dev ${WIRE}`,
]
export const inside6 = (blocks: readonly string[]): string[] => [
  ...blocks.flatMap(ports => [
    filter6('lo', IP6_HIGH, `flowid ffff:0 match ip6 dport ${ports}`),
    filter6(WIRE, IP6_NORMAL, `match ip6 dst ${LOOPBACK6}/128 match ip6 dport ${ports} ${redirect('lo')}`),
  ]),
  ...[HOST_IP6, LOOPBACK6].flatMap(address => [
    filter6('lo', IP6_NORMAL, `match ip6 dst ${address}/128 ${redirect(WIRE)}`),
    filter6('lo', ICMP6, `flowid ffff:0 match ip6 protocol 58 0xff match ip6 dst ${address}/128`),
  ]),
]
