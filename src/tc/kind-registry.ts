import { lookup } from '../input/index.js'
import { binary, type Codec } from '../netlink/codec/index.js'
import type { DeviceNames } from '../netlink/message-type.js'
import type { Verb } from '../netlink/object-type.js'
import { rawWords } from './tc-command.js'

/** Kinds by the kernel's name of them. One that is not modelled has no entry. */
export interface Registry<Kind> extends Iterable<readonly [name: string, kind: Kind]> {
  get(name: string): Kind | undefined
}

export function registryOf<Kind>(kinds: Readonly<Record<string, Kind>>): Registry<Kind> {
  const entries = Object.entries(kinds)
  return { get: lookup(entries), [Symbol.iterator]: () => entries[Symbol.iterator]() }
}

/** The codecs of a registry by kind, for `byKind`. What a codec puts is what `toWire` of the same kind made. */
export const codecsOf = (
  registry: Registry<{ codec: Codec<unknown, never> }>,
): Record<string, Codec<unknown>> =>
  Object.fromEntries(Array.from(registry, ([name, { codec }]) => [name, codec as Codec<unknown>]))

/** What a qdisc, class or filter has beside its kind. */
interface Kinded {
  readonly kind: string
  readonly options?: Uint8Array | undefined
}

type Kind = {
  codec: Codec<unknown, never>
  toWire(fields: never, devices: DeviceNames, verb: Verb): unknown
  fromWire(wire: never, devices: DeviceNames): object
  words(fields: never, verb: Verb): string[]
}

/** The content of TCA_OPTIONS: as its kind makes it, or the raw bytes of one that is not modelled. */
export function optionsToWire(
  kind: Kind | undefined,
  spec: Kinded,
  devices: DeviceNames,
  verb: Verb,
): unknown {
  return kind ? kind.toWire(spec as never, devices, verb) : spec.options
}

/** The fields that a kind makes of the content of TCA_OPTIONS, or the raw bytes of one that is not modelled. */
export function optionsFromWire(
  kinds: Registry<Kind>,
  name: string,
  options: unknown,
  devices: DeviceNames,
): object {
  if (options === undefined) return {}
  const kind = kinds.get(name)
  // A message may have its kind behind its options, which are bytes then.
  if (!kind || (options instanceof Uint8Array && kind.codec !== binary)) return { options }
  return kind.fromWire(options as never, devices)
}

/** What follows the kind on the command line of `tc`. */
export const kindWords = (kinds: Registry<Kind>, spec: Kinded, verb: Verb): string[] =>
  kinds.get(spec.kind)?.words(spec as never, verb) ?? rawWords('TCA_OPTIONS', spec.options)
