import { u16, type Codec } from '../netlink/codec/index.js'
import { named } from '../netlink/codec/named.js'
import { addressFamilies, type AddressFamily } from './address-family.js'
import { networkAddress } from './network-address.js'

const family = named(u16, addressFamilies)

/** struct rtvia, linux/rtnetlink.h: a gateway of another family than the route. */
export const rtvia: Codec<{ family: AddressFamily; address: string }> = {
  put(writer, value) {
    family.put(writer, value.family)
    networkAddress.put(writer, value.address)
  },
  get(view, at, end) {
    const split = Math.min(at + family.size, end)
    return { family: family.get(view, at, split), address: networkAddress.get(view, split, end) }
  },
}
