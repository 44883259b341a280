import { argument, optional } from '../input/index.js'
import { calledFrom, callSite, takeCallSite, type CallSite } from '../native/call-site.js'
import { SystemError } from '../native/system-error.js'
import { abortable } from './abortable.js'
import {
  batchInput,
  callInput,
  dumpInput,
  type BatchOptions,
  type CallOptions,
  type DumpOptions,
} from './call-options.js'
import {
  DumpInterruptedError,
  DumpTooLargeError,
  NetlinkClosedError,
  NetlinkOverrunError,
  NetlinkTruncatedError,
  receiveFailure,
} from './errors.js'
import type { BatchResult, DumpResult, Exchange } from './exchange.js'
import { messageAt, requestsInput, type Message, type Request } from './message.js'
import { messageName } from './explain-error.js'
import { protocolInput, type DeviceNames, type Protocol } from './message-type.js'
import { DUMP_ATTEMPTS, Session } from './session.js'
import { traceReply, traceRequests } from './trace.js'
import { transportInput, type OnEvent, type Transport } from './transport.js'

const checkTransport = argument('new NetlinkSocket', 'transport', transportInput)
const checkProtocol = argument('new NetlinkSocket', 'protocol', protocolInput)
const checkRequest = argument('NetlinkSocket.request', 'options', optional(callInput))
const checkRequests = argument('NetlinkSocket.batch', 'requests', requestsInput)
const checkBatch = argument('NetlinkSocket.batch', 'options', optional(batchInput))
const checkDump = argument('NetlinkSocket.dump', 'options', optional(dumpInput))

interface Pending {
  exchange: Exchange<unknown>
  /** Ends the wait for the answers. */
  settle(error?: Error): void
}

/** Lets the event loop do what else is due. */
const nextTurn = (): Promise<void> =>
  new Promise(resolve => {
    setImmediate(resolve)
  })

/** Messages decoded between two turns of the event loop while a dump is read: a link, the largest, takes 35 us. */
const MESSAGES_PER_TURN = 32

/**
 * A netlink socket with its own I/O thread: no call blocks the event loop or occupies libuv's thread pool, however long
 * the kernel waits for the RTNL lock. It keeps the process alive only while calls are under way.
 */
export class NetlinkSocket implements AsyncDisposable {
  readonly #transport: Transport
  readonly #protocol: Protocol
  readonly #session: Session
  readonly #pending = new Set<Pending>()
  #dumps: Promise<unknown> = Promise.resolve()
  #closed = false

  /** Takes over `transport`, also when it throws. Use a protocol's own `open` where there is one. */
  constructor(transport: Transport, protocol: Protocol) {
    checkTransport(transport)
    this.#transport = transport
    this.#protocol = protocol
    try {
      checkProtocol(protocol)
      this.#session = new Session(protocol, transport)
      transport.start(this.#onEvent)
    } catch (error) {
      transport.close()
      throw error
    }
  }

  /** Device names in the network namespace of this socket. */
  get devices(): DeviceNames {
    return this.#transport
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Sends one request and gives the messages it is answered with, none for most. Throws NetlinkError. */
  async request(request: Request<never>, options?: CallOptions): Promise<readonly Message[]> {
    checkRequest(options)
    const signal = options?.signal
    signal?.throwIfAborted()
    this.#throwIfClosed()
    return await abortable(this.#runCalled(this.#session.single(request)), signal)
  }

  /**
   * Sends many requests in one sendmsg, in parts only beyond 128 KiB. The kernel carries out each on its own and does
   * not stop at an error; the result says what became of each, in order. Throws only where that is unknown.
   *
   * It is meant for requests that are answered with an error at most: all answers have to fit the receive buffer.
   * Thousands of objects are better read by `dump`.
   */
  async batch(requests: Iterable<Request<never>>, options?: BatchOptions): Promise<BatchResult[]> {
    checkRequests(requests)
    checkBatch(options)
    const { onError = 'continue', signal } = options ?? {}
    signal?.throwIfAborted()
    this.#throwIfClosed()
    const exchanges = this.#session.batch(requests)
    const [first] = exchanges
    if (first && exchanges.length === 1) return await abortable(this.#runCalled(first), signal)
    const site = callSite()
    const results: BatchResult[] = []
    let failed = false
    for (const exchange of exchanges) {
      signal?.throwIfAborted()
      if (failed && onError === 'stop') {
        results.push(...exchange.result().map(result => ({ ...result, sent: false })))
        continue
      }
      const part = await abortable(this.#run(exchange, site), signal)
      failed ||= part.some(({ error }) => error)
      results.push(...part)
    }
    return results
  }

  /**
   * Reads a whole table. A dump that a change interrupts is repeated, up to 10 times; then DumpInterruptedError is
   * thrown, its `partial` the messages of the last try. One dump runs at a time, others wait for it, also for one that
   * nobody waits for any more: the kernel sends it to its end, unless the socket is closed.
   */
  async *dump(request: Request<never>, options?: DumpOptions): AsyncGenerator<Message, void, undefined> {
    checkDump(options)
    const { signal, maxMessages } = options ?? {}
    this.#throwIfClosed()
    const site = callSite()
    const dump = this.#dumps.then(() => this.#dumpWhole(request, site, signal, maxMessages))
    this.#dumps = dump.catch(() => undefined)
    let count = 0
    for (const message of await abortable(dump, signal)) {
      yield message
      if (++count % MESSAGES_PER_TURN !== 0) continue
      await nextTurn()
      signal?.throwIfAborted()
    }
  }

  /** Closes the socket. What is under way is rejected with NetlinkClosedError; what was sent is still carried out. */
  close(): void {
    this.#end(() => new NetlinkClosedError())
  }

  /**
   * Closes, and resolves when the kernel has its file descriptors back: a moment later, or when the request that it is carrying
   * out is done.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.#transport[Symbol.asyncDispose]?.()
  }

  #end(reason: () => Error): void {
    this.#closed = true
    this.#transport.close()
    this.#rejectAll(reason)
  }

  async #dumpWhole(
    request: Request<never>,
    site: CallSite,
    signal: AbortSignal | undefined,
    maxMessages = Infinity,
  ): Promise<Message[]> {
    const name = messageName(this.#protocol, request.type.type)
    let dumped: DumpResult | undefined
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      signal?.throwIfAborted()
      dumped = await this.#run(this.#session.dump(request, maxMessages), site)
      if (dumped.tooLarge) throw new DumpTooLargeError(name, maxMessages)
      if (!dumped.interrupted) return dumped.messages
    }
    throw new DumpInterruptedError(name, DUMP_ATTEMPTS, dumped?.messages ?? [])
  }

  /** Runs the exchange of the call under way. Where that was made is noted while the I/O thread wakes up: it takes as long. */
  #runCalled<T>(exchange: Exchange<T>): Promise<T> {
    const site: CallSite = {}
    const result = this.#run(exchange, site)
    takeCallSite(site, this.#runCalled)
    return result
  }

  /**
   * Sends the requests of an exchange and gives its result, once the last answer is there. Errors have the stack of the
   * call: those that are thrown, and those of single messages.
   */
  #run<T>(exchange: Exchange<T>, site: CallSite): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (failure?: Error): void => {
        this.#pending.delete(pending)
        this.#session.release(exchange)
        if (this.#pending.size === 0) this.#transport.unref()
        for (const error of exchange.errors) calledFrom(error, site)
        try {
          if (failure) throw failure
          resolve(exchange.result())
        } catch (error) {
          reject(calledFrom(error as Error, site))
        }
      }
      const pending: Pending = { exchange, settle }
      this.#pending.add(pending)
      this.#transport.ref()
      try {
        this.#throwIfClosed()
        const bytes = exchange.requests.finish()
        traceRequests(bytes, this.#protocol, this.#transport)
        this.#transport.send(bytes, exchange.requests.firstSequence)
      } catch (error) {
        settle(error as Error)
      }
    })
  }

  readonly #onEvent: OnEvent = (chunk, token, sendErrno, receiveErrno) => {
    try {
      if (chunk) this.#onChunk(chunk)
    } catch (error) {
      this.#rejectAll(() => error as Error)
    }
    if (sendErrno !== 0) this.#of(token)?.settle(new SystemError(sendErrno, 'sendto'))
    if (receiveErrno !== 0) this.#onReceiveFailure(() => receiveFailure(receiveErrno))
  }

  #onChunk(chunk: Uint8Array): void {
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length)
    for (let message = messageAt(view, 0); message; message = messageAt(view, message.next)) {
      traceReply(message, this.#protocol)
      const pending = this.#of(message.sequence)
      if (!pending) continue
      pending.exchange.accept(message)
      if (pending.exchange.done) pending.settle()
    }
  }

  /** Which answers were lost is unknown, so nobody may go on waiting for one. Where more will come the socket stays. */
  #onReceiveFailure(reason: () => Error): void {
    const error = reason()
    if (error instanceof NetlinkOverrunError || error instanceof NetlinkTruncatedError)
      this.#rejectAll(reason)
    else this.#end(reason)
  }

  #of(sequence: number): Pending | undefined {
    for (const pending of this.#pending) if (pending.exchange.owns(sequence)) return pending
    return undefined
  }

  /** Each with an error of its own, which gets the stack of its call. */
  #rejectAll(reason: () => Error): void {
    for (const pending of [...this.#pending]) pending.settle(reason())
  }

  #throwIfClosed(): void {
    if (this.#closed) throw new NetlinkClosedError()
  }
}
