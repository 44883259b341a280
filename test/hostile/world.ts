import { setTimeout as sleep } from 'node:timers/promises'
import type { CapturedFrame, FrameSocket } from '../helpers/frame-socket.js'
import { FrameTool } from '../helpers/frame-tool.js'
import { ipJson, run } from '../helpers/iproute2.js'
import { ETH_P_ARP } from '../helpers/packets.js'
import { ETH_P_IPV6 } from '../helpers/packets6.js'
import { removeNamespaces, WIRE, type NamespaceRef, type Topology } from '../helpers/topology.js'
import { isFrame, type Check, type FrameCheck, type Origin, type Place, type Verdicts } from './check.js'

export type LayoutName = 'ours' | 'open' | 'classic'

/** A host with two containers on it, `c1` and `c2`, and how a layout calls things. */
export interface Built {
  readonly layout: LayoutName
  readonly topology: Topology
  /** Host ends of the containers' veth pairs. */
  readonly veths: readonly [string, string]
  /** Isolates one more namespace, with one port, as the layout does it. */
  readonly add: (namespace: NamespaceRef, port: number) => Promise<void>
  /** Takes the second container away, as the layout does it. */
  readonly close: () => Promise<void>
}

const ETH_P_LLDP = 0x88cc

/** What the host's stack delivers, whatever socket it is for (raw_local_deliver, net/ipv4/raw.c). */
const RAW_PROTOCOLS = [0, 1, 2, 4, 6, 17, 33, 41, 47, 50, 51, 89, 103, 112, 115, 132, 136, 253].filter(
  protocol => protocol !== 0,
)
/** What enters the host's stack by the veth at all: sockets of one EtherType are behind tc ingress. */
const ENTERS_BY_VETH = [ETH_P_ARP, ETH_P_LLDP]

interface Observer {
  readonly place: Place
  readonly socket: FrameSocket
  /** Captured from the IP header on. */
  readonly raw: boolean
}

/** A layout with eyes and hands everywhere. */
export class World {
  readonly layout: LayoutName
  readonly remote: NamespaceRef
  readonly host: NamespaceRef
  readonly c1: NamespaceRef
  readonly c2: NamespaceRef
  readonly spare: readonly NamespaceRef[]
  readonly veths: readonly [string, string]
  readonly tool: FrameTool
  readonly add: Built['add']
  /** For what is to arrive on ours; elsewhere nobody asks whether it was only slow. */
  readonly patience: { timeout: number }
  #observers: Observer[] = []
  #sent = 0
  readonly #scratch: NamespaceRef[] = []

  private constructor({ layout, topology, veths, add }: Built, tool: FrameTool) {
    const [c1, c2, ...spare] = topology.containers
    this.layout = layout
    this.remote = topology.remote
    this.host = topology.host
    this.c1 = c1!
    this.c2 = c2!
    this.spare = spare
    this.veths = veths
    this.add = add
    this.tool = tool
    this.patience = { timeout: layout === 'ours' ? 5000 : 500 }
  }

  static async of(built: Built): Promise<World> {
    return new World(built, await FrameTool.start())
  }

  close(): Promise<void> {
    return this.tool.close()
  }

  /** One more namespace, which goes with {@link removeScratch}. */
  async scratch(suffix: string): Promise<NamespaceRef> {
    const name = `${this.host.name}${suffix}`
    await run('ip', ['netns', 'add', name])
    const namespace = { name, path: `/run/netns/${name}` }
    this.#scratch.push(namespace)
    return namespace
  }

  /** After the layout is gone. */
  removeScratch(): Promise<void> {
    return removeNamespaces(this.#scratch)
  }

  /** A packet socket on the eth0 of a namespace. */
  eth0(
    { path }: NamespaceRef,
    options: { vnetHeader?: boolean; protocol?: number } = {},
  ): Promise<FrameSocket> {
    return this.tool.packetSocket({ netns: path, device: WIRE, ...options })
  }

  /** Six bytes that no other frame has, and no real MAC address. */
  mark(): Buffer {
    const mark = Buffer.from('02a5c30000b7', 'hex')
    mark.writeUInt16BE(++this.#sent, 3)
    return mark
  }

  /** Sends the frames of all checks, waits once, and tells of each what is wrong with where it arrived. */
  async judge(checks: readonly Check[]): Promise<Verdicts> {
    const verdicts: Verdicts = new Map()
    const sent = checks.filter(isFrame).map(check => ({ check, frame: check.frame(this.mark()) }))
    if (sent.length === 0) return verdicts
    await this.#observe()
    for (const origin of ['remote', 'c1', 'c2'] as const) {
      const frames = sent.filter(({ check }) => check.from === origin).map(({ frame }) => frame)
      if (frames.length > 0) await this.#send(origin, frames)
    }
    const arrivals = await this.#collect(sent)
    await this.#stopObserving()
    sent.forEach(({ check }, i) => verdicts.set(check.id, wrong(check, arrivals[i]!)))
    return verdicts
  }

  async #send(origin: Origin, frames: readonly Buffer[]): Promise<void> {
    const socket = await this.tool.packetSocket({ netns: this[origin].path, device: WIRE, protocol: 0 })
    // One by one: an interface may refuse a frame (of no length, say), which must not keep the rest from going.
    for (const frame of frames) await socket.send(frame).catch(() => undefined)
    await socket.close()
  }

  async #observe(): Promise<void> {
    const { remote, host, c1, c2, tool, veths } = this
    const taps = Object.entries({ wire: remote, c1, c2 }).map(async ([place, namespace]) => ({
      place: place as Place,
      socket: await this.eth0(namespace),
      raw: false,
    }))
    const raws = RAW_PROTOCOLS.map(async protocol => ({
      place: 'host' as const,
      socket: await tool.rawSocket({ netns: host.path, protocol }),
      raw: true,
    }))
    const entering = async (device: string, protocol: number): Promise<Observer> => ({
      place: 'host',
      socket: await tool.packetSocket({ netns: host.path, device, protocol }),
      raw: false,
    })
    // A raw socket of IPv6 shows neither header nor padding, by which frames are recognised.
    const devices = await ipJson<{ ifname: string }>(host.name, 'link show')
    this.#observers = await Promise.all([
      ...taps,
      ...raws,
      ...ENTERS_BY_VETH.map(protocol => entering(veths[0], protocol)),
      ...devices.map(({ ifname }) => entering(ifname, ETH_P_IPV6)),
    ])
  }

  async #stopObserving(): Promise<void> {
    await Promise.all(this.#observers.splice(0).map(({ socket }) => socket.close()))
  }

  /** Waits until all that is to arrive has, or for 3 seconds; and then a moment for what is not to. */
  async #collect(sent: readonly { check: FrameCheck; frame: Buffer }[]): Promise<Record<Place, number>[]> {
    const arrivals = sent.map(() => ({ wire: 0, host: 0, c1: 0, c2: 0 }))
    const deadline = performance.now() + 3000
    let quiet = false
    for (;;) {
      await this.tool.flush()
      for (const { place, socket, raw } of this.#observers) {
        for (const captured of socket.take()) {
          if (captured.type === 'otherhost' && place === 'host') continue
          const i = sent.findIndex(({ frame }) => isSame(frame, captured, raw))
          if (i >= 0) arrivals[i]![place]++
        }
      }
      if (quiet) return arrivals
      quiet = performance.now() > deadline || sent.every(({ check }, i) => !lacks(check, arrivals[i]!))
      await sleep(quiet ? 150 : 20)
    }
  }
}

/** Whether a frame is what was sent, whatever became of its tags, addresses and TTL; not an answer that quotes it. */
function isSame(sent: Buffer, { bytes }: CapturedFrame, raw: boolean): boolean {
  const link = raw ? 14 : 0
  if (sent.length < 50) return bytes.equals(sent.subarray(link))
  const shorter = sent.length - link - bytes.length
  const tail = sent.subarray(-14)
  return shorter >= 0 && shorter <= 12 && shorter % 4 === 0 && bytes.subarray(-14).equals(tail)
}

const lacks = (check: FrameCheck, arrived: Record<Place, number>): boolean =>
  'arrives' in check &&
  Object.entries(check.arrives).some(([place, times]) => arrived[place as Place] < times)

function wrong(check: FrameCheck, arrived: Record<Place, number>): string | undefined {
  if ('never' in check) {
    const places = check.never.filter(place => arrived[place] > 0)
    return places.length > 0 ? `arrives: ${places.join(', ')}` : undefined
  }
  const off = Object.entries(check.arrives).filter(([place, times]) => arrived[place as Place] !== times)
  return off.length > 0
    ? off.map(([place, times]) => `${place}: ${arrived[place as Place]} instead of ${times}`).join(', ')
    : undefined
}
