import { attributes, s32, struct, u32, u8 } from '../netlink/codec/index.js'
import { messageBody } from '../netlink/message-type.js'
import type { ObjectMessages } from './object-messages.js'

/** struct rtgenmsg, linux/rtnetlink.h */
export const rtgenmsg = struct({ family: u8 })

/** NETNSA_*, linux/net_namespace.h */
export const netnsIdAttributes = attributes({
  nsid: ['NETNSA_NSID', 1, s32],
  pid: ['NETNSA_PID', 2, u32],
  fd: ['NETNSA_FD', 3, u32],
  targetNsid: ['NETNSA_TARGET_NSID', 4, s32],
  currentNsid: ['NETNSA_CURRENT_NSID', 5, s32],
})

const netnsIdBody = messageBody(rtgenmsg, netnsIdAttributes)

/** RTM_*NSID, linux/rtnetlink.h */
export const netnsIdMessages: ObjectMessages<typeof netnsIdBody> = {
  new: { name: 'RTM_NEWNSID', type: 88, body: netnsIdBody },
  delete: { name: 'RTM_DELNSID', type: 89, body: netnsIdBody },
  get: { name: 'RTM_GETNSID', type: 90, body: netnsIdBody },
}
