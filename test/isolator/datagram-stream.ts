import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { udpSocketIn } from '../helpers/namespace-sockets.js'
import type { NamespaceRef } from '../helpers/topology.js'

/** Datagrams under way at once: fewer than the buffers on the way hold, so that none is lost for want of room. */
const WINDOW = 32

/**
 * A stream of numbered datagrams as fast as they arrive. A datagram that a gap in the filters loses never arrives, and one
 * that reaches the host instead is answered by "port unreachable".
 */
export class DatagramStream {
  sent = 0
  received = 0
  /** "Port unreachable" that came back. */
  refused = 0
  #ending = false

  private constructor(
    readonly client: Socket,
    readonly server: Socket,
  ) {
    server.on('message', () => {
      this.received++
      this.#fill()
    })
    client.on('error', () => this.refused++)
  }

  static async open(
    from: NamespaceRef,
    to: NamespaceRef,
    address: string,
    port: number,
  ): Promise<DatagramStream> {
    const server = await udpSocketIn(to, '0.0.0.0', port)
    const client = await udpSocketIn(from)
    client.connect(port, address)
    await once(client, 'connect')
    const stream = new DatagramStream(client, server)
    stream.#fill()
    return stream
  }

  /** Resolves once further datagrams have arrived. */
  async goesOn(datagrams = WINDOW): Promise<void> {
    const [goal, deadline] = [this.received + datagrams, performance.now() + 5000]
    while (this.received < goal) {
      if (performance.now() > deadline)
        throw new Error(`${this.sent} sent, ${this.received} received, and no more`)
      await sleep(1)
    }
  }

  /** Sends no more, waits for what is under way and gives how many never arrived. */
  async end(): Promise<number> {
    this.#ending = true
    const deadline = performance.now() + 1000
    while (this.received < this.sent && performance.now() < deadline) await sleep(5)
    this.client.close()
    this.server.close()
    return this.sent - this.received
  }

  #fill(): void {
    while (!this.#ending && this.sent - this.received < WINDOW) {
      this.sent++
      this.client.send(`${this.sent}`, error => {
        if (error) this.refused++
      })
    }
  }
}
