import type { Place } from './codec/codec.js'
import { unnamed } from './codec/attribute.js'
import { DecodeError } from './codec/decode-error.js'
import { NetlinkError } from './errors.js'
import type { Acknowledgement, ExtAck } from './ext-ack.js'
import { messagesIn, NLMSG_HDRLEN, type Message } from './message.js'
import type { AnyMessageType, DeviceNames, Protocol } from './message-type.js'

/** The kernel's name of a message, or its number where the protocol does not declare it. */
export const messageName = (protocol: Protocol, type: number): string =>
  protocol.messages.get(type)?.name ?? `${protocol.name} message ${type}`

/**
 * The command that asks the same as `message`, undefined where there is none. It never throws: a request that cannot be
 * told as a command must still be sent, and its error still reported.
 */
export function commandOf(protocol: Protocol, message: Message, devices: DeviceNames): string | undefined {
  const type = protocol.messages.get(message.type)
  if (!type || !protocol.command) return undefined
  try {
    return protocol.command({ type: message.type, flags: message.flags, body: message.decode(type) }, devices)
  } catch {
    return undefined
  }
}

/**
 * Makes the error of a request that the kernel refused: its name, the kernel's words, the attribute that the kernel's
 * offset points at, and the equivalent command. `bytes` is the request as it was sent.
 */
export function explainError(
  bytes: Uint8Array,
  { errno, extAck }: Acknowledgement,
  protocol: Protocol,
  devices: DeviceNames,
): NetlinkError {
  const [message] = messagesIn(bytes)
  if (!message) throw new DecodeError('a refused request has no header')
  const type = protocol.messages.get(message.type)
  return new NetlinkError({
    errno,
    request: messageName(protocol, message.type),
    extack: extAck.message,
    ...(type && attributeOf(type, bytes, extAck)),
    command: commandOf(protocol, message, devices),
  })
}

/** The attribute that the kernel objects to (NLMSGERR_ATTR_OFFS) or misses (NLMSGERR_ATTR_MISS_TYPE, _MISS_NEST). */
function attributeOf(
  type: AnyMessageType,
  bytes: Uint8Array,
  { offset, missingType, missingNest }: ExtAck,
): { attribute?: string; missing?: boolean } {
  if (missingType === undefined) {
    const path = offset === undefined ? [] : placesAt(type, bytes, offset)
    return path.length > 0 ? { attribute: pathOf(path) } : {}
  }
  const nest = missingNest === undefined ? [] : placesAt(type, bytes, missingNest)
  const around = nest.length === 0 ? type.body.members : nest.at(-1)?.inside
  const name = around?.nameOf(missingType) ?? unnamed(missingType)
  return { attribute: pathOf([...nest, { name }]), missing: true }
}

/** Our own request, but for bytes that the caller gave as they are: those may be anything. */
function placesAt(type: AnyMessageType, bytes: Uint8Array, offset: number): Place[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  try {
    return type.body.locate?.(view, NLMSG_HDRLEN, bytes.length, offset) ?? []
  } catch (error) {
    if (error instanceof DecodeError) return []
    throw error
  }
}

const pathOf = (places: Place[]): string => places.map(({ name }) => name).join('.')
