import { namedNumbers } from '../../netlink/codec/named.js'

/** ETH_P_8021Q and ETH_P_8021AD, linux/if_ether.h */
export const vlanProtocols = namedNumbers('VLAN protocol', { '802.1Q': 0x8100, '802.1ad': 0x88a8 })

export type VlanProtocol = keyof typeof vlanProtocols.numbers | number
