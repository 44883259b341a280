import { argument, object, optional, type ArgumentCheck, type InputOf } from '../input/index.js'
import { carriedBy } from '../netlink/codec/carried-by.js'
import { ipv4ToNumber, linkAddressToBytes, s32 } from '../netlink/codec/index.js'
import { namedNumbers } from '../netlink/codec/named.js'
import { IP_PROTOCOLS } from '../netlink/ip-protocols.js'
import { blockMask } from './aligned-blocks.js'
import { etherTypeNumber, type EtherType } from './ether-type.js'
import {
  ethernetFields,
  IPV4_HEADER,
  ipv4Fields,
  shiftOf,
  transportFields,
  type WordField,
} from './u32-fields.js'
import type { U32Key } from './u32-key.js'
import { wholeNumber } from './whole-number.js'

const ipProtocols = namedNumbers('protocol of IPv4', IP_PROTOCOLS)

/** A protocol of IPv4, by name or number. */
export type IpProtocol = keyof typeof IP_PROTOCOLS | number

const transportPosition = object({
  /** Offset of the transport header. Default 20: behind an IPv4 header without options, so match `u32.ihl(5)` too. */
  at: optional(carriedBy(s32)),
})

/** Where the transport header is. */
export interface TransportPosition extends InputOf<typeof transportPosition> {}

const positionOf = (builder: string): ArgumentCheck =>
  argument(`u32.${builder}`, 'position', optional(transportPosition))

const checkPosition = {
  sourcePort: positionOf('sourcePort'),
  sourcePorts: positionOf('sourcePorts'),
  destinationPort: positionOf('destinationPort'),
  destinationPorts: positionOf('destinationPorts'),
  icmpType: positionOf('icmpType'),
}

/** The field equals `value`, in those of its bits that `bits` has. */
function matchField(field: WordField, value: number, bits = field.mask >>> shiftOf(field), base = 0): U32Key {
  const shift = shiftOf(field)
  return { at: base + field.at, value: (value << shift) >>> 0, mask: (bits << shift) >>> 0 }
}

function offsetOf(builder: keyof typeof checkPosition, position: TransportPosition | undefined): number {
  checkPosition[builder](position)
  return position?.at ?? IPV4_HEADER
}

const matchPorts = (field: WordField, first: number, last: number, at: number): U32Key[] => [
  matchField(field, first, blockMask(first, last), at),
]

function matchPrefix(field: WordField, prefix: string): U32Key[] {
  const [address = '', length = '32'] = prefix.split('/')
  const bits = /^\d+$/.test(length) ? Number(length) : NaN
  if (!(bits <= 32))
    throw new RangeError(`'${prefix}' is not an IPv4 prefix: expected '10.9.0.2' or '10.9.0.0/24'`)
  const mask = bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0
  return [matchField(field, (ipv4ToNumber(address) & mask) >>> 0, mask)]
}

function matchMac([high, low]: readonly [WordField, WordField], address: string): U32Key[] {
  const bytes = linkAddressToBytes(address)
  if (bytes.length !== 6) throw new TypeError(`'${address}' is not an Ethernet address: expected 6 bytes`)
  const number = bytes.reduce((value, byte) => value * 256 + byte, 0)
  const bitsOfLow = 32 - shiftOf(low)
  return [matchField(high, Math.floor(number / 2 ** bitsOfLow)), matchField(low, number % 2 ** bitsOfLow)]
}

/** Part of a word at any offset, aligned down to the word as in `tc`. */
function matchPart(bytes: 1 | 2 | 4, value: number, mask: number, at: number): U32Key[] {
  const max = 2 ** (8 * bytes) - 1
  wholeNumber('value', value, 0, max)
  wholeNumber('mask', mask, 0, max)
  if (at % bytes !== 0)
    throw new RangeError(
      `a match of ${bytes} bytes at ${at}: expected an offset that is a multiple of ${bytes}`,
    )
  const word = Math.floor(at / 4) * 4
  const shift = 8 * (4 - bytes - (at - word))
  return [{ at: word, value: (value << shift) >>> 0, mask: (mask << shift) >>> 0 }]
}

/**
 * Makes the keys of u32 filters: `keys: [u32.protocol('udp'), u32.destinationPorts(31000, 31007)]`. Each gives a list of
 * keys, to be put into `keys` as it is. All have to match.
 */
export const u32 = {
  /** The protocol inside IPv4. */
  protocol: (protocol: IpProtocol): U32Key[] => [
    matchField(ipv4Fields.protocol, wholeNumber('protocol', ipProtocols.toNumber(protocol), 0, 0xff)),
  ],
  /** `'10.9.0.2'` or `'10.9.0.0/24'` */
  sourceAddress: (prefix: string): U32Key[] => matchPrefix(ipv4Fields.sourceAddress, prefix),
  /** `'10.9.0.2'` or `'10.9.0.0/24'` */
  destinationAddress: (prefix: string): U32Key[] => matchPrefix(ipv4Fields.destinationAddress, prefix),

  sourcePort: (port: number, position?: TransportPosition): U32Key[] =>
    matchPorts(transportFields.sourcePort, port, port, offsetOf('sourcePort', position)),
  /** Throws RangeError unless the ports are one aligned power-of-two block: see `alignedBlocks`. */
  sourcePorts: (first: number, last: number, position?: TransportPosition): U32Key[] =>
    matchPorts(transportFields.sourcePort, first, last, offsetOf('sourcePorts', position)),
  destinationPort: (port: number, position?: TransportPosition): U32Key[] =>
    matchPorts(transportFields.destinationPort, port, port, offsetOf('destinationPort', position)),
  /** Throws RangeError unless the ports are one aligned power-of-two block: see `alignedBlocks`. */
  destinationPorts: (first: number, last: number, position?: TransportPosition): U32Key[] =>
    matchPorts(transportFields.destinationPort, first, last, offsetOf('destinationPorts', position)),
  /** The type of an ICMP message, and its code where it is given. */
  icmpType: (type: number, code?: number, position?: TransportPosition): U32Key[] => {
    const at = offsetOf('icmpType', position)
    return [
      matchField(transportFields.icmpType, wholeNumber('type', type, 0, 0xff), 0xff, at),
      ...(code === undefined
        ? []
        : [matchField(transportFields.icmpCode, wholeNumber('code', code, 0, 0xff), 0xff, at)]),
    ]
  },

  /** Whole datagrams, no fragments. */
  notFragment: (): U32Key[] => [matchField(ipv4Fields.fragment, 0)],
  /** The first of several fragments. */
  firstFragment: (): U32Key[] => [matchField(ipv4Fields.fragment, 0x2000)],
  /** Whole datagrams and first fragments: packets that have a transport header. */
  notLaterFragment: (): U32Key[] => [matchField(ipv4Fields.fragment, 0, 0x1fff)],
  /** Length of the IPv4 header in words: 5 is one without options. */
  ihl: (words: number): U32Key[] => [matchField(ipv4Fields.ihl, wholeNumber('ihl', words, 0, 0xf))],

  /** `'02:00:0a:09:00:02'`; only where the device has Ethernet headers. */
  sourceMac: (address: string): U32Key[] => matchMac(ethernetFields.sourceMac, address),
  /** `'02:00:0a:09:00:02'`; only where the device has Ethernet headers. */
  destinationMac: (address: string): U32Key[] => matchMac(ethernetFields.destinationMac, address),
  /** The EtherType before the network header, behind a VLAN tag that the kernel has taken off. */
  etherType: (protocol: EtherType): U32Key[] => [
    matchField(ethernetFields.etherType, etherTypeNumber(protocol)),
  ],

  /** The word at `at`, a multiple of 4; as all offsets it may be negative. */
  match32: (value: number, mask: number, at: number): U32Key[] => matchPart(4, value, mask, at),
  /** The 16 bits at `at`, a multiple of 2. */
  match16: (value: number, mask: number, at: number): U32Key[] => matchPart(2, value, mask, at),
  /** The byte at `at`. */
  match8: (value: number, mask: number, at: number): U32Key[] => matchPart(1, value, mask, at),
}
