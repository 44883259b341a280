import type { Codec, Infer } from '../../netlink/codec/index.js'
import type { DeviceNames } from '../../netlink/message-type.js'
import type { tcfT } from './generic.js'

/** What every kind of action has in TCA_ACT_OPTIONS. */
export interface ActionWire {
  parms?: { index: number; refcnt: number; bindcnt: number }
  tm?: Infer<typeof tcfT>
}

/** One kind of action: TCA_ACT_OPTIONS on the wire, as typed fields, and in the words of `tc`. */
export interface ActionKind<Fields extends object, Wire extends ActionWire, WireIn = Wire> {
  readonly codec: Codec<Wire, WireIn>
  toWire(fields: Fields, devices: DeviceNames): WireIn
  fromWire(wire: Wire, devices: DeviceNames): Fields
  /** What follows the kind on the command line. */
  words(fields: Fields): string[]
}

/** An entry of the registry, where the kind is known at run time only. */
export interface AnyActionKind {
  readonly codec: Codec<unknown, never>
  toWire(fields: never, devices: DeviceNames): unknown
  fromWire(wire: never, devices: DeviceNames): object
  words(fields: never): string[]
}
