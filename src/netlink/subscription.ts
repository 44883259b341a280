import { NetlinkOverrunError, NetlinkTruncatedError } from './errors.js'
import { messagesIn, type Message } from './message.js'
import type { Protocol } from './message-type.js'
import { receiveFailure } from './socket.js'
import { traceReply } from './trace.js'
import type { OnEvent, Transport } from './transport.js'

/** A notification, or word that the kernel dropped some because they were not read in time. */
export type Notification = { message: Message } | { overrun: true }

/** Notifications that wait to be read before the kernel is left to queue, and in the end to drop, further ones. */
const HIGH_WATER = 4096
/** SO_RCVBUF of a subscription. */
const RECEIVE_BUFFER = 4 * 1024 * 1024

/**
 * Multicast notifications on a socket of their own, as an async iterator. Closing ends the iterator; leaving a
 * `for await` loop closes. While it is read it keeps the process alive.
 */
export class NetlinkSubscription implements AsyncIterableIterator<Notification> {
  readonly #transport: Transport
  readonly #protocol: Protocol
  readonly #queue: Notification[] = []
  readonly #waiting: { resolve(result: IteratorResult<Notification>): void; reject(error: Error): void }[] =
    []
  #paused = false
  #ended = false
  #failure: Error | undefined

  /** Takes over `transport` and joins `groups` (RTNLGRP_* numbers). `signal` closes it. */
  constructor(transport: Transport, protocol: Protocol, groups: readonly number[], signal?: AbortSignal) {
    this.#transport = transport
    this.#protocol = protocol
    transport.setReceiveBuffer(RECEIVE_BUFFER)
    for (const group of groups) transport.join(group)
    transport.start(this.#onEvent)
    transport.ref()
    if (signal?.aborted) this.close()
    signal?.addEventListener('abort', () => {
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
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  return(): Promise<IteratorResult<Notification>> {
    this.close()
    this.#queue.length = 0
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** Ends the subscription. What has arrived can still be read. */
  close(): void {
    if (this.#ended) return
    this.#ended = true
    this.#transport.close()
    for (const { resolve } of this.#waiting.splice(0)) resolve({ done: true, value: undefined })
  }

  readonly #onEvent: OnEvent = (chunk, _token, _sendErrno, receiveErrno, truncated) => {
    if (this.#ended) return
    try {
      if (chunk) {
        for (const message of messagesIn(chunk)) {
          traceReply(message, this.#protocol)
          this.#push({ message })
        }
      }
    } catch (error) {
      this.#fail(error as Error)
    }
    if (truncated) this.#fail(new NetlinkTruncatedError())
    if (receiveErrno === 0) return
    const failure = receiveFailure(receiveErrno)
    if (failure instanceof NetlinkOverrunError) this.#push({ overrun: true })
    else this.#fail(failure)
  }

  #push(value: Notification): void {
    const waiting = this.#waiting.shift()
    if (waiting) {
      waiting.resolve({ done: false, value })
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
    const waiting = this.#waiting.shift()
    if (waiting) waiting.reject(error)
    else this.#failure = error
    this.close()
  }
}
