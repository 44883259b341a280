import type { Socket } from 'node:dgram'
import { setTimeout as sleep } from 'node:timers/promises'
import { udpSocketIn } from '../helpers/namespace-sockets.js'
import type { NamespaceRef } from '../helpers/topology.js'
import { seatOf, type Seat } from './seat.js'

/** Datagrams that are sent before the others get a turn. */
const BURST = 8

/** Somebody who sends to all seats, and looks at who answers. */
export class Client {
  readonly #socket: Socket
  readonly #address: string
  answers = 0
  readonly misdelivered: string[] = []

  private constructor(socket: Socket, address: string, name: string) {
    this.#socket = socket
    this.#address = address
    socket.on('error', () => undefined) // a closed port of the host refuses
    socket.on('message', (message, from) => {
      this.answers++
      const seat = message.toString()
      if (seat !== `${seatOf(from.port)}`)
        this.misdelivered.push(`${name}: the answer from port ${from.port} is by seat ${seat}`)
    })
  }

  static async in(namespace: NamespaceRef, address: string): Promise<Client> {
    return new Client(await udpSocketIn(namespace), address, namespace.name)
  }

  /** Sends until `stopped` says so, then waits for what is under way. */
  async run(seats: readonly Seat[], stopped: () => boolean): Promise<void> {
    for (let i = 0; !stopped(); i++) {
      for (let sent = 0; sent < BURST; sent++) {
        const seat = seats[(i * BURST + sent) % seats.length]
        if (seat) this.#socket.send('?', seat.port(), this.#address, () => undefined)
      }
      await sleep(2)
    }
    await sleep(500)
    this.#socket.close()
  }
}
