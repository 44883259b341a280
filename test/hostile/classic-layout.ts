import { ip, ipBatch, ipJson, runIn, tc, tcBatch } from '../helpers/iproute2.js'
import { HOST_IP, HOST_MAC, REMOTE_IP, WIRE, type NamespaceRef } from '../helpers/topology.js'
import { addresses6, ICMP6, inside6, mirror6, outside6 } from './classic-layout6.js'

type Range = readonly [first: number, last: number]

/** Priorities of Mesos: a level (ARP 1, ICMP 2, IP 3) times 256, plus 1 (high) to 3 (low). */
const ARP = 258
const ICMP = 514
const IP_HIGH = 769
const IP_NORMAL = 770
const IP_LOW = 771

/** What Mesos cuts ranges into: aligned powers of two. */
function blocks(ranges: readonly Range[]): string[] {
  const keys: string[] = []
  for (const [first, last] of ranges) {
    let base = first
    while (base <= last) {
      let size = 1
      while (base % (2 * size) === 0 && base + 2 * size - 1 <= last) size *= 2
      keys.push(`${base} 0x${(0xffff & ~(size - 1)).toString(16)}`)
      base += size
    }
  }
  return keys
}

/** u32's offsets of ports are those of a header without options; Mesos's filters ask for one. */
const PLAIN = 'match u32 0x05000000 0x0f000000 at 0'
const redirect = (dev: string): string => `action mirred egress redirect dev ${dev}`
const mirrors = (devs: readonly string[]): string =>
  devs.map(dev => `action mirred egress mirror dev ${dev}`).join(' ')

/**
 * The filters that Mesos's `network/port_mapping` isolator installs, by `tc`: what this package is measured against. ARP is
 * matched by u32 instead of cls_basic, which not every kernel has.
 */
export class ClassicLayout {
  readonly #host: NamespaceRef
  readonly #inet6: boolean
  #veths: string[] = []

  private constructor(host: NamespaceRef, inet6: boolean) {
    this.#host = host
    this.#inet6 = inet6
  }

  /** With `inet6` as it would be if Mesos did the same for IPv6. */
  static async create(host: NamespaceRef, inet6 = false): Promise<ClassicLayout> {
    await tcBatch(host.name, [`qdisc add dev ${WIRE} ingress`, 'qdisc add dev lo ingress'])
    await ipBatch(host.name, [`link set lo address ${HOST_MAC} mtu 1500`])
    await runIn(
      host.path,
      'sysctl',
      '-qw',
      ...[
        'conf.lo.accept_local=1',
        'conf.lo.route_localnet=1',
        'conf.lo.rp_filter=0',
        'conf.all.rp_filter=0',
      ].map(setting => `net.ipv4.${setting}`),
    )
    return new ClassicLayout(host, inet6)
  }

  /** Makes a container and gives back the host's end of its veth pair. */
  async add(namespace: NamespaceRef, ranges: readonly Range[], number: number): Promise<string> {
    const veth = `mesos${number}`
    const { name } = this.#host
    await ip(name, `link add ${veth} address ${HOST_MAC} type veth peer name ${WIRE} netns ${namespace.name}`)
    if (this.#veths.length > 0) await this.#removeMirrors()
    // A container may have taken its interface away, and the host's end with it.
    const present = await ipJson<{ ifname: string }>(name, 'link show')
    this.#veths = [...this.#veths.filter(dev => present.some(({ ifname }) => ifname === dev)), veth]
    await this.#inside(namespace, ranges)
    await runIn(this.#host.path, 'sysctl', '-qwe', `net.ipv6.conf.${veth}.disable_ipv6=1`)
    await tcBatch(name, [...this.#outside(veth, ranges), ...this.#mirrors()])
    await ip(name, `link set ${veth} up`)
    return veth
  }

  async #removeMirrors(): Promise<void> {
    for (const priority of [ARP, ICMP, ...(this.#inet6 ? [ICMP6] : [])])
      await tc(this.#host.name, `filter del dev ${WIRE} ingress priority ${priority}`)
  }

  #mirrors(): string[] {
    const filter = `filter add dev ${WIRE} ingress priority`
    return [
      `${filter} ${ARP} protocol arp u32 match u32 0 0 ${mirrors(this.#veths)}`,
      `${filter} ${ICMP} protocol ip u32 match ip protocol 1 0xff match ip dst ${HOST_IP} ${mirrors(this.#veths)}`,
      ...(this.#inet6 ? [mirror6(mirrors(this.#veths))] : []),
    ]
  }

  #outside(veth: string, ranges: readonly Range[]): string[] {
    const add = (dev: string, priority: number, match: string, to: string): string =>
      `filter add dev ${dev} ingress priority ${priority} protocol ip u32 ${match} ${redirect(to)}`
    return [
      `qdisc add dev ${veth} ingress`,
      ...blocks(ranges).flatMap(ports => [
        add(veth, IP_LOW, `${PLAIN} match ip sport ${ports}`, WIRE),
        ...[HOST_IP, '127.0.0.1'].map(address =>
          add(veth, IP_NORMAL, `${PLAIN} match ip dst ${address} match ip sport ${ports}`, 'lo'),
        ),
        add('lo', IP_LOW, `${PLAIN} match ip dport ${ports}`, veth),
        add(WIRE, IP_LOW, `${PLAIN} match ip dst ${HOST_IP} match ip dport ${ports}`, veth),
      ]),
      `filter add dev ${veth} ingress priority ${ICMP} protocol ip u32 match ip protocol 1 0xff ${redirect(WIRE)}`,
      `filter add dev ${veth} ingress priority ${ARP} protocol arp u32 match u32 0 0 ${redirect(WIRE)}`,
      ...(this.#inet6 ? outside6(veth, blocks(ranges)) : []),
    ]
  }

  async #inside({ name, path }: NamespaceRef, ranges: readonly Range[]): Promise<void> {
    await ipBatch(name, [
      `link set lo address ${HOST_MAC} mtu 1500 up`,
      `link set ${WIRE} address ${HOST_MAC} up`,
      `addr add ${HOST_IP}/24 dev ${WIRE}`,
      `route add default via ${REMOTE_IP}`,
    ])
    const [first, last] = ranges.at(-1) ?? [0, 0]
    const settings = [
      `net.ipv4.ip_local_port_range=${first} ${last}`,
      ...[`${WIRE}.accept_local`, 'lo.accept_local', 'lo.route_localnet'].map(
        name => `net.ipv4.conf.${name}=1`,
      ),
      `net.ipv6.conf.all.disable_ipv6=${this.#inet6 ? 0 : 1}`,
    ]
    await runIn(path, 'sysctl', '-qwe', ...settings)
    if (this.#inet6) await ipBatch(name, [...addresses6])
    const filter = (dev: string, priority: number, rest: string): string =>
      `filter add dev ${dev} ingress priority ${priority} protocol ip u32 ${rest}`
    await tcBatch(name, [
      'qdisc add dev lo ingress',
      `qdisc add dev ${WIRE} ingress`,
      ...blocks(ranges).flatMap(ports => [
        filter('lo', IP_HIGH, `flowid ffff:0 match ip dport ${ports}`),
        filter(WIRE, IP_NORMAL, `match ip dst 127.0.0.1 match ip dport ${ports} ${redirect('lo')}`),
      ]),
      ...[HOST_IP, '127.0.0.1'].flatMap(address => [
        filter('lo', IP_NORMAL, `match ip dst ${address} ${redirect(WIRE)}`),
        filter('lo', ICMP, `flowid ffff:0 match ip protocol 1 0xff match ip dst ${address}`),
      ]),
      ...(this.#inet6 ? inside6(blocks(ranges)) : []),
    ])
  }
}
