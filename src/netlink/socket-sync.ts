import { argument, optional } from '../input/index.js'
import { calledFrom, callSite } from '../native/call-site.js'
import { SystemError } from '../native/system-error.js'
import { batchInputSync, dumpInputSync, type BatchOptionsSync, type DumpOptionsSync } from './call-options.js'
import {
  DumpInterruptedError,
  DumpTooLargeError,
  NetlinkClosedError,
  NetlinkOverrunError,
  receiveFailure,
} from './errors.js'
import type { BatchResult, Exchange } from './exchange.js'
import { messageName } from './explain-error.js'
import { messageAt, requestsInput, type Message, type Request } from './message.js'
import { protocolInput, type DeviceNames, type Protocol } from './message-type.js'
import { DUMP_ATTEMPTS, Session } from './session.js'
import { traceReply, traceRequests, tracesReplies } from './trace.js'
import { transportInput, type Transport } from './transport.js'

const checkTransport = argument('new NetlinkSocketSync', 'transport', transportInput)
const checkProtocol = argument('new NetlinkSocketSync', 'protocol', protocolInput)
const checkRequests = argument('NetlinkSocketSync.batch', 'requests', requestsInput)
const checkBatch = argument('NetlinkSocketSync.batch', 'options', optional(batchInputSync))
const checkDump = argument('NetlinkSocketSync.dump', 'options', optional(dumpInputSync))

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
  /** What was received last, and the view of it, which serves again where the transport gives the same. */
  #chunk: Uint8Array | undefined
  #view: DataView = new DataView(new ArrayBuffer(0))

  /** Takes over `transport`, also when it throws. Use a protocol's own `open` where there is one. */
  constructor(transport: Transport, protocol: Protocol) {
    checkTransport(transport)
    this.#transport = transport
    this.#protocol = protocol
    try {
      checkProtocol(protocol)
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
  request(request: Request<never>): readonly Message[] {
    return this.#run(this.#session.single(request))
  }

  /** As NetlinkSocket.batch. */
  batch(requests: Iterable<Request<never>>, options?: BatchOptionsSync): BatchResult[] {
    checkRequests(requests)
    checkBatch(options)
    const { onError = 'continue' } = options ?? {}
    const exchanges = this.#session.batch(requests)
    const [first] = exchanges
    if (first && exchanges.length === 1) return this.#run(first)
    const results: BatchResult[] = []
    let failed = false
    for (const exchange of exchanges) {
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
  dump(request: Request<never>, options?: DumpOptionsSync): Message[] {
    checkDump(options)
    const { maxMessages = Infinity } = options ?? {}
    const name = messageName(this.#protocol, request.type.type)
    let partial: Message[] = []
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      const { messages, interrupted, tooLarge } = this.#run(this.#session.dump(request, maxMessages))
      if (tooLarge) throw new DumpTooLargeError(name, maxMessages)
      if (!interrupted) return messages
      partial = messages
    }
    throw new DumpInterruptedError(name, DUMP_ATTEMPTS, partial)
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
    this.#take(this.#receive(bytes), exchange)
    while (!exchange.done) this.#take(this.#receive(), exchange)
    this.#session.release(exchange)
    if (exchange.errors.length > 0) {
      // Without our own frames: those of the caller would be beyond Error.stackTraceLimit.
      const site = callSite()
      for (const error of exchange.errors) calledFrom(error, site)
    }
    return exchange.result()
  }

  #take(chunk: Uint8Array, exchange: Exchange<unknown>): void {
    if (chunk !== this.#chunk) {
      this.#chunk = chunk
      this.#view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length)
    }
    if (!tracesReplies() && exchange.acceptBare(this.#view)) return
    // A copy: the transport uses its buffer again, and messages that are kept point into what they were received with.
    const view = new DataView(new Uint8Array(chunk).buffer)
    for (let message = messageAt(view, 0); message; message = messageAt(view, message.next)) {
      traceReply(message, this.#protocol)
      if (exchange.owns(message.sequence)) exchange.accept(message)
    }
  }

  /** Sends `bytes`, if any, and receives. Gives a failed receive the same error as the asynchronous form. */
  #receive(bytes?: Uint8Array): Uint8Array {
    try {
      return bytes
        ? this.#transport.exchangeSync(bytes, ANSWER_TIMEOUT_MS)
        : this.#transport.receiveSync(ANSWER_TIMEOUT_MS)
    } catch (error) {
      if (!(error instanceof SystemError) || error.syscall !== 'recvfrom') throw error
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
