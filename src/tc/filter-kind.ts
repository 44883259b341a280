import type { Codec } from '../netlink/codec/index.js'
import type { DeviceNames } from '../netlink/message-type.js'
import type { Verb } from '../netlink/object-type.js'
import type { Handle } from './handle.js'

/** What all kinds of filters have among their fields. */
interface FilterFields {
  handle?: Handle | undefined
}

/**
 * One kind of filter: what its TCA_OPTIONS are on the wire, as typed fields, and in the words of `tc`. A registry of
 * these is all that filter.ts knows of kinds.
 */
export interface FilterKind<Fields extends FilterFields, Wire, WireIn = Wire> {
  readonly codec: Codec<Wire, WireIn>
  /** The number of a handle. Throws TypeError or RangeError on what is none. */
  parseHandle(handle: Handle): number
  formatHandle(handle: number): Handle
  /** Throws RangeError for a handle under which the kernel cannot find a filter. */
  checkExisting?(handle: number): void
  /** Checks the fields; members are in the order of iproute2. */
  toWire(fields: Fields, devices: DeviceNames, verb: Verb): WireIn
  /** The fields but for the handle. */
  fromWire(wire: Wire, devices: DeviceNames): Fields
  /** What follows the kind on the command line. */
  words(fields: Fields, verb: Verb): string[]
}

/** An entry of the registry, where the kind is known at run time only. */
export interface AnyFilterKind {
  readonly codec: Codec<unknown, never>
  parseHandle(handle: Handle): number
  formatHandle(handle: number): Handle
  /** Throws RangeError for a handle under which the kernel cannot find a filter. */
  checkExisting?(handle: number): void
  toWire(fields: never, devices: DeviceNames, verb: Verb): unknown
  fromWire(wire: never, devices: DeviceNames): object
  words(fields: never, verb: Verb): string[]
}
