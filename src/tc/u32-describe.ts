import { argument, object, oneOf, optional, type InputOf } from '../input/index.js'
import { numberToIpv4 } from '../netlink/codec/index.js'
import { IP_PROTOCOLS } from '../netlink/ip-protocols.js'
import { etherTypeName, type EtherType } from './ether-type.js'
import {
  ethernetFields,
  IPV4_HEADER,
  ipv4Fields,
  shiftOf,
  transportFields,
  type WordField,
} from './u32-fields.js'
import { keyFromWire, keysInput, keysToWire, type U32Key, type U32Keys } from './u32-key.js'

/** What keys match, in terms of headers. Numbers from `first` to `last` are inclusive. */
export type U32Match =
  | { match: 'ihl' | 'dsfield' | 'protocol' | 'icmpType' | 'icmpCode'; value: number }
  | { match: 'sourceAddress' | 'destinationAddress'; prefix: string }
  | { match: 'sourcePort' | 'destinationPort'; first: number; last: number }
  | { match: 'notFragment' | 'firstFragment' | 'notLaterFragment' }
  | { match: 'sourceMac' | 'destinationMac'; address: string }
  | { match: 'etherType'; protocol: EtherType }
  | ({ match: 'key' } & U32Key)

const options = object({
  /**
   * What is at offset 0: the IPv4 header, with the transport header at 20, or the transport header, as in tables behind
   * an offset with `eat`. Default `'network'`.
   */
  header: optional(oneOf('network', 'transport')),
})
export interface DescribeOptions extends InputOf<typeof options> {}

const checkKeys = argument('describeU32Keys', 'keys', keysInput)
const checkOptions = argument('describeU32Keys', 'options', optional(options))

/** What keys match, field by field: the inverse of the builders of `u32`. What is no field of a header comes as `key`. */
export function describeU32Keys(keys: U32Keys, options?: DescribeOptions): U32Match[] {
  checkKeys(keys)
  checkOptions(options)
  const header = options?.header ?? 'network'
  const words = new Words(keysToWire(keys).map(keyFromWire))
  const network = header === 'network' ? networkHeader(words) : []
  const icmp = network.some(found => found.match === 'protocol' && found.value === IP_PROTOCOLS.icmp)
  const transport = transportHeader(words, header === 'network' ? IPV4_HEADER : 0, icmp)
  return [...network, ...transport, ...words.rest().map(key => ({ match: 'key' as const, ...key }))]
}

/** The words of a packet that keys compare, from which recognized fields are taken out. */
class Words {
  readonly #words = new Map<number, { value: number; mask: number }>()
  readonly #others: U32Key[] = []

  constructor(keys: readonly U32Key[]) {
    for (const key of keys) {
      if (key.nextHeader) this.#others.push(key)
      else this.#words.set(key.at, { value: key.value, mask: key.mask })
    }
  }

  /** What the field is compared with: value and mask, shifted to the right. */
  read(field: WordField): { value: number; mask: number } {
    const { value, mask } = this.#words.get(field.at) ?? { value: 0, mask: 0 }
    const shift = shiftOf(field)
    return { value: (value & field.mask) >>> shift, mask: (mask & field.mask) >>> shift }
  }

  /** The field's value, taken out, if all its bits are compared. */
  takeWhole(field: WordField): number | undefined {
    const { value, mask } = this.read(field)
    if (mask !== field.mask >>> shiftOf(field)) return undefined
    this.take(field)
    return value
  }

  take({ at, mask }: WordField): void {
    const word = this.#words.get(at)
    if (word) this.#words.set(at, { value: (word.value & ~mask) >>> 0, mask: (word.mask & ~mask) >>> 0 })
  }

  /** Keys of what was not taken. */
  rest(): U32Key[] {
    const left = [...this.#words].filter(([, { mask }]) => mask !== 0)
    return [...left.map(([at, word]) => ({ at, ...word })), ...this.#others]
  }
}

function networkHeader(words: Words): U32Match[] {
  return [
    ...mac(words, 'destinationMac'),
    ...mac(words, 'sourceMac'),
    ...number(words, ethernetFields.etherType, value => ({
      match: 'etherType',
      protocol: etherTypeName(value),
    })),
    ...number(words, ipv4Fields.ihl, value => ({ match: 'ihl', value })),
    ...number(words, ipv4Fields.dsfield, value => ({ match: 'dsfield', value })),
    ...fragment(words),
    ...number(words, ipv4Fields.protocol, value => ({ match: 'protocol', value })),
    ...prefix(words, 'sourceAddress'),
    ...prefix(words, 'destinationAddress'),
  ]
}

/** The first word of a transport header is ports, but in ICMP its type and code. */
function transportHeader(words: Words, at: number, icmp: boolean): U32Match[] {
  const { icmpType, icmpCode } = transportFields
  return icmp
    ? [
        ...number(words, moved(icmpType, at), value => ({ match: 'icmpType', value })),
        ...number(words, moved(icmpCode, at), value => ({ match: 'icmpCode', value })),
      ]
    : [...ports(words, 'sourcePort', at), ...ports(words, 'destinationPort', at)]
}

const moved = (field: WordField, by: number): WordField => ({ at: field.at + by, mask: field.mask })

function number(words: Words, field: WordField, match: (value: number) => U32Match): U32Match[] {
  const value = words.takeWhole(field)
  return value === undefined ? [] : [match(value)]
}

function prefix(words: Words, match: 'sourceAddress' | 'destinationAddress'): U32Match[] {
  const field = ipv4Fields[match]
  const { value, mask } = words.read(field)
  const length = Math.clz32(~mask)
  const contiguous = length === 32 || (mask << length) >>> 0 === 0
  if (mask === 0 || !contiguous) return []
  words.take(field)
  return [{ match, prefix: `${numberToIpv4(value)}/${length}` }]
}

function ports(words: Words, match: 'sourcePort' | 'destinationPort', at: number): U32Match[] {
  const field = moved(transportFields[match], at)
  const { value, mask } = words.read(field)
  const size = 0x10000 - mask
  if (mask === 0 || (size & (size - 1)) !== 0) return []
  words.take(field)
  return [{ match, first: value, last: value + size - 1 }]
}

function fragment(words: Words): U32Match[] {
  const { value, mask } = words.read(ipv4Fields.fragment)
  const match = FRAGMENTS.find(known => known.value === value && known.mask === mask)?.match
  if (!match) return []
  words.take(ipv4Fields.fragment)
  return [{ match }]
}

const FRAGMENTS = [
  { value: 0x0000, mask: 0x3fff, match: 'notFragment' },
  { value: 0x2000, mask: 0x3fff, match: 'firstFragment' },
  { value: 0x0000, mask: 0x1fff, match: 'notLaterFragment' },
] as const

function mac(words: Words, match: 'sourceMac' | 'destinationMac'): U32Match[] {
  const [high, low] = ethernetFields[match]
  if (
    words.read(high).mask !== high.mask >>> shiftOf(high) ||
    words.read(low).mask !== low.mask >>> shiftOf(low)
  ) {
    return []
  }
  const bits = `${bitsOf(words, high)}${bitsOf(words, low)}`
  const address = bits.match(/../g)?.join(':') ?? ''
  return [{ match, address }]
}

/** The field's value in hex, taken out. */
function bitsOf(words: Words, field: WordField): string {
  const digits = (32 - Math.clz32(field.mask >>> shiftOf(field))) / 4
  return (words.takeWhole(field) ?? 0).toString(16).padStart(digits, '0')
}
