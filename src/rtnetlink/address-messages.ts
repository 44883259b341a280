import { attributes, reported, s32, struct, text, u32, u8, uncarried } from '../netlink/codec/index.js'
import { named, namedNumbers } from '../netlink/codec/named.js'
import { messageBody } from '../netlink/message-type.js'
import { addressFamilies } from './address-family.js'
import { networkAddress } from './network-address.js'
import type { ObjectMessages } from './object-messages.js'
import { scopes } from './scopes.js'

/** IFAPROT_*, linux/if_addr.h, in the words of `ip address`. */
export const addressProtocols = namedNumbers('address protocol', {
  unspec: 0,
  kernel_lo: 1,
  kernel_ra: 2,
  kernel_ll: 3,
})

/** struct ifaddrmsg, linux/if_addr.h */
export const ifaddrmsg = struct({
  family: named(u8, addressFamilies),
  prefixlen: u8,
  flags: u8,
  scope: named(u8, scopes),
  index: u32,
})

/** struct ifa_cacheinfo, linux/if_addr.h: lifetimes in seconds, times of creation and change in 1/100 s since boot. */
export const ifaCacheinfo = reported(struct({ prefered: u32, valid: u32, cstamp: u32, tstamp: u32 }))

/** IFA_*, linux/if_addr.h */
export const addressAttributes = attributes({
  address: ['IFA_ADDRESS', 1, networkAddress],
  local: ['IFA_LOCAL', 2, networkAddress],
  label: ['IFA_LABEL', 3, text],
  broadcast: ['IFA_BROADCAST', 4, networkAddress],
  anycast: ['IFA_ANYCAST', 5, networkAddress],
  cacheinfo: ['IFA_CACHEINFO', 6, ifaCacheinfo],
  flags: ['IFA_FLAGS', 8, u32],
  metric: ['IFA_RT_PRIORITY', 9, u32],
  targetNetnsid: ['IFA_TARGET_NETNSID', 10, uncarried(s32)],
  protocol: ['IFA_PROTO', 11, named(u8, addressProtocols)],
})

/** The body of RTM_NEWADDR, RTM_DELADDR and RTM_GETADDR. */
export const addressBody = messageBody(ifaddrmsg, addressAttributes)

/** RTM_*ADDR, linux/rtnetlink.h */
export const addressMessages: ObjectMessages<typeof addressBody> = {
  new: { name: 'RTM_NEWADDR', type: 20, body: addressBody },
  delete: { name: 'RTM_DELADDR', type: 21, body: addressBody },
  get: { name: 'RTM_GETADDR', type: 22, body: addressBody },
}
