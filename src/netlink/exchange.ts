import { NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP } from './constants.js'
import type { NetlinkError } from './errors.js'
import { explainError } from './explain-error.js'
import { bareAcknowledgement, readAcknowledgement, type Acknowledgement } from './ext-ack.js'
import type { Message } from './message.js'
import type { DeviceNames, Protocol } from './message-type.js'
import type { RequestBuffer } from './request-buffer.js'

/** What became of one message of a batch. */
export interface BatchResult {
  /** Why the kernel refused it; absent where it was carried out. */
  readonly error?: NetlinkError
  /** What the kernel remarked on a message that it carried out. Comes with an ACK, which only the last one asks for. */
  readonly warning?: string
  /** Messages it was answered with, for example under NLM_F_ECHO. */
  readonly replies: readonly Message[]
  /** False where the message was not sent because an earlier part of the batch had failed. */
  readonly sent: boolean
}

const NO_REPLIES: readonly Message[] = Object.freeze([])

/** The result of a message that was carried out and of which nothing else is to be told: of most, so all share it. */
const CARRIED_OUT: BatchResult = Object.freeze({ replies: NO_REPLIES, sent: true })

/** What requests in flight need to explain a refusal. */
export interface ExchangeContext {
  readonly protocol: Protocol
  readonly devices: DeviceNames
}

/**
 * Requests in flight and the answers that belong to them. It knows no socket: answers are handed to it, so the same
 * code serves the asynchronous and the synchronous form, and tests without a kernel.
 */
export abstract class Exchange<Result> {
  /** Whether an acknowledgement of the last request is the last answer. */
  readonly #endsAcknowledged: boolean
  #done = false
  /** The refusals among the answers. */
  readonly errors: NetlinkError[] = []

  constructor(
    readonly requests: RequestBuffer,
    protected readonly context: ExchangeContext,
    endsAcknowledged: boolean,
  ) {
    this.#endsAcknowledged = endsAcknowledged
  }

  get done(): boolean {
    return this.#done
  }

  /** True where a message with this sequence number answers one of the requests. */
  owns(sequence: number): boolean {
    return (sequence - this.requests.firstSequence) >>> 0 < this.requests.count
  }

  /** Takes one answer. */
  accept(message: Message): void {
    if (message.type !== NLMSG_NOOP && this.take(message, this.#index(message))) this.#done = true
  }

  /** Takes all that was received at once, where it is the acknowledgement that ends most exchanges; false where not. */
  acceptBare(received: DataView): boolean {
    if (bareAcknowledgement(received) !== this.requests.lastSequence) return false
    this.#done = this.#endsAcknowledged
    return true
  }

  /** What the requests came to, once `done`. Throws the NetlinkError of a request that failed as a whole. */
  abstract result(): Result

  /** Takes one answer to the request at `index`; true when it was the last that will come. */
  protected abstract take(message: Message, index: number): boolean

  protected refusal(index: number, acknowledgement: Acknowledgement): NetlinkError {
    const error = explainError(
      this.requests.message(index),
      acknowledgement,
      this.context.protocol,
      this.context.devices,
    )
    this.errors.push(error)
    return error
  }

  #index(message: Message): number {
    return (message.sequence - this.requests.firstSequence) >>> 0
  }
}

/** One request: the messages that it is answered with, none for most. */
export class SingleExchange extends Exchange<readonly Message[]> {
  #replies: Message[] | undefined

  constructor(requests: RequestBuffer, context: ExchangeContext) {
    super(requests, context, true)
  }

  protected take(message: Message): boolean {
    if (message.type !== NLMSG_ERROR && message.type !== NLMSG_DONE) {
      ;(this.#replies ??= []).push(message)
      return false
    }
    const acknowledgement = readAcknowledgement(message)
    if (acknowledgement.errno !== 0) this.refusal(0, acknowledgement)
    return true
  }

  result(): readonly Message[] {
    if (this.errors[0]) throw this.errors[0]
    return this.#replies ?? NO_REPLIES
  }
}

/** Any number of messages, each carried out or refused on its own; done with the answer to the last. */
export class BatchExchange extends Exchange<BatchResult[]> {
  readonly #results: BatchResult[]

  constructor(requests: RequestBuffer, context: ExchangeContext) {
    super(requests, context, true)
    this.#results = new Array<BatchResult>(requests.count).fill(CARRIED_OUT)
  }

  protected take(message: Message, index: number): boolean {
    if (message.type !== NLMSG_ERROR && message.type !== NLMSG_DONE) {
      this.#own(index).replies.push(message)
      return false
    }
    const acknowledgement = readAcknowledgement(message)
    const { errno, extAck } = acknowledgement
    if (errno !== 0) this.#own(index).error = this.refusal(index, acknowledgement)
    else if (extAck.message !== undefined) this.#own(index).warning = extAck.message
    return index === this.requests.count - 1
  }

  result(): BatchResult[] {
    return this.#results
  }

  /** The result of a message of which there is something to tell. */
  #own(index: number): OwnResult {
    if (this.#results[index] === CARRIED_OUT) this.#results[index] = { replies: [], sent: true }
    return this.#results[index] as OwnResult
  }
}

type OwnResult = { -readonly [K in keyof BatchResult]: BatchResult[K] } & { replies: Message[] }

/** What one pass over a table gave. */
export interface DumpResult {
  messages: Message[]
  /** The table changed meanwhile: objects may be missing or twice (NLM_F_DUMP_INTR). */
  interrupted: boolean
  /** The table has more than may be kept, and none of it was. */
  tooLarge: boolean
}

/** A dump: messages until NLMSG_DONE, which may carry an errno of its own. */
export class DumpExchange extends Exchange<DumpResult> {
  readonly #maxMessages: number
  #messages: Message[] = []
  #interrupted = false
  #tooLarge = false
  #error: NetlinkError | undefined

  constructor(requests: RequestBuffer, context: ExchangeContext, maxMessages = Infinity) {
    // An acknowledgement that was asked for beside the dump says nothing: it ends with NLMSG_DONE or a refusal.
    super(requests, context, false)
    this.#maxMessages = maxMessages
  }

  protected take(message: Message): boolean {
    if (message.flags & NLM_F_DUMP_INTR) this.#interrupted = true
    if (message.type !== NLMSG_DONE && message.type !== NLMSG_ERROR) {
      this.#keep(message)
      return false
    }
    const acknowledgement = readAcknowledgement(message)
    if (acknowledgement.errno < 0) this.#error = this.refusal(0, acknowledgement)
    return message.type === NLMSG_DONE || acknowledgement.errno < 0
  }

  result(): DumpResult {
    if (this.#error) throw this.#error
    return { messages: this.#messages, interrupted: this.#interrupted, tooLarge: this.#tooLarge }
  }

  /** Of a table that is too large nothing is kept, but it is read to its end: until then the socket can read no other. */
  #keep(message: Message): void {
    if (this.#messages.length === this.#maxMessages) this.#tooLarge = true
    if (this.#tooLarge) this.#messages = []
    else this.#messages.push(message)
  }
}
