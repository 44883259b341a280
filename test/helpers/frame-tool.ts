import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { getSystemErrorName } from 'node:util'
import { buildTool } from './build-tool.js'
import { FrameSocket } from './frame-socket.js'
import { ETH_P_ALL } from './packets.js'

// test/tools/frames/frames.h has the protocol.
const OPEN = 1
const SEND = 2
const CLOSE = 3
const SWEEP = 4
const FLUSH = 5

const REPLY = 1

const PACKET = 0
const RAW_IPV4 = 1
const RAW_IPV6 = 2

const OUTGOING = 1
const COUNTED = 2
const VNET_HEADER = 4

export interface PacketSocketOptions {
  /** Path of a network namespace, such as `/run/netns/x` or `/proc/PID/ns/net`. */
  netns: string
  device: string
  /**
   * EtherType to capture; 0 captures nothing. Default: ETH_P_ALL, which sees frames before tc ingress. A single
   * EtherType sees what tc ingress let through to the stack (net/core/dev.c, __netif_receive_skb_core).
   */
  protocol?: number
  /** Capture what the device sends too. Needs ETH_P_ALL. */
  outgoing?: boolean
  /** Frames, sent and captured, start with a struct virtio_net_hdr (PACKET_VNET_HDR): for GSO superframes. */
  vnetHeader?: boolean
}

/** A counting socket, and the number of the place it stands for; places may share a number. */
export interface Receiver {
  socket: FrameSocket
  location: number
}

export interface Sweep {
  sender: FrameSocket
  /** A frame with room for a trailer of 12 bytes at its end. */
  template: Uint8Array
  /** Where in the template each port is written. */
  portOffset: number
  ports: Uint16Array
  receivers: Receiver[]
  /** Frames under way at once. Default: 256. Has to stay below net.core.netdev_max_backlog. */
  burst?: number
  /** Milliseconds without an arrival after which what is missing of a burst counts as lost. Default: 20. */
  quiet?: number
}

export interface SweepResult {
  /** Per port, in the order asked: where its frame arrived first, NOWHERE if it did not. */
  locations: Uint16Array
  /** Arrivals after the first. */
  surplus: { port: number; location: number }[]
}

export const NOWHERE = 0xffff

interface Waiting {
  resolve: (body: Buffer) => void
  reject: (error: Error) => void
  what: string
}

function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  values.forEach((value, i) => bytes.writeUInt32LE(value, 4 * i))
  return bytes
}

/** A process that opens packet and raw sockets inside network namespaces. */
export class FrameTool implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #waiting: Waiting[] = []
  readonly #sockets = new Map<number, FrameSocket>()
  #received: Buffer[] = []
  #receivedLength = 0
  #wanted = 4
  #ended: Error | undefined

  private constructor() {
    this.#process = spawn(buildTool('frames'), { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#process.stdout!.on('data', (chunk: Buffer) => this.#onData(chunk))
    this.#process.stdin!.on('error', error => this.#end(error))
    this.#process.on('error', error => this.#end(error))
    this.#process.on('exit', (code, signal) => this.#end(new Error(`frames ended: ${signal ?? code}`)))
  }

  static async start(): Promise<FrameTool> {
    const tool = new FrameTool()
    await once(tool.#process, 'spawn')
    return tool
  }

  /** An AF_PACKET socket; its captured frames pile up until taken. */
  async packetSocket(options: PacketSocketOptions): Promise<FrameSocket> {
    const { protocol = ETH_P_ALL, outgoing = false, vnetHeader = false } = options
    const flags = (outgoing ? OUTGOING : 0) | (vnetHeader ? VNET_HEADER : 0)
    return this.#open(PACKET, flags, protocol, options.netns, options.device)
  }

  /** An AF_PACKET socket that captures nothing but the frames of sweep(), and only counts them. */
  async countingSocket(
    options: Pick<PacketSocketOptions, 'netns' | 'device' | 'protocol'>,
  ): Promise<FrameSocket> {
    return this.#open(PACKET, COUNTED, options.protocol ?? ETH_P_ALL, options.netns, options.device)
  }

  /** A raw IPv4 socket: what is sent starts with the IP header, and the kernel routes it by its destination. */
  async rawSocket(options: { netns: string; protocol: number }): Promise<FrameSocket> {
    return this.#open(RAW_IPV4, 0, options.protocol, options.netns, '')
  }

  /** A raw IPv6 socket that captures only: what is behind the header of each packet that the namespace is given. */
  async rawSocket6(options: { netns: string; protocol: number }): Promise<FrameSocket> {
    return this.#open(RAW_IPV6, 0, options.protocol, options.netns, '')
  }

  async #open(
    kind: number,
    flags: number,
    protocol: number,
    netns: string,
    device: string,
  ): Promise<FrameSocket> {
    const head = Buffer.from([OPEN, kind, flags, protocol & 0xff, protocol >> 8])
    const body = Buffer.concat([head, Buffer.from(`${netns}\0${device}\0`)])
    const id = (await this.#request(`open ${device} in ${netns}`, body)).readUInt32LE()
    const socket = new FrameSocket(id, {
      send: frames => this.#send(id, frames),
      close: async () => {
        this.#sockets.delete(id)
        await this.#request('close', Buffer.concat([Buffer.from([CLOSE]), u32(id)]))
      },
    })
    this.#sockets.set(id, socket)
    return socket
  }

  async #send(id: number, frames: Uint8Array[]): Promise<void> {
    const parts = frames.flatMap(frame => [u32(frame.length), frame])
    await this.#request(
      `send ${frames.length} frames`,
      Buffer.concat([Buffer.from([SEND]), u32(id), ...parts]),
    )
  }

  /** Sends one frame per port, in bursts that wait for their arrival, and tells where each arrived. */
  async sweep(sweep: Sweep): Promise<SweepResult> {
    const { sender, template, portOffset, ports, receivers, burst = 256, quiet = 20 } = sweep
    const head = Buffer.alloc(9)
    head[0] = SWEEP
    head.writeUInt32LE(sender.id, 1)
    head.writeUInt16LE(portOffset, 5)
    head.writeUInt16LE(burst, 7)
    const receiverBytes = receivers.map(({ socket, location }) => {
      const bytes = Buffer.alloc(6)
      bytes.writeUInt32LE(socket.id, 0)
      bytes.writeUInt16LE(location, 4)
      return bytes
    })
    const portBytes = new Uint8Array(ports.buffer, ports.byteOffset, ports.byteLength)
    const body = await this.#request(
      'sweep',
      Buffer.concat([
        head,
        u32(quiet, ports.length),
        portBytes,
        u32(receivers.length),
        ...receiverBytes,
        template,
      ]),
    )
    const locations = Uint16Array.from(ports, (_, i) => body.readUInt16LE(2 * i))
    const surplus = []
    for (let at = 2 * ports.length; at < body.length; at += 4) {
      surplus.push({ port: body.readUInt16LE(at), location: body.readUInt16LE(at + 2) })
    }
    return { locations, surplus }
  }

  /** Waits until everything that has arrived at any socket by now can be taken from it. */
  async flush(): Promise<void> {
    await this.#request('flush', Buffer.from([FLUSH]))
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const exited = once(this.#process, 'exit')
    this.#process.stdin!.end()
    await exited
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #request(what: string, body: Buffer): Promise<Buffer> {
    if (this.#ended) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject, what })
      this.#process.stdin!.write(u32(body.length))
      this.#process.stdin!.write(body)
    })
  }

  #end(error: Error): void {
    this.#ended ??= error
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }

  #onData(chunk: Buffer): void {
    this.#received.push(chunk)
    this.#receivedLength += chunk.length
    if (this.#receivedLength < this.#wanted) return
    const bytes = Buffer.concat(this.#received)
    let at = 0
    for (;;) {
      if (bytes.length - at < 4) {
        this.#wanted = 4
        break
      }
      const length = bytes.readUInt32LE(at)
      if (bytes.length - at < 4 + length) {
        this.#wanted = 4 + length
        break
      }
      this.#onMessage(bytes.subarray(at + 4, at + 4 + length))
      at += 4 + length
    }
    const rest = bytes.subarray(at)
    this.#received = rest.length > 0 ? [rest] : []
    this.#receivedLength = rest.length
  }

  #onMessage(message: Buffer): void {
    if (message[0] === REPLY) this.#onReply(message.readInt32LE(1), message.subarray(5))
    else this.#onCaptured(message)
  }

  #onReply(errno: number, body: Buffer): void {
    const waiting = this.#waiting.shift()
    if (errno === 0) waiting?.resolve(body)
    else {
      const code = getSystemErrorName(-errno)
      waiting?.reject(Object.assign(new Error(`frames: ${waiting.what}: ${code}`), { code, errno: -errno }))
    }
  }

  #onCaptured(message: Buffer): void {
    const socket = this.#sockets.get(message.readUInt32LE(6))
    socket?.onCaptured(message[1]!, message.readInt32LE(2), Buffer.from(message.subarray(10)))
  }
}
