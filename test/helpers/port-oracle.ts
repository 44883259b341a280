import { isIPv6 } from 'node:net'
import type { FrameSocket } from './frame-socket.js'
import { NOWHERE, type FrameTool, type Receiver, type SweepResult } from './frame-tool.js'
import {
  ETH_P_ALL,
  ETH_P_IP,
  ethernet,
  icmp,
  ipv4,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
} from './packets.js'
import { ETH_P_IPV6, icmpv6, IPPROTO_ICMPV6, ipv6 } from './packets6.js'
import { HOST_IP, HOST_MAC, REMOTE_IP, REMOTE_MAC, WIRE, type NamespaceRef } from './topology.js'

/** Owner of a port whose frames belong to the host; container i is owner i. */
export const HOST = 0xfffe
/** Owner of a port whose frames are to be dropped. */
export const NOBODY = NOWHERE
/** Where a frame shows up that leaves for, or comes back to, the wire. */
const REMOTE = 0xfffd

/** One kind of frame, sent to every port. */
export interface Variant {
  name: string
  /** From the wire into the host's public interface, or onto the host's loopback. */
  via: 'wire' | 'lo'
  /** IP protocol whose header starts with the ports. */
  protocol: number
  /** Words of an IPv4 header. Default: 5; more are filled with No Operation. */
  ihl?: number
  /** The number of an extension header of IPv6 before the protocol, empty; or hop-by-hop options with a jumbo length. */
  before?: number | 'jumbo'
  /** Default: the host's IPv4 address. One of IPv6 makes it a variant of IPv6. */
  destination?: string
  /** Default: the remote's address from the wire, which IPv6 has to name; the destination on lo. */
  source?: string
  /** 802.1Q tags. */
  vlans?: number[]
  /** Sends an ICMP error that quotes a packet of this protocol *from* the port, instead of a packet to it. */
  icmpError?: { type: number; code: number; ihl?: number }
}

/** TCP and UDP of IPv4, without and with IP options, from the wire and over lo to both of its addresses. */
export const STANDARD_VARIANTS: Variant[] = [
  { name: 'wire', via: 'wire' as const, destination: HOST_IP },
  { name: 'lo', via: 'lo' as const, destination: HOST_IP },
  { name: 'lo 127.0.0.1', via: 'lo' as const, destination: '127.0.0.1' },
].flatMap(({ name, via, destination }) =>
  [IPPROTO_TCP, IPPROTO_UDP].flatMap(protocol =>
    [5, 6].map(ihl => ({
      name: `${name}, ${protocol === IPPROTO_TCP ? 'TCP' : 'UDP'}, IHL ${ihl}`,
      via,
      destination,
      protocol,
      ihl,
    })),
  ),
)

export interface PortOracleOptions {
  remote: NamespaceRef
  host: NamespaceRef
  /** Container i is owner i. */
  containers: NamespaceRef[]
  /** The interface inside every container. Default: `eth0`. */
  containerInterface?: string
  /** The host's interfaces. Defaults: `eth0` and `lo`. */
  publicInterface?: string
  loopbackInterface?: string
}

export interface Verdict {
  variant: string
  sent: number
  /** Where they belong, once each. */
  delivered: number
  /** Arrived elsewhere. */
  wrong: number
  /** Arrived more than once. */
  duplicates: number
  /** Did not arrive, in two attempts. */
  lost: number
  /** The first few of what is not right, readable. */
  examples: string[]
}

const EXAMPLES = 5

/**
 * Sends frames to all ports and watches where they arrive: inside a container, in the host's stack (behind its tc
 * ingress), or at the remote. No stack answers them: the IPv4 header's checksum and the length of IPv6 are wrong on purpose.
 */
export class PortOracle implements AsyncDisposable {
  readonly #tool: FrameTool
  readonly #senders: Record<'wire' | 'lo', FrameSocket>
  readonly #receivers: Receiver[]
  readonly #placeName: (location: number) => string

  private constructor(
    tool: FrameTool,
    senders: Record<'wire' | 'lo', FrameSocket>,
    receivers: Receiver[],
    placeName: (location: number) => string,
  ) {
    this.#tool = tool
    this.#senders = senders
    this.#receivers = receivers
    this.#placeName = placeName
  }

  /** Opens one socket per place where frames may arrive. The interfaces have to exist. */
  static async open(tool: FrameTool, options: PortOracleOptions): Promise<PortOracle> {
    const { remote, host, containers, containerInterface = 'eth0' } = options
    const { publicInterface = 'eth0', loopbackInterface = 'lo' } = options
    const receiver = async (
      netns: string,
      device: string,
      protocol: number,
      location: number,
    ): Promise<Receiver> => ({ socket: await tool.countingSocket({ netns, device, protocol }), location })
    const receivers = await Promise.all([
      ...containers.map(({ path }, i) => receiver(path, containerInterface, ETH_P_ALL, i)),
      // A socket for one EtherType comes after tc ingress, one for ETH_P_ALL before it.
      ...[publicInterface, loopbackInterface].flatMap(device =>
        [ETH_P_IP, ETH_P_IPV6].map(protocol => receiver(host.path, device, protocol, HOST)),
      ),
      receiver(remote.path, WIRE, ETH_P_ALL, REMOTE),
    ])
    const [wire, lo] = await Promise.all([
      tool.packetSocket({ netns: remote.path, device: WIRE, protocol: 0 }),
      tool.packetSocket({ netns: host.path, device: loopbackInterface, protocol: 0 }),
    ])
    return new PortOracle(tool, { wire, lo }, receivers, placeNames(containers))
  }

  /** Sends the variant to each of the 65536 ports and compares with its owner. */
  async check(variant: Variant, owners: Uint16Array): Promise<Verdict> {
    if (owners.length !== 65536) throw new RangeError(`owners: expected 65536 ports, got ${owners.length}`)
    const ports = Uint16Array.from({ length: 65536 }, (_, port) => port)
    const { locations, surplus } = await this.#sweep(variant, ports)

    // A queue that another test has filled drops frames of ours: what is lost is sent once more.
    const missing = ports.filter(port => locations[port] === NOWHERE && owners[port] !== NOBODY)
    const again = missing.length > 0 ? await this.#sweep(variant, missing) : { locations: [], surplus: [] }
    again.locations.forEach((location, i) => (locations[missing[i]!] = location))
    return this.#compare(variant.name, owners, locations, [...surplus, ...again.surplus])
  }

  async checkAll(variants: readonly Variant[], owners: Uint16Array): Promise<Verdict[]> {
    const verdicts: Verdict[] = []
    for (const variant of variants) verdicts.push(await this.check(variant, owners))
    return verdicts
  }

  #sweep(variant: Variant, ports: Uint16Array): Promise<SweepResult> {
    const { template, portOffset } = frameOf(variant)
    return this.#tool.sweep({
      sender: this.#senders[variant.via],
      template,
      portOffset,
      ports,
      receivers: this.#receivers,
    })
  }

  #compare(
    variant: string,
    owners: Uint16Array,
    locations: Uint16Array,
    surplus: SweepResult['surplus'],
  ): Verdict {
    const verdict: Verdict = {
      variant,
      sent: owners.length,
      delivered: 0,
      wrong: 0,
      duplicates: 0,
      lost: 0,
      examples: [],
    }
    const note = (kind: 'wrong' | 'duplicates' | 'lost', port: number, what: string): void => {
      verdict[kind]++
      const owner = this.#placeName(owners[port]!)
      if (verdict.examples.length < EXAMPLES)
        verdict.examples.push(`port ${port} of ${owner} arrived ${what}`)
    }
    locations.forEach((location, port) => {
      if (location === owners[port]) verdict.delivered++
      else if (location === NOWHERE) note('lost', port, 'nowhere')
      else note('wrong', port, `at ${this.#placeName(location)}`)
    })
    for (const { port, location } of surplus) note('duplicates', port, `at ${this.#placeName(location)} too`)
    return verdict
  }

  async close(): Promise<void> {
    const sockets = [this.#senders.wire, this.#senders.lo, ...this.#receivers.map(({ socket }) => socket)]
    await Promise.all(sockets.map(socket => socket.close()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** The frame of a variant, and where in it the swept port goes. */
function frameOf(variant: Variant): { template: Buffer; portOffset: number } {
  const { via, vlans = [], destination = HOST_IP } = variant
  const [type, { packet, port }] = isIPv6(destination)
    ? [ETH_P_IPV6, inet6Packet(variant, destination)]
    : [ETH_P_IP, inetPacket(variant, destination)]
  const template = ethernet(
    { destination: HOST_MAC, source: via === 'wire' ? REMOTE_MAC : HOST_MAC, type, vlans },
    packet,
  )
  return { template, portOffset: template.length - packet.length + port }
}

/** A packet, and where in it the swept port goes. */
interface Probe {
  packet: Buffer
  port: number
}

function inetPacket(variant: Variant, destination: string): Probe {
  const { via, protocol, ihl = 5, icmpError } = variant
  const source = variant.source ?? (via === 'wire' ? REMOTE_IP : destination)
  const options = noOperations(ihl)
  const packet = icmpError
    ? ipv4(
        { source, destination, protocol: IPPROTO_ICMP, options },
        errorAbout(protocol, destination, icmpError),
      )
    : ipv4({ source, destination, protocol, options }, segment(protocol))
  breakHeaderChecksum(packet)
  return { packet, port: 4 * ihl + (icmpError ? 8 + 4 * (icmpError.ihl ?? 5) : 2) }
}

const IPV6_HEADER = 40
/** What is longer than its packet is dropped before a stack could answer (ip6_rcv_core in net/ipv6/ip6_input.c). */
const TOO_LONG = 8
/** The same of a jumbo option (ipv6_hop_jumbo in net/ipv6/exthdrs.c), which says the length instead of the header (RFC 2675). */
const JUMBO = Buffer.from([0xc2, 4, 0, 2, 0, 0])

function inet6Packet(variant: Variant, destination: string): Probe {
  const { protocol, before, icmpError, source = destination } = variant
  const ends = { source, destination }
  const packet = (nextHeader: number, payload: Buffer, length = payload.length + TOO_LONG): Buffer =>
    ipv6({ ...ends, nextHeader, length }, payload)
  if (icmpError) {
    const quoted = ipv6({ source: destination, destination: source, nextHeader: protocol }, segment(protocol))
    return {
      packet: packet(IPPROTO_ICMPV6, icmpv6(icmpError, quoted, ends)),
      port: IPV6_HEADER + 8 + IPV6_HEADER,
    }
  }
  if (before === undefined) return { packet: packet(protocol, segment(protocol)), port: IPV6_HEADER + 2 }
  const extension = Buffer.concat([Buffer.from([protocol, 0]), before === 'jumbo' ? JUMBO : Buffer.alloc(6)])
  const payload = Buffer.concat([extension, segment(protocol)])
  return {
    packet: before === 'jumbo' ? packet(0, payload, 0) : packet(before, payload),
    port: IPV6_HEADER + extension.length + 2,
  }
}

const noOperations = (ihl: number): Buffer => Buffer.alloc(4 * (ihl - 5), 1) // IPOPT_NOOP

/** Steering does not look at it, and a stack drops the packet before it could answer (net/ipv4/ip_input.c). */
function breakHeaderChecksum(packet: Buffer): void {
  packet.writeUInt16BE(packet.readUInt16BE(10) ^ 0x5555, 10)
}

/** Ports, room for the rest of a TCP or UDP header, and for the trailer. */
function segment(protocol: number): Buffer {
  const bytes = Buffer.alloc(40)
  bytes.writeUInt16BE(9, 0) // discard
  if (protocol === IPPROTO_TCP) bytes[12] = 5 << 4
  else bytes.writeUInt16BE(bytes.length, 4)
  return bytes
}

function errorAbout(
  protocol: number,
  quotedSource: string,
  error: NonNullable<Variant['icmpError']>,
): Buffer {
  const options = noOperations(error.ihl ?? 5)
  const quoted = ipv4({ source: quotedSource, destination: REMOTE_IP, protocol, options }, segment(protocol))
  return icmp({ type: error.type, code: error.code }, quoted)
}

function placeNames(containers: NamespaceRef[]): (location: number) => string {
  const others = new Map([
    [HOST, 'the host'],
    [NOBODY, 'nobody'],
    [REMOTE, 'the remote'],
  ])
  return location => others.get(location) ?? containers[location]?.name ?? `unknown place ${location}`
}
