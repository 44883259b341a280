import { channel } from 'node:diagnostics_channel'
import { inspect, debuglog } from 'node:util'
import { DecodeError } from './codec/decode-error.js'
import { NLMSG_DONE, NLMSG_ERROR } from './constants.js'
import { commandOf, messageName } from './explain-error.js'
import { readAcknowledgement } from './ext-ack.js'
import { messagesIn, type Message } from './message.js'
import type { AnyMessageType, DeviceNames, Protocol } from './message-type.js'

/** Published on the diagnostics channels `rtnetlink:request` and `rtnetlink:reply`. */
export interface TracedMessage {
  /** The Protocol's name, `'rtnetlink'`. */
  protocol: string
  /** `'RTM_NEWTFILTER'`, `'NLMSG_ERROR'`, … */
  name: string
  sequence: number
  flags: number
  /** The decoded body; for NLMSG_ERROR and NLMSG_DONE `{ errno, extAck }`; undefined where it cannot be decoded. */
  body: unknown
  /** The equivalent `ip` or `tc` command of a request. */
  command: string | undefined
}

const requests = channel('rtnetlink:request')
const replies = channel('rtnetlink:reply')
const debug = debuglog('rtnetlink')
/** It stays as it is while the process runs. */
const debugging = debug.enabled

/** Shows the messages of a send to whoever listens: NODE_DEBUG=rtnetlink or a channel. Costs nothing otherwise. */
export function traceRequests(bytes: Uint8Array, protocol: Protocol, devices: DeviceNames): void {
  if (!requests.hasSubscribers && !debugging) return
  for (const message of messagesIn(bytes)) {
    const type = protocol.messages.get(message.type)
    show(requests, '>', describe(message, protocol, type, commandOf(protocol, message, devices)))
  }
}

/** Whether somebody listens for what arrives. */
export const tracesReplies = (): boolean => replies.hasSubscribers || debugging

/** The same for a message that arrived. */
export function traceReply(message: Message, protocol: Protocol): void {
  if (!tracesReplies()) return
  const type = protocol.replies?.get(message.type) ?? protocol.messages.get(message.type)
  show(replies, '<', describe(message, protocol, type, undefined))
}

function show(to: ReturnType<typeof channel>, direction: string, traced: TracedMessage): void {
  if (to.hasSubscribers) to.publish(traced)
  if (!debugging) return
  const body = inspect(traced.body, { depth: 12, breakLength: 110, compact: 6 })
  const lines = [`${direction} ${traced.name} seq ${traced.sequence}`, traced.command, body]
  debug(
    lines
      .filter(line => line !== undefined)
      .join('\n')
      .replaceAll('\n', '\n    '),
  )
}

function describe(
  message: Message,
  protocol: Protocol,
  type: AnyMessageType | undefined,
  command: string | undefined,
): TracedMessage {
  const { sequence, flags } = message
  return {
    protocol: protocol.name,
    name: nameOf(message, protocol),
    sequence,
    flags,
    body: bodyOf(message, type),
    command,
  }
}

function nameOf({ type }: Message, protocol: Protocol): string {
  if (type === NLMSG_ERROR) return 'NLMSG_ERROR'
  if (type === NLMSG_DONE) return 'NLMSG_DONE'
  return messageName(protocol, type)
}

function bodyOf(message: Message, type: AnyMessageType | undefined): unknown {
  try {
    if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) return readAcknowledgement(message)
    return type && message.decode(type)
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}
