import { NetworkNamespace } from '../../src/netns/network-namespace.js'
import { RtnetlinkSocket } from '../../src/rtnetlink-socket.js'
import type { NamespaceRef } from '../helpers/topology.js'
import { isOfFinishedChange } from './kernel-state.js'

const SYSCTLS = [
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv6.conf.all.disable_ipv6',
]

/** Counters and ages, numbers that the kernel chooses, and what it notices when it gets round to it. */
const VARYING =
  /^(ifindex|linkIfindex|statistics|stats.*|bytes|packets|drops|overlimits|.*[uU]sed|installed|expires|cacheInfo|carrier.*|backlog|queueLength|rateEstimate|created|updated|operationalState|index|hits|successes|peerIndex|link|netnsId|.*Count|basic|queue|statisticsHw.*)$/

/** A socket and a namespace to watch the state by: cheap, and without a process. */
export class WatchedState implements AsyncDisposable {
  private constructor(
    readonly netns: NetworkNamespace,
    readonly rt: RtnetlinkSocket,
  ) {}

  static async open({ name }: NamespaceRef): Promise<WatchedState> {
    const netns = NetworkNamespace.open(name)
    return new WatchedState(netns, await RtnetlinkSocket.open({ netns }))
  }

  /** One line for each object and sysctl. */
  async lines(): Promise<string[]> {
    const tables = ['links', 'addresses', 'routes', 'qdiscs', 'classes', 'filters'] as const
    const lists = await this.rt.snapshot(tables)
    const lines = tables.flatMap(name =>
      lists[name].map(object => `${name} ${JSON.stringify(object, withoutVarying)}`),
    )
    const sysctls = await Promise.all(
      SYSCTLS.map(async name => `${name} ${await this.netns.readSysctl(name).catch(() => 'none')}`),
    )
    return [...lines.filter(line => !isOfIpv6(line)), ...sysctls].sort()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.rt.close()
    this.netns.close()
    return Promise.resolve()
  }
}

const withoutVarying = (name: string, value: unknown): unknown =>
  VARYING.test(name) || (name === 'alias' && isOfFinishedChange(value as string))
    ? undefined
    : typeof value === 'bigint'
      ? `${value}`
      : value

/** IPv6 configures itself, a second or two after a link comes up. */
const isOfIpv6 = (line: string): boolean => /^(addresses|routes) .*::/.test(line)
