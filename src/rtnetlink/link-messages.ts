import { linkBody } from './link-info.js'
import type { ObjectMessages } from './object-messages.js'

/** RTM_*LINK, linux/rtnetlink.h */
export const linkMessages: ObjectMessages<typeof linkBody> = {
  new: { name: 'RTM_NEWLINK', type: 16, body: linkBody },
  delete: { name: 'RTM_DELLINK', type: 17, body: linkBody },
  get: { name: 'RTM_GETLINK', type: 18, body: linkBody },
}
