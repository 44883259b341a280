/** What a frame was to the interface: PACKET_HOST … PACKET_OUTGOING (linux/if_packet.h). */
const PACKET_TYPES = ['host', 'broadcast', 'multicast', 'otherhost', 'outgoing'] as const

export interface CapturedFrame {
  type: (typeof PACKET_TYPES)[number] | undefined
  /** The VLAN tag's TCI, which the kernel takes out of the frame; undefined without a tag. */
  vlan: number | undefined
  /** From the Ethernet header on; from the IP header on for a raw IPv4 socket, from behind it for one of IPv6. */
  bytes: Buffer
}

export interface SocketOperations {
  send: (frames: Uint8Array[]) => Promise<void>
  close: () => Promise<void>
}

/** A packet or raw socket that lives in the process of a FrameTool. */
export class FrameSocket {
  /** The tool's number for this socket. */
  readonly id: number
  /** Whoever waits in next() is called at each frame. */
  readonly #listeners = new Set<() => void>()
  readonly #operations: SocketOperations
  readonly #captured: CapturedFrame[] = []

  constructor(id: number, operations: SocketOperations) {
    this.id = id
    this.#operations = operations
  }

  /** Sends the frames in order; rejects with the system error's `code` at the first that fails. */
  send(...frames: Uint8Array[]): Promise<void> {
    return this.#operations.send(frames)
  }

  /** The frames captured so far, which are then forgotten. */
  take(): CapturedFrame[] {
    return this.#captured.splice(0)
  }

  /** Takes the first frame that matches, waiting for it up to `timeout` ms; the others stay. */
  async next(matches: (frame: CapturedFrame) => boolean, timeout = 400): Promise<CapturedFrame | undefined> {
    const deadline = performance.now() + timeout
    for (;;) {
      const found = this.#captured.findIndex(matches)
      if (found >= 0) return this.#captured.splice(found, 1)[0]
      const left = deadline - performance.now()
      if (left <= 0) return undefined
      await this.#somethingNew(left)
    }
  }

  close(): Promise<void> {
    return this.#operations.close()
  }

  /** For the tool: a frame has come in. `tci` is -1 without a VLAN tag. */
  onCaptured(type: number, tci: number, bytes: Buffer): void {
    this.#captured.push({ type: PACKET_TYPES[type], vlan: tci < 0 ? undefined : tci, bytes })
    for (const listener of [...this.#listeners]) listener()
  }

  #somethingNew(timeout: number): Promise<void> {
    return new Promise(resolve => {
      const done = (): void => {
        clearTimeout(timer)
        this.#listeners.delete(done)
        resolve()
      }
      const timer = setTimeout(done, timeout)
      this.#listeners.add(done)
    })
  }
}
