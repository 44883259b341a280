import type { Codec } from '../netlink/codec/index.js'

/** Kinds by the kernel's name of them. One that is not modelled has no entry. */
export type Registry<Kind> = ReadonlyMap<string, Kind>

export const registryOf = <Kind>(kinds: Readonly<Record<string, Kind>>): Registry<Kind> =>
  new Map(Object.entries(kinds))

/** The codecs of a registry by kind, for `byKind`. What a codec puts is what `toWire` of the same kind made. */
export const codecsOf = (
  registry: Registry<{ codec: Codec<unknown, never> }>,
): Record<string, Codec<unknown>> =>
  Object.fromEntries(Array.from(registry, ([name, { codec }]) => [name, codec as Codec<unknown>]))
