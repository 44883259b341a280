import {
  boolean,
  namesOf,
  number,
  object,
  oneOf,
  optional,
  passingOver,
  text,
  whole,
  type Declaration,
  type InputOf,
  type Optional,
} from '../input/index.js'
import { checkedObject } from '../netlink/checked-object.js'
import { carriedBy } from '../netlink/codec/carried-by.js'
import { ipAddress, u32, type Infer, type InferInput } from '../netlink/codec/index.js'
import { nameOrNumber } from '../netlink/codec/named.js'
import type { Uncarried } from '../netlink/uncarried.js'
import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from '../netlink/constants.js'
import { deviceIndex, deviceInput, deviceName } from '../netlink/devices.js'
import type { DeviceNames } from '../netlink/message-type.js'
import type { ObjectType, Restoration, Verb } from '../netlink/object-type.js'
import type { IpFamily } from './address-family.js'
import {
  addressFlagBits,
  addressFlagNames,
  settableAddressFlags,
  settableFlagsSet,
  type AddressFlag,
  type AddressFlags,
} from './address-flags.js'
import { addressMessages, addressProtocols, type addressBody } from './address-messages.js'
import { defined } from './defined.js'
import { addressBits, canonicalAddress, parsePrefix } from './prefix.js'
import { addressRestoration } from './restoration.js'
import { scopes, type Scope } from './scopes.js'
import { deviceWord } from '../netlink/device-word.js'
import { shellWord } from '../netlink/shell-word.js'

const keyMembers = object({
  dev: deviceInput,
  /** The local address: `'10.9.0.2'`, or with its prefix length `'10.9.0.2/24'`. */
  address: text("an IP address such as '10.9.0.2' or '10.9.0.2/24'"),
  /** Default: all bits of the address. Of a point-to-point address that of the peer. */
  prefixLength: optional(whole(0, 128)),
  /** The far end of a point-to-point address. */
  peer: optional(text('an IP address')),
})

/** What says which address of which device is meant. */
export interface AddressKey extends InputOf<typeof keyMembers> {}

const lifetime = number(0, Infinity, 'a number of seconds, or Infinity')

const specMembers = object({
  broadcast: optional(carriedBy(ipAddress)),
  anycast: optional(carriedBy(ipAddress)),
  /** Name of an IPv4 address as old tools show it: the device's, or the device's, a colon and a word. */
  label: optional(text()),
  /** Default: `'host'` for 127.0.0.0/8, else `'global'`. */
  scope: optional(nameOrNumber(scopes, 0, 0xff)),
  /** Seconds until the address is removed. Default: never, `Infinity`. */
  validLifetime: optional(lifetime),
  /** Seconds until new connections avoid it. Default: never, `Infinity`. */
  preferredLifetime: optional(lifetime),
  /** Metric of the route to the prefix. */
  metric: optional(carriedBy(u32)),
  /** Who made the address. */
  protocol: optional(nameOrNumber(addressProtocols, 0, 0xff)),
})

/** An address as it is asked for; the words are those of `ip address`. */
export interface AddressSpec extends AddressKey, AddressFlags, InputOf<typeof specMembers> {}

/** An address as the kernel describes it. */
export interface Address extends AddressSpec {
  dev: string
  ifindex: number
  family: IpFamily
  prefixLength: number
  scope: Scope
  flags: AddressFlag[]
  /** Seconds since boot. */
  created?: number
  /** Seconds since boot. */
  updated?: number
}

/** What a listed address has beside what it was made of. */
const state: Readonly<Record<Exclude<keyof Address | keyof Uncarried, keyof AddressSpec>, true>> = {
  ...{ ifindex: true, family: true, flags: true, created: true, updated: true, uncarried: true },
}

const flagMembers = object(
  Object.fromEntries(settableAddressFlags.map(name => [name, optional(boolean)])) as {
    [K in keyof AddressFlags]-?: Optional<boolean>
  },
)

const listed = passingOver<AddressKey>(keyMembers, Object.keys(state))
const spec: Declaration<AddressSpec> = object({}, listed, specMembers, flagMembers)
const key: Declaration<AddressKey> = passingOver<AddressKey>(keyMembers, namesOf(spec))

const query = object({
  dev: optional(deviceInput),
  family: optional(oneOf('inet', 'inet6')),
  scope: optional(nameOrNumber(scopes, 0, 0xff)),
  /** One address, without a prefix length. */
  address: optional(carriedBy(ipAddress)),
  label: optional(text()),
})

/** Which addresses to list; all where nothing is said. */
export interface AddressQuery extends InputOf<typeof query> {}

type Body = Infer<typeof addressBody>
type BodyInput = InferInput<typeof addressBody>

/** INFINITY_LIFE_TIME, net/addrconf.h */
const FOREVER = 0xffff_ffff

const addresses: ObjectType<AddressSpec, AddressKey, AddressQuery, Address> = {
  name: 'address',
  messages: addressMessages,
  flags: { add: NLM_F_CREATE | NLM_F_EXCL, replace: NLM_F_CREATE | NLM_F_REPLACE, change: NLM_F_REPLACE },

  toNew(spec, devices): BodyInput {
    const body = byKey(spec, devices)
    const flags = addressFlagBits(spec)
    return {
      ...body,
      scope: spec.scope ?? (spec.address.startsWith('127.') ? 'host' : 'global'),
      attributes: {
        ...body.attributes,
        broadcast: spec.broadcast,
        anycast: spec.anycast,
        label: spec.label,
        metric: spec.metric,
        protocol: spec.protocol,
        flags: flags === 0 ? undefined : flags,
        cacheinfo: lifetimes(spec),
      },
    }
  },

  toDelete: byKey,

  toGet(key, devices) {
    const body = byKey(key, devices)
    if (body.family === 'inet6') return { ...body, prefixlen: 0 }
    throw new TypeError('the kernel gets single addresses of IPv6 only: use list({ dev, address })')
  },

  toDump: ({ dev, family }, devices): BodyInput => ({
    family: family ?? 'unspec',
    index: dev === undefined ? 0 : deviceIndex(devices, dev),
  }),

  matches: (found, { dev, family, scope, address, label }, devices) =>
    isIp(found.family) &&
    (dev === undefined || found.ifindex === deviceIndex(devices, dev)) &&
    (family === undefined || found.family === family) &&
    (scope === undefined || found.scope === scope) &&
    (address === undefined || found.address === canonicalAddress('address', address)) &&
    (label === undefined || found.label === label),

  fromBody: (body, devices) => fromBody(body as Body, devices),
  identity: ({ ifindex, address, prefixLength, peer = '' }) =>
    `${ifindex} ${address}/${prefixLength} ${peer}`,
  restoration: addressRestoration as Restoration<AddressSpec, Address>,
  passing: ['validLifetime', 'preferredLifetime'],
  command,
}

/** IP addresses of devices: `ip address`, net/ipv4/devinet.c and net/ipv6/addrconf.c. */
export const address = checkedObject('addresses', { spec, key, query }, addresses)

/** Other families (phonet, MCTP) answer a dump of all. */
const isIp = (family: string | number): boolean => family === 'inet' || family === 'inet6'

function byKey(
  key: AddressKey,
  devices: DeviceNames,
): BodyInput & { attributes: { local: string; address: string } } {
  const { family, address, prefixLength, peer } = readKey(key)
  return {
    family,
    prefixlen: prefixLength,
    index: deviceIndex(devices, key.dev),
    attributes: { local: address, address: peer ?? address },
  }
}

function readKey({ address, prefixLength, peer }: AddressKey): {
  family: IpFamily
  address: string
  prefixLength: number
  peer: string | undefined
} {
  const local = parsePrefix('address', address)
  const far = peer === undefined ? undefined : parsePrefix('peer', peer, local.family)
  const length = prefixLength ?? (far ?? local).length
  if (!Number.isInteger(length) || length < 0 || length > addressBits(local.family)) {
    throw new RangeError(`prefixLength: ${length} is not a prefix length of ${address}`)
  }
  return { family: local.family, address: local.address, prefixLength: length, peer: far?.address }
}

function lifetimes({
  validLifetime,
  preferredLifetime,
}: AddressSpec): { valid: number; prefered: number } | undefined {
  if (validLifetime === undefined && preferredLifetime === undefined) return undefined
  const seconds = (lifetime = Infinity): number => (lifetime === Infinity ? FOREVER : lifetime)
  return { valid: seconds(validLifetime), prefered: seconds(preferredLifetime ?? validLifetime) }
}

function fromBody(
  { family, prefixlen, flags, scope, index, attributes: a }: Body,
  devices: DeviceNames,
): Address {
  const bits = a.flags ?? flags
  const lifetime = (seconds: number): number => (seconds === FOREVER ? Infinity : seconds)
  return defined({
    dev: deviceName(devices, index),
    ifindex: index,
    family: family as IpFamily,
    address: a.local ?? a.address ?? '',
    prefixLength: prefixlen,
    // IPv4 always tells both, IPv6 the local one only where they differ.
    peer: a.local === undefined || a.local === a.address ? undefined : a.address,
    broadcast: a.broadcast,
    anycast: a.anycast,
    label: a.label,
    scope,
    metric: a.metric,
    protocol: a.protocol,
    ...settableFlagsSet(bits),
    flags: addressFlagNames(bits),
    validLifetime: a.cacheinfo && lifetime(a.cacheinfo.valid),
    preferredLifetime: a.cacheinfo && lifetime(a.cacheinfo.prefered),
    created: a.cacheinfo && a.cacheinfo.cstamp / 100,
    updated: a.cacheinfo && a.cacheinfo.tstamp / 100,
  })
}

function command(verb: Verb, object: AddressSpec | AddressKey): string {
  const { address, prefixLength, peer } = readKey(object)
  const dev = `dev ${deviceWord(object.dev)}`
  if (verb === 'get') return `ip addr show ${dev} to ${address}`
  const local = peer === undefined ? `${address}/${prefixLength}` : `${address} peer ${peer}/${prefixLength}`
  if (verb === 'delete') return `ip addr del ${local} ${dev}`
  return [`ip addr ${verb} ${local}`, ...settingWords(object), dev].join(' ')
}

function settingWords(spec: AddressSpec): string[] {
  const lifetime = (seconds: number): string => (seconds === Infinity ? 'forever' : String(seconds))
  const words = {
    broadcast: spec.broadcast,
    anycast: spec.anycast,
    label: spec.label,
    scope: spec.scope,
    metric: spec.metric,
    proto: spec.protocol,
    valid_lft: spec.validLifetime === undefined ? undefined : lifetime(spec.validLifetime),
    preferred_lft: spec.preferredLifetime === undefined ? undefined : lifetime(spec.preferredLifetime),
  }
  return [
    ...Object.entries(words).flatMap(([word, value]) =>
      value === undefined ? [] : [`${word} ${shellWord(value)}`],
    ),
    ...settableAddressFlags.filter(flag => spec[flag]),
  ]
}
