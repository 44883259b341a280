import { canonicalIpv6 } from '../netlink/codec/addresses.js'
import { ipVersion } from '../netlink/codec/ip-version.js'
import type { IpFamily } from './address-family.js'

/** An IP address and how many of its bits are the network's. */
export interface Prefix {
  family: IpFamily
  /** In the form in which addresses are listed: `'fe80::1'`, however the caller wrote it. */
  address: string
  length: number
}

/** Bits of an address. */
export const addressBits = (family: IpFamily): number => (family === 'inet' ? 32 : 128)

/**
 * Reads `'10.9.0.2/24'` or `'fd00::/8'`; without a length all bits count. Throws TypeError that names `member` for
 * anything else, and for a family that is not the one asked for.
 */
export function parsePrefix(member: string, text: string, family?: IpFamily): Prefix {
  const [address = '', bits, ...rest] = text.split('/')
  const version = ipVersion(address)
  const parsed: IpFamily = version === 4 ? 'inet' : 'inet6'
  const length = bits === undefined ? addressBits(parsed) : /^\d{1,3}$/.test(bits) ? Number(bits) : NaN
  if (version === 0 || rest.length > 0 || address.includes('%') || !(length <= addressBits(parsed))) {
    throw new TypeError(`${member}: '${text}' is not an IP address or prefix like 10.9.0.0/24`)
  }
  if (family !== undefined && family !== parsed)
    throw new TypeError(`${member}: '${text}' is not of the family ${family}`)
  return { family: parsed, address: version === 6 ? canonicalIpv6(address) : address, length }
}

/** The family of an IP address. Throws TypeError that names `member` for anything else, and for a family that is not the one asked for. */
export function familyOf(member: string, address: string, asked?: IpFamily): IpFamily {
  const { family, length } = parsePrefix(member, address, asked)
  if (length !== addressBits(family))
    throw new TypeError(`${member}: '${address}' is a prefix, expected an address`)
  return family
}

/** An IP address in the form in which addresses are listed, to be compared with those. Throws TypeError that names `member`. */
export function canonicalAddress(member: string, text: string): string {
  familyOf(member, text)
  return parsePrefix(member, text).address
}

/** The zero address of a family. */
export const anyAddress = (family: IpFamily): string => (family === 'inet' ? '0.0.0.0' : '::')
