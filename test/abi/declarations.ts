import type { AnyCodec, Siblings } from '../../src/netlink/codec/codec.js'
import type { Attribute, Struct } from '../../src/netlink/codec/index.js'
import { extAckAttributes } from '../../src/netlink/ext-ack.js'
import type { AnyMessageType, Protocol } from '../../src/netlink/message-type.js'
import { rtnetlinkProtocol } from '../../src/rtnetlink-protocol.js'
import { sockDiagProtocol } from '../../src/sock-diag/protocol.js'
import { tcpInfo } from '../../src/sock-diag/tcp-info.js'

export type AnyStruct = Struct<unknown, never>

/** A set of attributes, as far as it shows its declarations. */
export type AnySet = AnyCodec & { readonly declarations: Readonly<Record<string, Attribute>> }

const protocols: readonly Protocol[] = [rtnetlinkProtocol, sockDiagProtocol]

/** Every message of every protocol: requests, replies and notifications. */
export const messageTypes: readonly AnyMessageType[] = protocols.flatMap(({ messages, replies }) => [
  ...messages.values(),
  ...(replies?.values() ?? []),
])

/** Where declarations are found from: the messages, and what those carry that look at more than the attribute set. */
const roots: readonly AnyCodec[] = [...messageTypes.map(({ body }) => body), extAckAttributes, tcpInfo]

/** Every codec that a message is made of, each once. */
function codecsBelow(codecs: readonly AnyCodec[], seen = new Set<AnyCodec>()): Set<AnyCodec> {
  for (const codec of codecs) {
    if (seen.has(codec)) continue
    seen.add(codec)
    codecsBelow(codec.parts ?? [], seen)
  }
  return seen
}

const all = [...codecsBelow(roots)]

const isSet = (codec: AnyCodec): codec is AnySet => 'declarations' in codec

export const attributeSets = all.filter(isSet)

/** The sets of attributes that a message with this body may have. */
export const attributeSetsBelow = (body: AnyCodec): AnySet[] => [...codecsBelow([body])].filter(isSet)

export const structs = all.filter((codec): codec is AnyStruct => 'offsets' in codec)

/** The names of the attributes in a decoded value, found with the codec that made it. */
export function attributesIn(codec: AnyCodec, value: unknown, siblings: Siblings = {}): string[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return []
  const inParts = (item: unknown): string[] => {
    const parts = codec.partFor ? [codec.partFor(siblings)] : (codec.parts ?? [])
    return parts.flatMap(part => attributesIn(part, item, siblings))
  }
  if (codec.partFor) return inParts(value)
  const members = value as Record<string, unknown>
  const { declarations } = codec as Partial<AnySet>
  if (declarations && Array.isArray(value)) {
    const [[name = '', , element] = []] = Object.values(declarations)
    return value.flatMap(item => [name, ...(element ? attributesIn(element, item, siblings) : [])])
  }
  if (!declarations) {
    // Message bodies and nexthops are a header, and attributes as a member.
    const items: unknown[] = Array.isArray(value) ? value : [value]
    return [...items, ...('attributes' in members ? [members['attributes']] : [])].flatMap(inParts)
  }
  return Object.entries(members).flatMap(([key, member]) => {
    const attribute = declarations[key]
    return attribute ? [attribute[0], ...attributesIn(attribute[2], member, { ...siblings, ...members })] : []
  })
}
