import { inline, type Declaration, type Optional } from './declaration.js'
import type { Fault, Problem } from './fault.js'

/** A value without parts: one that `test` lets through. `expression` is the same as source. */
export function scalar<T>(
  words: string,
  test: (value: unknown) => boolean,
  expression?: (value: string) => string,
  problemOf: (value: unknown) => Problem = () => 'type',
): Declaration<T> {
  return inline(
    {
      words,
      faultIn: (value): Fault | undefined =>
        test(value) ? undefined : { problem: problemOf(value), path: '', value, expected: words },
    },
    expression ?? ((value, constants) => `${constants.nameOf(test)}(${value})`),
  )
}

/** `true` or `false`, and nothing that is like them. */
export const boolean: Declaration<boolean> = scalar(
  'true or false',
  value => typeof value === 'boolean',
  value => `typeof ${value} === 'boolean'`,
)

/** A whole number from `min` to `max`. `unit` is said behind the range. */
export const whole = (min = 0, max = 0xffff_ffff, unit = ''): Declaration<number> =>
  wholeNumber(min, max, `a whole number from ${min} to ${max}${unit && ` (${unit})`}`)

/** A whole number of 32 bits that stands for what also has a name: `words` say what it is the number of. */
export const numberOf = (words: string): Declaration<number> => wholeNumber(0, 0xffff_ffff, words)

const wholeNumber = (min: number, max: number, words: string): Declaration<number> =>
  scalar(
    words,
    value => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
    value => `Number.isInteger(${value}) && ${value} >= ${min} && ${value} <= ${max}`,
    value => (typeof value === 'number' ? 'range' : 'type'),
  )

/** A number from `min` to `max`, fractions included; NaN is none. */
export const number = (min = -Infinity, max = Infinity, words = range(min, max)): Declaration<number> =>
  scalar(
    words,
    value => typeof value === 'number' && value >= min && value <= max,
    value => `typeof ${value} === 'number' && ${value} >= ${min} && ${value} <= ${max}`,
    value => (typeof value === 'number' ? 'range' : 'type'),
  )

const range = (min: number, max: number): string =>
  min === -Infinity
    ? 'a number'
    : max === Infinity
      ? `a number from ${min}`
      : `a number from ${min} to ${max}`

/** A bigint from `min` to `max`. */
export const big = (min: bigint, max: bigint): Declaration<bigint> =>
  scalar(
    `a bigint from ${min} to ${max}`,
    value => typeof value === 'bigint' && value >= min && value <= max,
    value => `typeof ${value} === 'bigint' && ${value} >= ${min}n && ${value} <= ${max}n`,
    value => (typeof value === 'bigint' ? 'range' : 'type'),
  )

/** Any text. `words` says what it stands for. */
export const text = (words = 'text'): Declaration<string> =>
  scalar(
    words,
    value => typeof value === 'string',
    value => `typeof ${value} === 'string'`,
  )

/** Any text, of which the type names those that are known: `knownText<RawKind>('the kind of a qdisc')`. */
export const knownText = <T extends string>(words: string): Declaration<T> =>
  text(words) as unknown as Declaration<T>

/** Text that `test` lets through, such as an address; `words` with an example. */
export const textThat = (words: string, test: (text: string) => boolean): Declaration<string> =>
  inline(
    textParts(words, test),
    (value, constants) => `typeof ${value} === 'string' && ${constants.nameOf(test)}(${value})`,
  )

/** Text that is not empty: a name. */
export const name = (words: string): Declaration<string> =>
  inline(
    textParts(words, text => text !== ''),
    value => `typeof ${value} === 'string' && ${value} !== ''`,
  )

const textParts = (words: string, test: (text: string) => boolean) => ({
  words,
  faultIn: (value: unknown): Fault | undefined =>
    typeof value === 'string' && test(value)
      ? undefined
      : { problem: 'type', path: '', value, expected: words },
})

/** One of these words. */
export const oneOf = <const W extends readonly string[]>(...words: W): Declaration<W[number]> =>
  scalar(
    words.length === 1 ? `'${words[0]}'` : `one of ${words.map(word => `'${word}'`).join(', ')}`,
    value => typeof value === 'string' && words.includes(value),
    value => `(${words.map(word => `${value} === ${JSON.stringify(word)}`).join(' || ')})`,
  )

/** Exactly `value`: null, a number, true. */
export const exactly = <const V extends null | number | boolean>(value: V): Declaration<V> =>
  scalar(
    String(value),
    given => given === value,
    given => `${given} === ${String(value)}`,
  )

/** Bytes: a Uint8Array, so a Buffer too. */
export const bytes: Declaration<Uint8Array> = scalar(
  'bytes, as a Uint8Array',
  value => value instanceof Uint8Array,
)

/** A function. `words` says what it is called for; its parameters are for the compiler. */
export const callback = <F extends (...given: never[]) => unknown>(words = 'a function'): Declaration<F> =>
  scalar(
    words,
    value => typeof value === 'function',
    value => `typeof ${value} === 'function'`,
  )

/** An object of a class. It is asked for when it is first needed: classes and what they take refer to each other. */
export const instanceOf = <T>(
  words: string,
  classOf: () => abstract new (...given: never[]) => T,
): Declaration<T> => scalar(words, value => value instanceof classOf())

/** An object that has these methods, whatever else: a socket, a source of something. */
export const having = <T extends object>(
  words: string,
  ...methods: readonly (keyof T & string)[]
): Declaration<T> =>
  scalar(
    words,
    value =>
      typeof value === 'object' &&
      value !== null &&
      methods.every(method => typeof (value as Record<string, unknown>)[method] === 'function'),
  )

/** A member that is absent: it belongs to another form of the object. */
export const absent: Optional<undefined> = {
  optional: scalar(
    'nothing',
    () => false,
    () => 'false',
  ),
}

/** Whatever is given, where only its receiver can tell. */
export const anything: Declaration<unknown> = scalar(
  'anything',
  () => true,
  () => 'true',
)

/** Gives up waiting. */
export const abortSignal: Declaration<AbortSignal> = instanceOf('an AbortSignal', () => AbortSignal)
