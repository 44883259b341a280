import { lookup } from '../../input/index.js'
import { binary } from './bytes.js'
import type { AnyCodec, Codec, Infer, InferInput, Siblings } from './codec.js'

type Kinds = Record<string, AnyCodec>

/** What `byKind` decodes: one of the kinds' values, or the raw bytes of a kind that is not declared. */
export type KindOut<K extends Kinds> = { [N in keyof K]: Infer<K[N]> }[keyof K] | Uint8Array
export type KindIn<K extends Kinds> = { [N in keyof K]: InferInput<K[N]> }[keyof K] | Uint8Array

/**
 * An attribute whose content depends on the sibling `field`, as TCA_OPTIONS does on TCA_KIND, which has to come first.
 * Kinds that are not declared keep their raw bytes, and raw bytes are accepted for any kind.
 */
export function byKind<K extends Kinds>(
  field: string,
  kinds: K,
  otherwise: Codec<Uint8Array> = binary,
): Codec<KindOut<K>, KindIn<K>> {
  const kindOf = lookup<AnyCodec>(Object.entries(kinds))
  const select = (siblings: Siblings | undefined): Codec<unknown, unknown> =>
    kindOf(siblings?.[field]) ?? otherwise
  return {
    parts: Object.values(kinds),
    partFor: select,
    members: { nameOf: (type, siblings) => select(siblings).members?.nameOf(type, siblings) },
    put(writer, value, siblings) {
      if (value instanceof Uint8Array) writer.append(value)
      else select(siblings).put(writer, value, siblings)
    },
    get: (view, at, end, siblings) => select(siblings).get(view, at, end, siblings) as KindOut<K>,
    locate: (view, at, end, offset, siblings) =>
      select(siblings).locate?.(view, at, end, offset, siblings) ?? [],
  }
}
