import { lookup, scalar, type Declaration } from '../../input/index.js'
import { fixed, type FixedCodec } from './codec.js'

/** Names of numbers, with the number for those that have no name. */
export interface NamedNumbers<N extends string> {
  readonly numbers: Readonly<Record<N, number>>
  /** The number of a name; numbers pass. Throws TypeError for an unknown name. */
  toNumber(value: N | number): number
  /** The name of a number, or the number where it has none. */
  toName(value: number): N | number
}

/** Declares names of numbers: `namedNumbers('route scope', { link: 253, host: 254 })`. */
export function namedNumbers<N extends string>(
  what: string,
  numbers: Readonly<Record<N, number>>,
): NamedNumbers<N> {
  const numberOf = lookup(Object.entries<number>(numbers))
  const names = new Map(Object.entries<number>(numbers).map(([name, number]) => [number, name as N]))
  return {
    numbers,
    toNumber(value) {
      if (typeof value === 'number') return value
      const number = numberOf(value)
      if (number !== undefined) return number
      throw new TypeError(
        `'${value}' is no ${what}: expected a number or one of ${Object.keys(numbers).join(', ')}`,
      )
    },
    toName: value => names.get(value) ?? value,
  }
}

/** One of the names, or a number from `min` to `max`. */
export const nameOrNumber = <N extends string>(
  { numbers }: NamedNumbers<N>,
  min: number,
  max: number,
): Declaration<N | number> => {
  const names = Object.keys(numbers)
  return scalar(
    `one of ${names.map(name => `'${name}'`).join(', ')}, or a whole number from ${min} to ${max}`,
    value =>
      names.includes(value as string) ||
      (Number.isInteger(value) && (value as number) >= min && (value as number) <= max),
    value =>
      [
        ...names.map(name => `${value} === ${JSON.stringify(name)}`),
        `Number.isInteger(${value}) && ${value} >= ${min} && ${value} <= ${max}`,
      ].join(' || '),
    value => (typeof value === 'number' ? 'range' : 'type'),
  )
}

/** A number that is a name in the value: `named(u8, scopes)`. */
export const named = <N extends string>(
  codec: FixedCodec<number>,
  names: NamedNumbers<N>,
): FixedCodec<N | number> => ({
  ...fixed(
    codec.size,
    codec.alignment,
    (view, at) => names.toName(codec.read(view, at)),
    (view, at, value) => {
      codec.write(view, at, names.toNumber(value))
    },
  ),
  input: nameOrNumber(names, codec.scalar?.min ?? 0, codec.scalar?.max ?? 0),
})
