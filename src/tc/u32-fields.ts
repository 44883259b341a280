/** Bits of one 32-bit word of the packet: the word's offset, and which of its bits in network order. */
export interface WordField {
  readonly at: number
  readonly mask: number
}

/*
 * Where the fields of headers are, as u32 keys count: IPv4 and Ethernet from the IPv4 header, transport fields from the
 * transport header.
 */

/** RFC 791 section 3.1 */
export const ipv4Fields = {
  ihl: { at: 0, mask: 0x0f000000 },
  dsfield: { at: 0, mask: 0x00ff0000 },
  /** More fragments, and the fragment's offset. */
  fragment: { at: 4, mask: 0x00003fff },
  protocol: { at: 8, mask: 0x00ff0000 },
  sourceAddress: { at: 12, mask: 0xffffffff },
  destinationAddress: { at: 16, mask: 0xffffffff },
} as const satisfies Record<string, WordField>

/** The Ethernet header is the 14 bytes before the network header, so an address lies across two words. */
export const ethernetFields = {
  destinationMac: [
    { at: -16, mask: 0x0000ffff },
    { at: -12, mask: 0xffffffff },
  ],
  sourceMac: [
    { at: -8, mask: 0xffffffff },
    { at: -4, mask: 0xffff0000 },
  ],
  etherType: { at: -4, mask: 0x0000ffff },
} as const

/** RFC 9293 section 3.1, RFC 768; RFC 792 */
export const transportFields = {
  sourcePort: { at: 0, mask: 0xffff0000 },
  destinationPort: { at: 0, mask: 0x0000ffff },
  icmpType: { at: 0, mask: 0xff000000 },
  icmpCode: { at: 0, mask: 0x00ff0000 },
} as const satisfies Record<string, WordField>

/** Length of an IPv4 header without options. */
export const IPV4_HEADER = 20

/** How far the field's bits are from the right. */
export const shiftOf = ({ mask }: WordField): number => 31 - Math.clz32(mask & -mask)
