import { SystemError } from '../native/system-error.js'
import { DumpInterruptedError, NetlinkClosedError, NetlinkOverrunError, receiveFailure } from './errors.js'
import type { BatchResult, Exchange } from './exchange.js'
import { messageName } from './explain-error.js'
import { messagesIn, type Message, type Request } from './message.js'
import type { DeviceNames, Protocol } from './message-type.js'
import { DUMP_ATTEMPTS, Session } from './session.js'
import { traceReply, traceRequests } from './trace.js'
import type { Transport } from './transport.js'
import type { BatchOptions } from './socket.js'

/** How long an answer may take. The kernel answers within sendmsg, so this only ends a wait for one that was lost. */
const ANSWER_TIMEOUT_MS = 5000

/**
 * NetlinkSocket without promises, for scripts and for the lowest latency: calls block the event loop, and with it the
 * process for as long as another holds the RTNL lock.
 */
export class NetlinkSocketSync implements Disposable {
  readonly #transport: Transport
  readonly #protocol: Protocol
  readonly #session: Session
  #closed = false

  /** Takes over `transport`, also when it throws. Use a protocol's own `open` where there is one. */
  constructor(transport: Transport, protocol: Protocol) {
    this.#transport = transport
    this.#protocol = protocol
    try {
      this.#session = new Session(protocol, transport)
    } catch (error) {
      transport.close()
      throw error
    }
  }

  get devices(): DeviceNames {
    return this.#transport
  }

  get closed(): boolean {
    return this.#closed
  }

  /** As NetlinkSocket.request. */
  request(request: Request<never>): Message[] {
    const [result] = this.batch([request])
    if (result?.error) throw result.error
    return result?.replies ?? []
  }

  /** As NetlinkSocket.batch. */
  batch(
    requests: Iterable<Request<never>>,
    { onError = 'continue' }: Pick<BatchOptions, 'onError'> = {},
  ): BatchResult[] {
    const results: BatchResult[] = []
    let failed = false
    for (const exchange of this.#session.batch(requests)) {
      const part: BatchResult[] =
        failed && onError === 'stop'
          ? exchange.result().map(result => ({ ...result, sent: false }))
          : this.#run(exchange)
      failed ||= part.some(({ error }) => error)
      results.push(...part)
    }
    return results
  }

  /** As NetlinkSocket.dump. */
  dump(request: Request<never>): Message[] {
    let partial: Message[] = []
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      const { messages, interrupted } = this.#run(this.#session.dump(request))
      if (!interrupted) return messages
      partial = messages
    }
    throw new DumpInterruptedError(messageName(this.#protocol, request.type.type), DUMP_ATTEMPTS, partial)
  }

  close(): void {
    this.#closed = true
    this.#transport.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #run<T>(exchange: Exchange<T>): T {
    if (this.#closed) throw new NetlinkClosedError()
    const bytes = exchange.requests.finish()
    traceRequests(bytes, this.#protocol, this.#transport)
    let chunk = this.#receiving(() => this.#transport.exchangeSync(bytes, ANSWER_TIMEOUT_MS))
    for (;;) {
      for (const message of messagesIn(chunk)) {
        traceReply(message, this.#protocol)
        if (exchange.owns(message.sequence)) exchange.accept(message)
      }
      if (exchange.done) return exchange.result()
      chunk = this.#receiving(() => this.#transport.receiveSync(ANSWER_TIMEOUT_MS))
    }
  }

  /** Gives a failed receive the same error as the asynchronous form. */
  #receiving<T>(receive: () => T): T {
    try {
      return receive()
    } catch (error) {
      if (!(error instanceof SystemError) || error.syscall !== 'recvmsg') throw error
      const failure = receiveFailure(error.errno)
      if (failure instanceof NetlinkOverrunError) this.#drain()
      throw failure
    }
  }

  /**
   * Reads what is left and drops it: an overrun lasts until the queue is empty, and the kernel would drop the answers to
   * further requests without a word (netlink_overrun and netlink_rcv_wake in net/netlink/af_netlink.c).
   */
  #drain(): void {
    try {
      for (;;) this.#transport.receiveSync(0)
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
    }
  }
}
