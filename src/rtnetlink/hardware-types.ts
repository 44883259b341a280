import { namedNumbers } from '../netlink/codec/named.js'

/** ARPHRD_*, linux/if_arp.h, as `ip link` names them (`link/ether`). */
export const hardwareTypes = namedNumbers('hardware type', {
  ether: 1,
  infiniband: 32,
  can: 280,
  ppp: 512,
  ipip: 768,
  tunnel6: 769,
  loopback: 772,
  sit: 776,
  gre: 778,
  gre6: 823,
  netlink: 824,
  vsockmon: 826,
  none: 65534,
})

/** The link layer of a device, or its number where it has no name here. */
export type HardwareType = keyof typeof hardwareTypes.numbers | number
