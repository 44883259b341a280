import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { tcpServerIn, tcpSocketIn } from '../helpers/namespace-sockets.js'
import { tcJson } from '../helpers/iproute2.js'
import { HOST_IP, type NamespaceRef } from '../helpers/topology.js'
import { SockDiagSocket } from '../../src/sock-diag/index.js'
import { needsIsolation, twoContainers } from './isolated-topology.js'

const KEPT = 31_000
const UPDATES = 200

/** The block of the kept port alone, as part of larger ones, beside others: split and joined at every step. */
const SETS = ['31000-31007', '31000', '31000-31001,31400-31499', '30998-31003,31300-31331', '31000-31005']

/** Bytes under way at once: fewer than any queue on the way holds. */
const WINDOW = 65_536
const CHUNK = 4096

/** Keeps a window of numbered words on the way to an echo server and checks each as it comes back. */
class NumberedStream {
  sent = 0
  received = 0
  /** The first word that was not the expected one. */
  wrong: string | undefined
  readonly #socket: Socket
  #ending = false
  #rest = Buffer.alloc(0)

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', chunk => this.#onData(chunk))
    this.#fill()
  }

  /** Sends no more, and waits until everything has come back. */
  async end(): Promise<void> {
    this.#ending = true
    const deadline = performance.now() + 20_000
    while (this.received < this.sent && performance.now() < deadline) await sleep(20)
  }

  #fill(): void {
    while (!this.#ending && this.sent - this.received + CHUNK <= WINDOW) {
      const words = Uint32Array.from({ length: CHUNK / 4 }, (_, i) => this.sent / 4 + i)
      this.#socket.write(new Uint8Array(words.buffer))
      this.sent += CHUNK
    }
  }

  #onData(chunk: Buffer): void {
    const bytes = Buffer.concat([this.#rest, chunk])
    const whole = bytes.length - (bytes.length % 4)
    const first = (this.received - this.#rest.length) / 4
    for (let at = 0; at < whole; at += 4) {
      const word = bytes.readUInt32LE(at)
      if (word !== (first + at / 4) >>> 0) this.wrong ??= `${word} for ${first + at / 4}`
    }
    this.#rest = bytes.subarray(whole)
    this.received += chunk.length
    this.#fill()
  }
}

/** Packets that the filters on a device's ingress dropped. */
async function dropped({ name }: NamespaceRef, dev: string): Promise<number | undefined> {
  const qdiscs = await tcJson<{ kind: string; drops: number }>(name, `-s qdisc show dev ${dev}`)
  return qdiscs.find(({ kind }) => kind === 'ingress' || kind === 'clsact')?.drops
}

t.test(`a TCP stream loses nothing in ${UPDATES} updates`, needsIsolation(), async t => {
  const { remote, host, isolator, c1 } = await twoContainers(t, { ports: '30900-31999' })
  const server = await tcpServerIn(c1, '0.0.0.0', KEPT)
  t.teardown(() => server.close())
  server.on('connection', socket => socket.pipe(socket).on('error', () => undefined))
  const client = tcpSocketIn(remote)
  t.teardown(() => client.destroy())
  client.connect(KEPT, HOST_IP)
  await once(client, 'connect')
  let closed = false
  client.once('close', () => (closed = true))

  const stream = new NumberedStream(client)
  let still = 0
  for (let i = 0; i < UPDATES; i++) {
    const before = stream.received
    await isolator.update('web-1', { ports: SETS[i % SETS.length]! })
    if (stream.received === before) still++
  }
  await stream.end()

  t.notOk(closed)
  t.equal(stream.received, stream.sent, 'everything came back')
  t.equal(stream.wrong, undefined, 'in order')
  t.ok(stream.received > UPDATES * CHUNK, `${stream.received} bytes while it was updated`)
  t.equal(await dropped(host, c1.info.link), 0, 'no filter dropped a packet')
  await using diag = await SockDiagSocket.open({ netns: remote.path })
  const [socket] = await diag.list({ remotePort: KEPT, details: true })
  t.comment(`${socket?.tcpInfo?.totalRetrans} retransmissions; no byte came in ${still} of the updates`)
})
