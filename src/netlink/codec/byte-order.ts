/** True where the CPU stores the low byte first. Netlink speaks the host's byte order. */
export const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1
