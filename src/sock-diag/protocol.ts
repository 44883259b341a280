import { NETLINK_SOCK_DIAG } from '../netlink/constants.js'
import { messagesByType, type Protocol } from '../netlink/message-type.js'
import { inetDiagReply, inetDiagRequest } from './inet-diag.js'

/** NETLINK_SOCK_DIAG: what `ss` asks. */
export const sockDiagProtocol: Protocol = {
  name: 'sock-diag',
  number: NETLINK_SOCK_DIAG,
  messages: messagesByType(inetDiagRequest),
  replies: messagesByType(inetDiagReply),
}
