import type { Codec } from '../netlink/codec/index.js'

/** Kinds by the kernel's name of them. */
export type Registry<Kind> = Readonly<Record<string, Kind>>

/** The kind's entry; undefined for one that is not modelled. */
export const kindNamed = <Kind>(registry: Registry<Kind>, name: string): Kind | undefined =>
  Object.hasOwn(registry, name) ? registry[name] : undefined

/** The codecs of a registry by kind, for `byKind`. What a codec puts is what `toWire` of the same kind made. */
export const codecsOf = (
  registry: Registry<{ codec: Codec<unknown, never> }>,
): Record<string, Codec<unknown>> =>
  Object.fromEntries(Object.entries(registry).map(([name, { codec }]) => [name, codec as Codec<unknown>]))
