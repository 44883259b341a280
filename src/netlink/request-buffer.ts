import { argument } from '../input/index.js'
import { Writer } from './codec/writer.js'
import { NLM_F_ACK, NLM_F_REQUEST } from './constants.js'
import { MadeRequest, putMessage, requestInput, type Request } from './message.js'

const checkRequest = argument('NetlinkSocket.batch', 'request', requestInput)

/** Limits of one sendmsg: its bytes (below SO_SNDBUF) and its messages (each may be answered, which fills SO_RCVBUF). */
export interface SendLimits {
  bytes: number
  messages: number
}

/**
 * Messages for one sendmsg, with consecutive sequence numbers. Only the last asks for an ACK; failures always answer.
 * It can be used again and again: its memory stays.
 */
export class RequestBuffer {
  readonly #writer: Writer
  /** Where messages begin: the first `#count` of them, what is behind is of an earlier use. */
  readonly #starts: number[] = []
  #count = 0
  #firstSequence: number

  constructor(firstSequence: number, capacity?: number) {
    this.#firstSequence = firstSequence
    this.#writer = new Writer(capacity)
  }

  get firstSequence(): number {
    return this.#firstSequence
  }

  get lastSequence(): number {
    return (this.#firstSequence + this.#count - 1) >>> 0
  }

  /** Drops all messages and begins anew. */
  restart(firstSequence: number): void {
    this.#writer.truncate(0)
    this.#count = 0
    this.#firstSequence = firstSequence
  }

  /** Encodes one request behind the others. Throws what its codec throws, and is unchanged then. */
  add(request: Request<never>): void {
    const sequence = (this.#firstSequence + this.#count) >>> 0
    this.#starts[this.#count] = putMessage(this.#writer, request, sequence, NLM_F_REQUEST)
    this.#count++
  }

  /** Takes the last message out again. */
  removeLast(): void {
    if (this.#count > 0) this.#writer.truncate(this.#startOf(--this.#count))
  }

  get count(): number {
    return this.#count
  }

  get length(): number {
    return this.#writer.length
  }

  exceeds({ bytes, messages }: SendLimits): boolean {
    return this.length > bytes || this.count > messages
  }

  /** The bytes to send. The last message is marked to be acknowledged. */
  finish(): Uint8Array {
    if (this.#count > 0) this.#writer.addMessageFlags(this.#startOf(this.#count - 1), NLM_F_ACK)
    return this.#writer.bytes()
  }

  /** The bytes of the message at `index`, without a copy. */
  message(index: number): Uint8Array {
    const end = index + 1 < this.#count ? this.#startOf(index + 1) : this.#writer.length
    return this.#writer.bytes().subarray(this.#startOf(index), end)
  }

  readonly #startOf = (index: number): number => this.#starts[index] ?? 0
}

/**
 * Encodes requests into as few buffers as the limits allow, in order; `newBuffer` gives the buffers. A request that alone
 * is over the limit is refused with a RangeError; nothing has been sent then.
 */
export function packRequests(
  requests: Iterable<Request<never>>,
  limits: SendLimits,
  firstSequence: number,
  newBuffer = (sequence: number): RequestBuffer => new RequestBuffer(sequence),
): RequestBuffer[] {
  const buffers: RequestBuffer[] = []
  let buffer = newBuffer(firstSequence)
  for (const request of requests) {
    if (!(request instanceof MadeRequest)) checkRequest(request)
    buffer.add(request)
    if (buffer.exceeds(limits) && buffer.count > 1) {
      buffer.removeLast()
      buffers.push(buffer)
      buffer = newBuffer(buffer.firstSequence + buffer.count)
      buffer.add(request)
    }
    refuseTooLong(buffer, request, limits)
  }
  if (buffer.count > 0) buffers.push(buffer)
  return buffers
}

/** Throws RangeError where a buffer with `request` alone in it is over the limit. */
export function refuseTooLong(buffer: RequestBuffer, request: Request<never>, limits: SendLimits): void {
  if (!buffer.exceeds(limits)) return
  throw new RangeError(`${request.type.name} of ${buffer.length} bytes is over the limit of ${limits.bytes}`)
}
