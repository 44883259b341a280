import {
  anything,
  iterable,
  object,
  scalar,
  whole,
  type AnyDeclaration,
  type Declaration,
} from '../input/index.js'
import { littleEndian } from './codec/byte-order.js'
import { DecodeError, within } from './codec/decode-error.js'
import { encodeError } from './codec/encode-error.js'
import { notingUncarried } from './codec/uncarried.js'
import type { Codec } from './codec/codec.js'
import { align, type Writer } from './codec/writer.js'
import type { MessageType } from './message-type.js'

/** sizeof(struct nlmsghdr), linux/netlink.h. */
export const NLMSG_HDRLEN = 16

/** What is asked of the kernel: a message type, NLM_F_* flags, and the value of its body. */
export interface Request<In = unknown> {
  readonly type: MessageType<unknown, In>
  readonly flags: number
  readonly body: In
}

/** A request that a verb has made of an object that was checked: type, flags and body are our own. */
export class MadeRequest implements Request<never> {
  constructor(
    readonly type: MessageType<unknown, never>,
    readonly flags: number,
    readonly body: never,
  ) {}
}

const isMessageType = (value: unknown): boolean => {
  const { type, body } = (value ?? {}) as { type?: unknown; body?: { put?: unknown } | null }
  return typeof type === 'number' && typeof body?.put === 'function'
}

/** What a request is that a caller made. Of the body, its codec says what is wrong. */
export const requestInput: AnyDeclaration = object({
  type: scalar('a message type: its name, number and codec', isMessageType),
  flags: whole(0, 0xffff),
  body: anything,
})

export const requestsInput: Declaration<Iterable<Request<never>>> = iterable(
  'requests, in a list or otherwise',
)

/** A message that arrived. Its body is decoded when asked for. */
export class Message {
  readonly type: number
  readonly flags: number
  readonly sequence: number
  readonly portId: number
  readonly #view: DataView
  readonly #at: number
  readonly #end: number

  constructor(view: DataView, at: number, end: number) {
    this.type = view.getUint16(at + 4, littleEndian)
    this.flags = view.getUint16(at + 6, littleEndian)
    this.sequence = view.getUint32(at + 8, littleEndian)
    this.portId = view.getUint32(at + 12, littleEndian)
    this.#view = view
    this.#at = at + NLMSG_HDRLEN
    this.#end = end
  }

  /** The bytes behind the header, without a copy. */
  get payload(): DataView {
    return new DataView(this.#view.buffer, this.#view.byteOffset + this.#at, this.#end - this.#at)
  }

  /** What an NLMSG_ERROR or NLMSG_DONE begins with: 0, a negative errno, or 0 where it is missing. */
  get errno(): number {
    return this.#end - this.#at >= 4 ? this.#view.getInt32(this.#at, littleEndian) : 0
  }

  /** Where in what was received the next message begins. */
  get next(): number {
    return align(this.#end)
  }

  /** Decodes the body as `type`. Throws DecodeError, its path beginning with the message's name. */
  decode<Out>(type: MessageType<Out, never>): Out {
    try {
      return type.body.get(this.#view, this.#at, this.#end)
    } catch (error) {
      throw within(type.name, error)
    }
  }

  /**
   * Decodes the body as `type`, and names what in it has no place in the typed form of an object: attributes that are
   * not declared, and those that are declared with `uncarried()`.
   */
  decodeObject<Out>(type: MessageType<Out, never>): { body: Out; uncarried: string[] } {
    const { value, at } = notingUncarried(() => this.decode(type))
    return { body: value, uncarried: at.length === 0 ? [] : this.#namesAt(type.body, at) }
  }

  /** The paths of the attributes whose contents begin at `positions`. */
  #namesAt(body: Codec<unknown, never>, positions: readonly number[]): string[] {
    // One without content is found by its header.
    const paths = positions.map(
      position => body.locate?.(this.#view, this.#at, this.#end, position - 1) ?? [],
    )
    return [...new Set(paths.map(path => path.map(({ name }) => name).join('.')))]
  }
}

/** The messages in what one or more receives gave. A missing final pad is accepted. Throws DecodeError. */
export function* messagesIn(bytes: Uint8Array): Generator<Message> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let message = messageAt(view, 0); message; message = messageAt(view, message.next)) yield message
}

/** The message at `at`; undefined behind the last one. Throws DecodeError. */
export function messageAt(view: DataView, at: number): Message | undefined {
  const left = view.byteLength - at
  if (left < NLMSG_HDRLEN) return undefined
  const length = view.getUint32(at, littleEndian)
  if (length < NLMSG_HDRLEN) throw new DecodeError(`a message of ${length} bytes is shorter than its header`)
  if (length > left) {
    throw new DecodeError(`a message of ${length} bytes does not fit the ${left} that were received`)
  }
  return new Message(view, at, at + length)
}

/**
 * Appends one message, with `moreFlags` beside those of the request. What an encoding error leaves behind is taken back, so the buffer holds whole messages only.
 * Returns the position of its header.
 */
export function putMessage(
  writer: Writer,
  { type, body, flags }: Request<never>,
  sequence: number,
  moreFlags = 0,
): number {
  const at = writer.reserve(NLMSG_HDRLEN)
  try {
    type.body.put(writer, body)
    writer.pad()
  } catch (error) {
    writer.truncate(at)
    throw encodeError(type.name, error)
  }
  writer.endMessage(at, type.type, flags | moreFlags, sequence)
  return at
}
