import { textThat } from '../../input/index.js'
import { copyOf, fixed, type Codec, type FixedCodec } from './codec.js'
import { DecodeError } from './decode-error.js'
import { ipVersion, isIpv4, isIpv6 } from './ip-version.js'

/** A dotted IPv4 address as a number in host order. Throws TypeError on anything else. */
export function ipv4ToNumber(address: string): number {
  if (!isIpv4(address)) throw new TypeError(`'${address}' is not an IPv4 address`)
  return address.split('.').reduce((value, part) => value * 256 + Number(part), 0)
}

/** The dotted form of an IPv4 address given in host order. */
export const numberToIpv4 = (value: number): string =>
  `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`

/** An IPv4 address, `'10.9.0.2'`, in network order. */
export const ipv4: FixedCodec<string> = {
  ...fixed(
    4,
    4,
    (view, at) => numberToIpv4(view.getUint32(at)),
    (view, at, value: string) => {
      view.setUint32(at, ipv4ToNumber(value))
    },
  ),
  input: textThat("an IPv4 address such as '10.9.0.2'", isIpv4),
}

const isAddress = (text: string): boolean => ipVersion(text) !== 0 && !text.includes('%')

/** An IP address of either family: 4 bytes are IPv4, 16 bytes IPv6 in the form of RFC 5952. */
export const ipAddress: Codec<string> = {
  put(writer, value) {
    if (isIpv6(value)) writer.append(ipv6ToBytes(value))
    else if (isIpv4(value)) ipv4.put(writer, value)
    else throw new TypeError(`'${value}' is not an IP address`)
  },
  get(view, at, end) {
    if (end - at === 4) return ipv4.read(view, at)
    if (end - at === 16) return bytesToIpv6(copyOf(view, at, end))
    throw new DecodeError(`an IP address has 4 or 16 bytes, not ${end - at}`)
  },
  input: textThat("an IP address such as '10.9.0.2', without a zone", isAddress),
}

/** An IPv6 address as four 32-bit words, the first one first. Throws TypeError for a zone. */
export function ipv6ToWords(address: string): number[] {
  const view = new DataView(ipv6ToBytes(address).buffer)
  return [0, 4, 8, 12].map(at => view.getUint32(at))
}

/** The text of an IPv6 address, RFC 5952, of its four words. */
export function wordsToIpv6(words: readonly number[]): string {
  const view = new DataView(new ArrayBuffer(16))
  for (const [i, word] of words.entries()) view.setUint32(4 * i, word)
  return bytesToIpv6(new Uint8Array(view.buffer))
}

/** The one text of an IPv6 address that can be written in several ways: that of RFC 5952. Throws TypeError for a zone. */
export const canonicalIpv6 = (address: string): string => bytesToIpv6(ipv6ToBytes(address))

const LINK_ADDRESS = /^[0-9a-f]{1,2}(:[0-9a-f]{1,2})*$/i

/** A link-layer address of any length, `'02:00:0a:09:00:02'`; `''` where the device has none, as tunnels. */
export const linkAddress: Codec<string> = {
  put(writer, value) {
    if (value !== '') writer.append(linkAddressToBytes(value))
  },
  get: (view, at, end) =>
    Array.from(copyOf(view, at, end), byte => byte.toString(16).padStart(2, '0')).join(':'),
  input: textThat(
    "a link-layer address such as '02:00:0a:09:00:02'",
    text => text === '' || LINK_ADDRESS.test(text),
  ),
}

/** The bytes of `'02:00:0a:09:00:02'`. Throws TypeError on anything else. */
export function linkAddressToBytes(address: string): Uint8Array {
  if (!LINK_ADDRESS.test(address)) {
    throw new TypeError(`'${address}' is not a link-layer address like 02:00:0a:09:00:02`)
  }
  return Uint8Array.from(address.split(':'), part => parseInt(part, 16))
}

/** RFC 4291 section 2.2, all three text forms. A zone (`%eth0`) is refused: the kernel takes it as an ifindex elsewhere. */
function ipv6ToBytes(address: string): Uint8Array {
  if (address.includes('%')) throw new TypeError(`'${address}' has a zone; give the device separately`)
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address)
  if (dotted?.[1] && dotted[2]) {
    const low = ipv4ToNumber(dotted[2])
    return ipv6ToBytes(`${dotted[1]}${(low >>> 16).toString(16)}:${(low & 0xffff).toString(16)}`)
  }
  const [head = '', tail] = address.split('::')
  const groups = (side: string): number[] =>
    side === '' ? [] : side.split(':').map(group => parseInt(group, 16))
  const left = groups(head)
  const right = tail === undefined ? [] : groups(tail)
  const middle = new Array<number>(8 - left.length - right.length).fill(0)
  return Uint8Array.from([...left, ...middle, ...right].flatMap(group => [group >> 8, group & 255]))
}

/**
 * RFC 5952: lower case, the longest run of zero groups (two or more, the first of equals) as `::`; an IPv4-mapped
 * address as `::ffff:10.9.0.2` (section 5).
 */
function bytesToIpv6(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer)
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(i * 2))
  if (groups.slice(0, 6).join() === '0,0,0,0,0,65535') return `::ffff:${numberToIpv4(view.getUint32(12))}`
  const run = longestZeroRun(groups)
  const hex = (part: number[]): string => part.map(group => group.toString(16)).join(':')
  if (run.length < 2) return hex(groups)
  return `${hex(groups.slice(0, run.start))}::${hex(groups.slice(run.start + run.length))}`
}

function longestZeroRun(groups: number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let length = 0
  groups.forEach((group, i) => {
    length = group === 0 ? length + 1 : 0
    if (length > best.length) best = { start: i - length + 1, length }
  })
  return best
}
