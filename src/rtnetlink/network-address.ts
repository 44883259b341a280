import { ipAddress, linkAddress, type Codec } from '../netlink/codec/index.js'

/**
 * An address of whatever family the message has. IP addresses are text; those of other families (phonet and MCTP have
 * one byte, DECnet two) are bytes in hex, so that one of them in a dump does not end it.
 */
export const networkAddress: Codec<string> = {
  put: (writer, value) => {
    ipAddress.put(writer, value)
  },
  get: (view, at, end) => (end - at === 4 || end - at === 16 ? ipAddress : linkAddress).get(view, at, end),
}
