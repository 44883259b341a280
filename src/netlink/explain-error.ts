import type { AttributeNames, Codec } from './codec/codec.js'
import { DecodeError } from './codec/decode-error.js'
import { NetlinkError } from './errors.js'
import type { Acknowledgement, ExtAck } from './ext-ack.js'
import { messagesIn, NLMSG_HDRLEN, type Message } from './message.js'
import type { DeviceNames, MessageType, Protocol } from './message-type.js'

/** The kernel's name of a message, or its number where the protocol does not declare it. */
export const messageName = (protocol: Protocol, type: number): string =>
  protocol.messages.get(type)?.name ?? `${protocol.name} message ${type}`

/** The command that asks the same as `message`; undefined where there is none or the body cannot be decoded. */
export function commandOf(protocol: Protocol, message: Message, devices: DeviceNames): string | undefined {
  const type = protocol.messages.get(message.type)
  if (!type || !protocol.command) return undefined
  try {
    return protocol.command({ type: message.type, flags: message.flags, body: message.decode(type) }, devices)
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
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
  const { attribute, missing } = type ? attributeAt(type, bytes, extAck) : {}
  return new NetlinkError({
    errno,
    request: messageName(protocol, message.type),
    extack: extAck.message,
    attribute,
    missing,
    command: commandOf(protocol, message, devices),
  })
}

function attributeAt(
  type: MessageType,
  bytes: Uint8Array,
  extAck: ExtAck,
): { attribute?: string; missing?: boolean } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const pathAt = (offset: number): string[] =>
    type.body.locate?.(view, NLMSG_HDRLEN, bytes.length, offset) ?? []
  if (extAck.missingType !== undefined) {
    const nest = extAck.missingNest === undefined ? [] : pathAt(extAck.missingNest)
    const names = membersAt(type.body, nest)
    const name = names?.nameOf(extAck.missingType) ?? `attribute ${extAck.missingType}`
    return { attribute: [...nest, name].join('.'), missing: true }
  }
  const path = extAck.offset === undefined ? [] : pathAt(extAck.offset)
  return path.length > 0 ? { attribute: path.join('.') } : {}
}

/** The names inside the nest, which only the outermost set is asked for: deeper ones are named by number. */
function membersAt(body: Codec<unknown, never>, nest: string[]): AttributeNames | undefined {
  return nest.length === 0 ? body.members : undefined
}
