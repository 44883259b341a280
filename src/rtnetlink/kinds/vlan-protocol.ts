import { namedNumbers } from '../../netlink/codec/named.js'
import { ETHER_TYPES } from '../../netlink/ether-types.js'

export const vlanProtocols = namedNumbers('VLAN protocol', {
  '802.1Q': ETHER_TYPES['802.1Q'],
  '802.1ad': ETHER_TYPES['802.1ad'],
})

export type VlanProtocol = keyof typeof vlanProtocols.numbers | number
