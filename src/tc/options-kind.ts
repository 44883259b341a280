import type { Codec } from '../netlink/codec/index.js'

/**
 * One kind of qdisc or class: what its TCA_OPTIONS are on the wire, as typed options, and in the words of `tc`. A
 * registry of these is all that qdisc.ts and class.ts know of kinds.
 */
export interface OptionsKind<Options extends object, Wire, WireIn = Wire> {
  readonly codec: Codec<Wire, WireIn>
  /** What the kernel counts for this kind alone: TCA_STATS_APP and TCA_XSTATS. */
  readonly xstats?: Codec<unknown>
  /** Checks the options; members are in the order of iproute2. Undefined where there is nothing to send. */
  toWire(options: Options): WireIn | undefined
  fromWire(wire: Wire): Options
  /** What follows the kind on the command line. */
  words(options: Options): string[]
}

/** An entry of a registry, where the kind is known at run time only. */
export interface AnyOptionsKind {
  readonly codec: Codec<unknown, never>
  readonly xstats?: Codec<unknown>
  toWire(options: never): unknown
  fromWire(wire: never): object
  words(options: never): string[]
}

/** Words `name value` for options that are set. */
export const optionWords = (options: Readonly<Record<string, string | number | undefined>>): string[] =>
  Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [name, `${value}`]))
