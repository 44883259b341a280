import { Writer } from '../../src/netlink/codec/index.js'
import { NLM_F_REQUEST } from '../../src/netlink/constants.js'
import { messagesIn, putMessage, type Message, type Request } from '../../src/netlink/message.js'
import type { AnyMessageType, DeviceNames } from '../../src/netlink/message-type.js'
import type { ObjectType, Verb } from '../../src/netlink/object-type.js'

const indexes: Readonly<Record<string, number>> = { d0: 7, d1: 8 }

/** The devices of the goldens. */
export const devices: DeviceNames = {
  interfaceIndex: name => indexes[name] ?? 0,
  interfaceName: index => Object.keys(indexes).find(name => indexes[name] === index),
}

/** A message as it would be sent. */
export function encode(type: AnyMessageType, flags: number, body: unknown): Buffer {
  const writer = new Writer()
  const request = { type, flags: flags | NLM_F_REQUEST, body } as Request<never>
  putMessage(writer, request, 0)
  return Buffer.from(writer.bytes())
}

/** The one message in `bytes`. */
export const messageIn = (bytes: Uint8Array): Message => [...messagesIn(bytes)][0]!

/** What the kernel would be asked for: the body of a spec, through its bytes. */
export function sent<Spec, Key, Query, Decoded extends Spec>(
  object: ObjectType<Spec, Key, Query, Decoded>,
  spec: Spec,
  verb: Verb = 'add',
): Record<string, unknown> & { attributes: Record<string, unknown> } {
  const type = object.messages.new
  return messageIn(encode(type, 0, object.toNew(spec, devices, verb))).decode(type) as never
}

/** A spec sent and read back, as if the kernel answered with the same. */
export const again = <Spec, Key, Query, Decoded extends Spec>(
  object: ObjectType<Spec, Key, Query, Decoded>,
  spec: Spec,
): Decoded => object.fromBody(sent(object, spec), devices)
