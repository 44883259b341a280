import { namedNumbers } from '../netlink/codec/named.js'

/** AF_* of the families that rtnetlink speaks, linux/socket.h, as `ip -family` calls them. */
export const addressFamilies = namedNumbers('address family', {
  unspec: 0,
  inet: 2,
  bridge: 7,
  inet6: 10,
  mpls: 28,
})

/** An address family by name, or by number where it has none here. */
export type AddressFamily = keyof typeof addressFamilies.numbers | number

/** The family of an IP address or prefix. */
export type IpFamily = 'inet' | 'inet6'
