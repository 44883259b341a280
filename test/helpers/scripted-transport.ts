import type { OnEvent, Transport } from '../../src/netlink/transport.js'
import { split } from './netlink-bytes.js'

export interface Event {
  chunk?: Uint8Array
  token?: number
  sendErrno?: number
  receiveErrno?: number
}

export interface ScriptedTransportOptions {
  /** What the kernel answers to one message; without it nothing is answered until `deliver`. */
  answer?: (message: Uint8Array) => Uint8Array[]
  /** Devices by name. */
  devices?: Record<string, number>
  /** Sizes that the kernel grants. */
  sendBuffer?: number
  receiveBuffer?: number
  /** Errors of methods, by name, thrown each time. */
  failures?: Partial<
    Record<'setSendBuffer' | 'join' | 'start' | 'send' | 'exchangeSync' | 'receiveSync', Error>
  >
}

/** A netlink socket without a kernel: keeps what is sent, and delivers what a test says. */
export class ScriptedTransport implements Transport {
  readonly sent: { bytes: Uint8Array; token: number }[] = []
  readonly groups = new Set<number>()
  /** Chunks that `receiveSync` gives, in order. */
  readonly received: Uint8Array[] = []
  referenced = false
  paused = false
  closed = false
  readonly #options: ScriptedTransportOptions
  #onEvent: OnEvent | undefined

  constructor(options: ScriptedTransportOptions = {}) {
    this.#options = options
  }

  /** The messages sent so far, one by one. */
  get messages(): Uint8Array[] {
    return this.sent.flatMap(({ bytes }) => split(bytes))
  }

  setReceiveBuffer(bytes: number): number {
    return this.#options.receiveBuffer ?? 2 * bytes
  }

  setSendBuffer(bytes: number): number {
    this.#fail('setSendBuffer')
    return this.#options.sendBuffer ?? 2 * bytes
  }

  join(group: number): void {
    this.#fail('join')
    this.groups.add(group)
  }

  leave(group: number): void {
    this.groups.delete(group)
  }

  start(onEvent: OnEvent): void {
    this.#fail('start')
    this.#onEvent = onEvent
  }

  send(bytes: Uint8Array, token: number): void {
    this.#fail('send')
    this.sent.push({ bytes: Uint8Array.from(bytes), token })
    const { answer } = this.#options
    if (!answer) return
    setImmediate(() => {
      if (!this.closed) this.deliver({ token, chunk: Buffer.concat(split(bytes).flatMap(answer)) })
    })
  }

  /** What one turn of the I/O thread brings. */
  deliver({ chunk, token = 0, sendErrno = 0, receiveErrno = 0 }: Event): void {
    if (this.closed) throw new Error('an event after close')
    this.#onEvent?.(chunk, token, sendErrno, receiveErrno)
  }

  exchangeSync(bytes: Uint8Array): Uint8Array {
    this.#fail('exchangeSync')
    this.sent.push({ bytes: Uint8Array.from(bytes), token: 0 })
    return Buffer.concat(split(bytes).flatMap(this.#options.answer ?? (() => [])))
  }

  receiveSync(): Uint8Array {
    const chunk = this.received.shift()
    if (chunk) return chunk
    this.#fail('receiveSync')
    throw new Error('nothing more was scripted')
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }

  ref(): void {
    this.referenced = true
  }

  unref(): void {
    this.referenced = false
  }

  close(): void {
    this.closed = true
    this.referenced = false
  }

  interfaceIndex(name: string): number {
    return this.#options.devices?.[name] ?? 0
  }

  interfaceName(index: number): string | undefined {
    return Object.entries(this.#options.devices ?? {}).find(([, known]) => known === index)?.[0]
  }

  #fail(method: keyof NonNullable<ScriptedTransportOptions['failures']>): void {
    const failure = this.#options.failures?.[method]
    if (failure) throw failure
  }
}
