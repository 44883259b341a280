import type { Test } from 'tap'

type Method = (...args: never[]) => unknown

/**
 * Replaces a method until the test ends. The test fails if nobody has called it by then: what replaces a method that the code
 * does not use any more tests nothing.
 *
 * @param replacement is called with the method that was there, and returns what is there instead
 */
export function replaceMethod<Name extends PropertyKey, T extends Record<Name, Method>>(
  t: Test,
  object: T,
  name: Name,
  replacement: (original: T[Name]) => (this: T, ...args: Parameters<T[Name]>) => ReturnType<T[Name]>,
): void {
  const original = object[name]
  const replaced = replacement(original)
  let calls = 0
  object[name] = function (this: T, ...args: Parameters<T[Name]>) {
    calls++
    return replaced.apply(this, args)
  } as T[Name]
  t.teardown(() => {
    object[name] = original
    if (calls === 0) throw new Error(`${String(name)}() was replaced, and nobody called it`)
  })
}
