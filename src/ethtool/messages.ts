import { attributes, nested, struct, text, u16, u32, u8 } from '../netlink/codec/index.js'
import { repeated } from '../netlink/codec/repeated.js'
import { messageBody } from '../netlink/message-type.js'

/** linux/netlink.h */
export const NETLINK_GENERIC = 16
/** linux/genetlink.h: the one family whose number is fixed; it tells those of the others. */
export const GENL_ID_CTRL = 16
export const CTRL_CMD_GETFAMILY = 3
/** linux/ethtool_netlink.h (linux/ethtool_netlink_generated.h since 6.14) */
export const ETHTOOL_MSG_LINKMODES_GET = 4
export const ETHTOOL_MSG_FEATURES_GET = 11
export const ETHTOOL_MSG_FEATURES_SET = 12
/** Of a header: only an ACK is wanted. */
export const ETHTOOL_FLAG_OMIT_REPLY = 2

/** struct genlmsghdr, linux/genetlink.h, up to its reserved half */
const genlmsghdr = struct({ cmd: u8, version: u8, reserved: u16 })

/** CTRL_ATTR_*, linux/genetlink.h: what is needed of them. */
export const ctrlBody = messageBody(
  genlmsghdr,
  attributes({ familyId: ['CTRL_ATTR_FAMILY_ID', 1, u16], familyName: ['CTRL_ATTR_FAMILY_NAME', 2, text] }),
)

/** ETHTOOL_A_HEADER_*, linux/ethtool_netlink.h: which device is meant. */
const header = attributes({
  ifindex: ['ETHTOOL_A_HEADER_DEV_INDEX', 1, u32],
  flags: ['ETHTOOL_A_HEADER_FLAGS', 3, u32],
})

/** ETHTOOL_A_LINKMODES_*, linux/ethtool_netlink.h: what is needed of them. */
export const linkModesBody = messageBody(
  genlmsghdr,
  attributes({
    header: ['ETHTOOL_A_LINKMODES_HEADER', 1, nested(header)],
    speed: ['ETHTOOL_A_LINKMODES_SPEED', 5, u32],
  }),
)

/** ETHTOOL_A_BITSET_*, linux/ethtool_netlink.h: bits by their names; a set without a mask lists those that are set. */
const bitset = attributes({
  bits: [
    'ETHTOOL_A_BITSET_BITS',
    3,
    nested(
      repeated(
        'ETHTOOL_A_BITSET_BITS_BIT',
        1,
        nested(attributes({ name: ['ETHTOOL_A_BITSET_BIT_NAME', 2, text] })),
      ),
    ),
  ],
})

/** ETHTOOL_A_FEATURES_*, linux/ethtool_netlink.h: what is needed of them. */
export const featuresBody = messageBody(
  genlmsghdr,
  attributes({
    header: ['ETHTOOL_A_FEATURES_HEADER', 1, nested(header)],
    wanted: ['ETHTOOL_A_FEATURES_WANTED', 3, nested(bitset)],
    active: ['ETHTOOL_A_FEATURES_ACTIVE', 4, nested(bitset)],
  }),
)
