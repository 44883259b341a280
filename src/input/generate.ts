/**
 * Makes a function of JavaScript source, in which `constants` are known by their names, and are `const`: V8 compiles the
 * callee itself into a call of one, not a look at what it is at the moment. A function that is written out for a single
 * declaration runs several times faster than one that serves all of them: V8 sees in each place one shape and one
 * callee, and inlines. Undefined where the process forbids it (`node --disallow-code-generation-from-strings`).
 *
 * The source is made of declarations, never of what came from outside.
 */
export function generate<F>(constants: Readonly<Record<string, unknown>>, source: string): F | undefined {
  const names = Object.keys(constants).join(', ')
  try {
    // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call
    return new Function('constants', `'use strict'; const { ${names} } = constants; return ${source}`)(
      constants,
    ) as F
  } catch (error) {
    if (error instanceof EvalError) return undefined
    throw error
  }
}

/** Calls `make` when it is first asked, and gives what it made from then on. */
export function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}
