import { attributes } from '../netlink/codec/index.js'
import type { Message, Request } from '../netlink/message.js'
import { messageBody, type DeviceNames } from '../netlink/message-type.js'
import { commonLinkDeclarations, ifinfomsg } from './link-attributes.js'
import { link } from './link.js'
import { linkMessages } from './link-messages.js'
import type { LinkKey } from './link-spec.js'

const { linkNetnsid } = commonLinkDeclarations

/** RTM_NEWLINK of which one attribute is read. To read all of them takes ten times as long. */
const RTM_NEWLINK = { ...linkMessages.new, body: messageBody(ifinfomsg, attributes({ linkNetnsid })) }

/** The number by which the socket's namespace knows the one where a link's other end is (IFLA_LINK_NETNSID). */
export const linkNetnsId = {
  /** Asks for a link; {@link linkNetnsId.of} reads the answer. */
  ask: (key: LinkKey, devices: DeviceNames): Request<never> => ({
    type: linkMessages.get,
    flags: 0,
    body: link.toGet(key, devices) as never,
  }),

  /** The number in an answer; undefined where there is no such link, or its other end is in the socket's own namespace. */
  of(replies: readonly Message[]): number | undefined {
    const reply = replies.find(({ type }) => type === RTM_NEWLINK.type)
    return reply?.decode(RTM_NEWLINK).attributes.linkNetnsid
  },
} as const
