import { callback, instanceOf, object, optional, text, whole, type Declaration } from '../input/index.js'
import type { AttributeNames, Codec } from './codec/codec.js'
import { align, type Writer } from './codec/writer.js'
import type { Struct } from './codec/struct.js'

/** A message of a netlink family: the kernel's name, its number, and what follows the `nlmsghdr`. */
export interface MessageType<Out = unknown, In = Out> {
  readonly name: string
  readonly type: number
  readonly body: Codec<Out, In>
}

/** A message type of which only the name, the number and how to decode it matter. */
export type AnyMessageType = MessageType<unknown, never>

/** The body most families share: a fixed header, then attributes. */
export type Body<H, A> = H & { attributes: A }

/** Declares a message body of a header struct and the attributes behind it. Header members are those of the value. */
export function messageBody<H, HI, A, AI>(
  header: Struct<H, HI>,
  set: Codec<A, AI> & { readonly members: AttributeNames },
): Codec<Body<H, A>, HI & { readonly attributes?: AI | undefined }> & {
  header: Struct<H, HI>
  set: typeof set
} {
  const aligned = align(header.size)
  const attributesAt = (at: number, end: number): number => Math.min(at + aligned, end)
  return {
    header,
    set,
    members: set.members,
    parts: [header, set],
    put(writer: Writer, value) {
      const at = writer.reserve(aligned)
      header.write(writer.view, at, value)
      if (value.attributes !== undefined) set.put(writer, value.attributes)
    },
    get(view, at, end) {
      const split = attributesAt(at, end)
      return {
        ...header.get(view, at, Math.min(at + header.size, end)),
        attributes: set.get(view, split, end),
      }
    },
    locate: (view, at, end, offset) => set.locate?.(view, attributesAt(at, end), end, offset) ?? [],
  }
}

/** Finds device names and indexes in the network namespace of a socket. */
export interface DeviceNames {
  /** The index of the device, 0 where there is none. */
  interfaceIndex(name: string): number
  /** The name of the device, undefined where there is none. */
  interfaceName(index: number): string | undefined
}

/** A decoded message, as it is given to whatever explains it. */
export interface Explained {
  readonly type: number
  readonly flags: number
  readonly body: unknown
}

/** What a family gives the netlink layer, which knows no family: names of messages, and how to explain them. */
export interface Protocol {
  readonly name: string
  /** The protocol number of socket(2), NETLINK_ROUTE for example. */
  readonly number: number
  readonly messages: ReadonlyMap<number, AnyMessageType>
  /** What answers hold whose number is that of another message in a request, as SOCK_DIAG_BY_FAMILY. */
  readonly replies?: ReadonlyMap<number, AnyMessageType> | undefined
  /** The `ip`, `tc` or `ss` command that does what the message does. An error it throws counts as undefined. */
  readonly command?: ((message: Explained, devices: DeviceNames) => string | undefined) | undefined
}

const messageTypes = instanceOf<ReadonlyMap<number, AnyMessageType>>('a Map of message types', () => Map)

/** A protocol that a caller hands in. */
export const protocolInput: Declaration<Protocol> = object({
  name: text(),
  number: whole(0, 0x7fff_ffff, 'the number of a netlink protocol'),
  messages: messageTypes,
  replies: optional(messageTypes),
  command: optional(callback<NonNullable<Protocol['command']>>()),
})

/** Lists message types by number, for Protocol.messages. */
export const messagesByType = (...types: readonly AnyMessageType[]): ReadonlyMap<number, AnyMessageType> =>
  new Map(types.map(type => [type.type, type]))
