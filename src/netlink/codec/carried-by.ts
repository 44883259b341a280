import {
  object,
  optional,
  type Declaration,
  type ObjectDeclaration,
  type Optional,
} from '../../input/index.js'
import type { Attribute } from './attributes.js'
import type { AnyCodec, InferInput } from './codec.js'

/** What a caller may hand in for a codec: `carriedBy(u16)` is a whole number from 0 to 65535. */
export function carriedBy<C extends AnyCodec>({ input }: C): Declaration<InferInput<C>> {
  if (!input) throw new Error('this codec does not say what it carries: declare it with `input`')
  return input as Declaration<InferInput<C>>
}

type Carried<D extends Readonly<Record<string, Attribute>>, K extends keyof D> = {
  [P in K]: Optional<InferInput<D[P][2]>>
}

/** An object of these attributes of a set, under the names and with the values that they have there, all optional. */
export const carriedByAttributes = <
  D extends Readonly<Record<string, Attribute>>,
  K extends keyof D & string,
>(
  declarations: D,
  names: readonly K[],
): ObjectDeclaration<Carried<D, K>> =>
  object(
    Object.fromEntries(
      names.map(name => [name, optional(carriedBy(declarations[name]?.[2] as AnyCodec))]),
    ) as never,
  )
