import type { Scalar } from './codec.js'

type MaybeScalar = { readonly scalar?: Scalar }

/**
 * Makes a function of JavaScript source, in which `constants` are known by their names. One that is written out for a
 * single declaration runs several times faster than one that serves all of them: V8 sees in each place one shape and
 * one callee, and inlines. Undefined where the process forbids it (`node --disallow-code-generation-from-strings`).
 *
 * The source is made of declarations, never of what came from outside.
 */
export function generate<F>(constants: Readonly<Record<string, unknown>>, source: string): F | undefined {
  try {
    // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call
    return new Function(...Object.keys(constants), `'use strict'; return ${source}`)(
      ...Object.values(constants),
    ) as F
  } catch (error) {
    if (error instanceof EvalError) return undefined
    throw error
  }
}

/** The source that reads the value of a codec, known as `codec`, at the expression `at`. */
export const readSource = ({ scalar }: MaybeScalar, codec: string, at: string): string =>
  scalar ? `view.${scalar.get}(${at}, ${scalar.littleEndian})` : `${codec}.read(view, ${at})`

/** The source that writes the variable `value`. What is out of range is left to the codec, which knows what to throw. */
export function writeSource({ scalar }: MaybeScalar, codec: string, at: string, value: string): string {
  const otherwise = `${codec}.write(view, ${at}, ${value})`
  if (!scalar) return otherwise
  const { set, min, max, littleEndian } = scalar
  return `if (Number.isInteger(${value}) && ${value} >= ${min} && ${value} <= ${max}) view.${set}(${at}, ${value}, ${littleEndian})
    else ${otherwise}`
}

/** Calls `make` when it is first asked, and gives what it made from then on. */
export function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}
