import { attributes, binary, text, u32, type Infer } from './codec/index.js'
import { littleEndian } from './codec/byte-order.js'
import { align } from './codec/writer.js'
import { NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_DONE, NLMSG_ERROR } from './constants.js'
import { NLMSG_HDRLEN, type Message } from './message.js'

/** enum nlmsgerr_attrs, linux/netlink.h */
export const extAckAttributes = attributes({
  message: ['NLMSGERR_ATTR_MSG', 1, text],
  offset: ['NLMSGERR_ATTR_OFFS', 2, u32],
  policy: ['NLMSGERR_ATTR_POLICY', 4, binary],
  missingType: ['NLMSGERR_ATTR_MISS_TYPE', 5, u32],
  missingNest: ['NLMSGERR_ATTR_MISS_NEST', 6, u32],
})

export type ExtAck = Infer<typeof extAckAttributes>

/** What an NLMSG_ERROR or NLMSG_DONE says: 0 or a negative errno, and the kernel's extended acknowledgement. */
export interface Acknowledgement {
  errno: number
  extAck: ExtAck
}

/**
 * Reads an NLMSG_ERROR (errno, the request's header or with CAP_ACK off its whole, attributes) or an NLMSG_DONE
 * (errno, attributes): netlink_ack and netlink_dump_done in net/netlink/af_netlink.c.
 */
export function readAcknowledgement(message: Message): Acknowledgement {
  return { errno: message.errno, extAck: (message.flags & NLM_F_ACK_TLVS) === 0 ? {} : readExtAck(message) }
}

/** An NLMSG_ERROR of a request that was carried out and of which nothing is remarked quotes its header alone. */
const BARE_LENGTH = NLMSG_HDRLEN + 4 + NLMSG_HDRLEN

/**
 * The sequence number of the request that is carried out, where what was received says that and nothing more; else
 * undefined. That is the answer to nearly all requests: it is read off the bytes, and no object is made of it.
 */
export const bareAcknowledgement = (received: DataView): number | undefined =>
  received.byteLength === BARE_LENGTH &&
  received.getUint32(0, littleEndian) === BARE_LENGTH &&
  received.getUint16(4, littleEndian) === NLMSG_ERROR &&
  received.getInt32(NLMSG_HDRLEN, littleEndian) === 0
    ? received.getUint32(8, littleEndian)
    : undefined

function readExtAck(message: Message): ExtAck {
  const { payload } = message
  const at = message.type === NLMSG_DONE ? 4 : 4 + quotedLength(message, payload)
  return at <= payload.byteLength ? extAckAttributes.get(payload, at, payload.byteLength) : {}
}

/** How much of the request an NLMSG_ERROR quotes: the header only where it succeeded or the quote is capped. */
function quotedLength({ flags, errno }: Message, payload: DataView): number {
  if (payload.byteLength < 8) return NLMSG_HDRLEN
  const whole = (flags & NLM_F_CAPPED) === 0 && errno !== 0
  return whole ? align(payload.getUint32(4, littleEndian)) : NLMSG_HDRLEN
}
