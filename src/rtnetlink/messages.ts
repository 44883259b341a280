import type { MessageType } from '../netlink/message-type.js'
import { addressMessages } from './address-messages.js'
import { RTM_DELLINKPROP, RTM_NEWLINKPROP } from './alternative-names.js'
import { linkMessages } from './link-messages.js'
import { RTM_GETSTATS, RTM_NEWSTATS } from './link-statistics-messages.js'
import { neighbourMessages } from './neighbour-messages.js'
import { netnsIdMessages } from './netns-id-messages.js'
import { routeMessages } from './route-messages.js'

/** RTM_NEW*, RTM_DEL* and RTM_GET* of links, addresses, routes and neighbours, and those of link properties, link statistics and ids of namespaces. */
export const rtnetlinkMessages: readonly MessageType[] = [
  ...[linkMessages, addressMessages, routeMessages, neighbourMessages, netnsIdMessages].flatMap(messages =>
    Object.values<MessageType>(messages),
  ),
  RTM_NEWLINKPROP,
  RTM_DELLINKPROP,
  RTM_NEWSTATS,
  RTM_GETSTATS,
]
