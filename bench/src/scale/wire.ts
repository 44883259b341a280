import { NetworkNamespace, RtnetlinkSocket } from '../../../lib/index.js'
import { compile } from '../compile.js'
import { output } from '../output.js'

const MTU = 1500

/** A port as native/wire.c takes it, by IPv6. */
export const byIpv6 = (port: number): string => `6/${port}`

/** The other end of the host's wire: 10.9.0.1 in a namespace of its own; the host is 10.9.0.2 on eth0. With IPv6 2001:db8:9::1 and ::2. */
export class Wire implements AsyncDisposable {
  readonly #netns: NetworkNamespace
  readonly #tool: string

  private constructor(netns: NetworkNamespace, tool: string) {
    this.#netns = netns
    this.#tool = tool
  }

  static async lay({ ipv6 = false } = {}): Promise<Wire> {
    const tool = await compile('wire')
    const netns = await NetworkNamespace.create()
    await using host = await RtnetlinkSocket.open()
    await using remote = await RtnetlinkSocket.open({ netns })
    await host.links.add({
      name: 'eth0',
      kind: 'veth',
      address: '02:00:0a:09:00:02',
      mtu: MTU,
      peer: { name: 'eth0', address: '02:00:0a:09:00:01', netns: { fd: netns.fd } },
    })
    await host.links.change({ dev: 'lo', up: true })
    await host.links.change({ dev: 'eth0', up: true })
    await host.addresses.add({ dev: 'eth0', address: '10.9.0.2', prefixLength: 16 })
    await remote.links.change({ dev: 'eth0', up: true })
    await remote.addresses.add({ dev: 'eth0', address: '10.9.0.1', prefixLength: 16 })
    await host.routes.add({ destination: 'default', gateway: '10.9.0.1', dev: 'eth0' })
    if (ipv6) {
      const prefix = { dev: 'eth0', prefixLength: 64, nodad: true }
      await host.addresses.add({ ...prefix, address: '2001:db8:9::2' })
      await remote.addresses.add({ ...prefix, address: '2001:db8:9::1' })
      await host.routes.add({ destination: 'default', gateway: '2001:db8:9::1', dev: 'eth0' })
    }
    // As Mesos asks operators to: the rest is for containers.
    const own = NetworkNamespace.current()
    await own.writeSysctl('net.ipv4.ip_local_port_range', '63936 65535')
    own.close()
    return new Wire(netns, tool)
  }

  /** CPU time per packet to each port, or {@link byIpv6}, in ns: per port, one number for each of `rounds` alternated bursts. */
  async cost(
    ports: readonly (number | string)[],
    rounds: number,
    framesPerBurst: number,
  ): Promise<number[][]> {
    const samples = JSON.parse(await this.#run('cost', 'eth0', rounds, framesPerBurst, ...ports)) as number[]
    return ports.map((_, i) => samples.slice(i * rounds, (i + 1) * rounds))
  }

  /** How many answers one ARP request for the host's address and one ping of it get. */
  async answers(): Promise<{ arp: number; ping: number }> {
    const [arp = NaN, ping = NaN] = JSON.parse(await this.#run('answers', 'eth0')) as number[]
    return { arp, ping }
  }

  #run(...args: (string | number)[]): Promise<string> {
    const netns = `/proc/${process.pid}/fd/${this.#netns.fd}`
    return output('nsenter', [`--net=${netns}`, this.#tool, ...args.map(String)])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using host = await RtnetlinkSocket.open()
    await host.links.delete('eth0')
    this.#netns.close()
  }
}
