import { abortSignal, argument, list, optional, whole } from '../input/index.js'
import { whenAborted } from './abortable.js'
import { NetlinkOverrunError, NetlinkTruncatedError, receiveFailure } from './errors.js'
import { messagesIn, type Message } from './message.js'
import { protocolInput, type Protocol } from './message-type.js'
import { traceReply } from './trace.js'
import { transportInput, type OnEvent, type Transport } from './transport.js'

/**
 * A notification; or that the kernel dropped some, because they were not read in time (`overrun`, ENOBUFS); or that one
 * was larger than the receive buffer and is lost (`truncated`, EMSGSIZE). After either of these, what is known of the
 * kernel's tables has to be read anew. Further notifications follow.
 */
export type Notification = { message: Message } | { overrun: true } | { truncated: true }

/** Notifications that wait to be read before the kernel is left to queue, and in the end to drop, further ones. */
const HIGH_WATER = 4096
/** SO_RCVBUF of a subscription. */
const RECEIVE_BUFFER = 4 * 1024 * 1024

const checkTransport = argument('new NetlinkSubscription', 'transport', transportInput)
const checkProtocol = argument('new NetlinkSubscription', 'protocol', protocolInput)
const checkGroups = argument(
  'new NetlinkSubscription',
  'groups',
  list(whole(1), 'a list of multicast groups'),
)
const checkSignal = argument('new NetlinkSubscription', 'signal', optional(abortSignal))

interface Reader {
  resolve: (result: IteratorResult<Notification>) => void
  reject: (error: Error) => void
}

const END: IteratorResult<Notification> = { done: true, value: undefined }

/**
 * Multicast notifications on a socket of their own, as an async iterator. Closing ends the iterator; leaving a
 * `for await` loop closes. It keeps the process alive until it is closed.
 */
export class NetlinkSubscription implements AsyncIterableIterator<Notification>, AsyncDisposable {
  readonly #transport: Transport
  readonly #protocol: Protocol
  readonly #stopWaiting: (() => void) | undefined
  readonly #queue: Notification[] = []
  readonly #readers: Reader[] = []
  #paused = false
  #ended = false
  #failure: Error | undefined

  /**
   * Takes over `transport`, also when it throws, and joins `groups` (RTNLGRP_* numbers). `signal` closes it. Throws
   * SystemError for a group that the kernel does not have (`ENOENT`) or does not grant (`EPERM`).
   */
  constructor(transport: Transport, protocol: Protocol, groups: readonly number[], signal?: AbortSignal) {
    checkTransport(transport)
    this.#transport = transport
    this.#protocol = protocol
    try {
      checkProtocol(protocol)
      checkGroups(groups)
      checkSignal(signal)
      transport.setReceiveBuffer(RECEIVE_BUFFER)
      for (const group of groups) transport.join(group)
      transport.start(this.#onEvent)
      transport.ref()
    } catch (error) {
      transport.close()
      throw error
    }
    if (signal)
      this.#stopWaiting = whenAborted(signal, () => {
        this.close()
      })
  }

  /** The next notification. Rejects once if receiving failed; ends after that and after `close`. */
  next(): Promise<IteratorResult<Notification>> {
    const value = this.#queue.shift()
    if (value) {
      this.#resumeWhenRead()
      return Promise.resolve({ done: false, value })
    }
    if (this.#failure) {
      const failure = this.#failure
      this.#failure = undefined
      return Promise.reject(failure)
    }
    if (this.#ended) return Promise.resolve(END)
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }))
  }

  /** Closes, and drops what has not been read. */
  return(): Promise<IteratorResult<Notification>> {
    this.close()
    this.#queue.length = 0
    this.#failure = undefined
    return Promise.resolve(END)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  get closed(): boolean {
    return this.#ended
  }

  /** Ends the subscription. What has arrived can still be read. */
  close(): void {
    this.#ended = true
    this.#stopWaiting?.()
    this.#transport.close()
    for (const { resolve } of this.#readers.splice(0)) resolve(END)
  }

  /** Closes, and resolves when the kernel has its file descriptors back: a moment later. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.#transport[Symbol.asyncDispose]?.()
  }

  readonly #onEvent: OnEvent = (chunk, _token, _sendErrno, receiveErrno) => {
    try {
      if (chunk) this.#onChunk(chunk)
      if (receiveErrno !== 0) this.#onReceiveFailure(receiveFailure(receiveErrno))
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  #onChunk(chunk: Uint8Array): void {
    for (const message of messagesIn(chunk)) {
      traceReply(message, this.#protocol)
      this.#push({ message })
    }
  }

  #onReceiveFailure(error: Error): void {
    if (error instanceof NetlinkOverrunError) this.#push({ overrun: true })
    else if (error instanceof NetlinkTruncatedError) this.#push({ truncated: true })
    else throw error
  }

  #push(value: Notification): void {
    const reader = this.#readers.shift()
    if (reader) {
      reader.resolve({ done: false, value })
      return
    }
    this.#queue.push(value)
    if (this.#queue.length >= HIGH_WATER && !this.#paused) {
      this.#paused = true
      this.#transport.pause()
    }
  }

  #resumeWhenRead(): void {
    if (!this.#paused || this.#queue.length > HIGH_WATER / 2 || this.#ended) return
    this.#paused = false
    this.#transport.resume()
  }

  #fail(error: Error): void {
    const reader = this.#readers.shift()
    if (reader) reader.reject(error)
    else this.#failure = error
    this.close()
  }
}
