import { struct, u32 } from '../netlink/codec/index.js'

/** struct nla_bitfield32, linux/netlink.h: `value` holds for the bits of `selector`. */
export const nlaBitfield32 = struct({ value: u32, selector: u32 })
