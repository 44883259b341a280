import { NativeSocket } from '../../src/native/native-socket.js'
import { split } from './netlink-bytes.js'

/** What goes wrong: the kernel refuses one message, its answers to one sendmsg get lost, or that is not sent at all. */
export type Fault = 'refused' | 'lost' | 'unsent'

/** No message of any family (linux/rtnetlink.h, linux/sock_diag.h). */
const NO_SUCH_TYPE = 0x3ff
const ENOBUFS = -105

/** One sendmsg: how many messages it had, after how many of earlier ones. */
export interface Sent {
  readonly first: number
  readonly messages: number
  readonly bytes: number
}

interface Failing {
  fault: Fault
  /** Which message, or which sendmsg of those that are left or lost, from 0. */
  at: number
}

/** Counts what goes out by all netlink sockets of this process, and has one of them fail. */
export class SocketFaults {
  #failing: Failing | undefined
  #sent: Sent[] = []
  #lost: number | undefined
  /** Is called at the fault. */
  #then: () => void = () => undefined
  // eslint-disable-next-line @typescript-eslint/unbound-method -- is called with the socket
  readonly #send = NativeSocket.prototype.send
  // eslint-disable-next-line @typescript-eslint/unbound-method -- likewise
  readonly #start = NativeSocket.prototype.start
  // eslint-disable-next-line @typescript-eslint/unbound-method -- likewise
  readonly #setSendBuffer = NativeSocket.prototype.setSendBuffer

  /** @param partBytes what one sendmsg has room for; default: what the kernel has */
  constructor(partBytes?: number) {
    if (partBytes !== undefined) NativeSocket.prototype.setSendBuffer = () => partBytes
    const [send, start] = [this.#send, this.#start]
    const strikes = this.#strikes.bind(this)
    const isLost = (token: number): boolean => token !== 0 && token === this.#lost
    const onEvents = new WeakMap<NativeSocket, Parameters<NativeSocket['start']>[0]>()
    NativeSocket.prototype.start = function (onEvent) {
      onEvents.set(this, onEvent)
      start.call(this, (chunk, token, sendErrno, receiveErrno) => {
        if (isLost(token)) onEvent(undefined, token, 0, ENOBUFS)
        else onEvent(chunk, token, sendErrno, receiveErrno)
      })
    }
    NativeSocket.prototype.send = function (bytes, token) {
      if (!strikes(bytes, token)) send.call(this, bytes, token)
      else setImmediate(() => onEvents.get(this)?.(undefined, token, ENOBUFS, 0))
    }
  }

  /** Runs `work` with a fault, or none. Tells what went out. */
  async during(
    failing: Failing | undefined,
    work: () => Promise<unknown>,
    then: () => void = () => undefined,
  ): Promise<{ sent: readonly Sent[]; error: unknown }> {
    this.#failing = failing ?? { fault: 'refused', at: -1 }
    this.#then = then
    this.#sent = []
    this.#lost = undefined
    const error: unknown = await work().then(
      () => undefined,
      (error: unknown) => error,
    )
    this.#failing = undefined
    return { sent: this.#sent, error }
  }

  /** Sockets are what they were. */
  restore(): void {
    NativeSocket.prototype.send = this.#send
    NativeSocket.prototype.start = this.#start
    NativeSocket.prototype.setSendBuffer = this.#setSendBuffer
  }

  /** Whether these bytes are not to be sent. */
  #strikes(bytes: Uint8Array, token: number): boolean {
    if (!this.#failing) return false
    const { fault, at } = this.#failing
    const messages = split(bytes)
    const last = this.#sent.at(-1)
    const [part, first] = [this.#sent.length, last ? last.first + last.messages : 0]
    this.#sent.push({ first, messages: messages.length, bytes: bytes.length })
    const here = fault === 'refused' ? at >= first && at < first + messages.length : part === at
    if (!here) return false
    this.#then()
    if (fault === 'unsent') return true
    if (fault === 'lost') this.#lost = token
    else refuse(bytes, at - first)
    return false
  }
}

/** Has the kernel refuse the n-th message of a buffer, whatever it says. */
function refuse(bytes: Uint8Array, n: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  for (let i = 0; i < n; i++) at += (view.getUint32(at, true) + 3) & ~3
  view.setUint16(at + 4, NO_SUCH_TYPE, true)
}
