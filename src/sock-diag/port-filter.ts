import { littleEndian } from '../netlink/codec/byte-order.js'

/** INET_DIAG_BC_*, linux/inet_diag.h: the local port is at least, at most. */
const INET_DIAG_BC_S_GE = 2
const INET_DIAG_BC_S_LE = 3

/** sizeof(struct inet_diag_bc_op): code, where to go on if true, and if not, relative to the op. */
const OP_SIZE = 4

/** A comparison is two ops, the second of which holds the port in `no`. */
const COMPARISON = 2 * OP_SIZE

/**
 * INET_DIAG_REQ_BYTECODE that lets sockets with a local port from `first` to `last` through. A socket passes when the
 * program ends just behind its last op, and is left out when it ends 4 bytes further (inet_diag_bc_run,
 * net/ipv4/inet_diag.c).
 */
export function localPortFilter([first, last]: readonly [first: number, last: number]): Uint8Array {
  for (const port of [first, last]) {
    if (!Number.isInteger(port) || port < 0 || port > 0xffff) {
      throw new RangeError(`localPorts: ${port} is not a port: expected a whole number from 0 to 65535`)
    }
  }
  if (first > last) throw new RangeError(`localPorts: ${first} to ${last} is no range`)
  const comparisons = [
    [INET_DIAG_BC_S_GE, first],
    [INET_DIAG_BC_S_LE, last],
  ] as const
  const view = new DataView(new ArrayBuffer(COMPARISON * comparisons.length))
  comparisons.forEach(([code, port], i) => {
    const at = i * COMPARISON
    view.setUint8(at, code)
    view.setUint8(at + 1, COMPARISON)
    view.setUint16(at + 2, view.byteLength - at + OP_SIZE, littleEndian)
    view.setUint16(at + OP_SIZE + 2, port, littleEndian)
  })
  return new Uint8Array(view.buffer)
}
