import { ipAddress, type Codec } from '../netlink/codec/index.js'

/** What the text of an address that is no IP address begins with. */
const RAW = '0x'

/**
 * An address of whatever family the message has. IP addresses are text; those of other families (phonet and MCTP have
 * one byte, DECnet two) are bytes in hex, `'0x2a'`, so that one of them in a dump does not end it.
 */
export const networkAddress: Codec<string> = {
  put(writer, value) {
    if (value.startsWith(RAW)) writer.append(Buffer.from(value.slice(RAW.length), 'hex'))
    else ipAddress.put(writer, value)
  },
  get(view, at, end) {
    if (end - at === 4 || end - at === 16) return ipAddress.get(view, at, end)
    return RAW + Buffer.from(view.buffer, view.byteOffset + at, end - at).toString('hex')
  },
}
