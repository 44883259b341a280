import { Constants } from './declaration.js'
import { generate } from './generate.js'

/**
 * A function that finds a value by its name: undefined for any other. It is a switch, written out at the first use: V8
 * compares names by identity there, while a Map goes to their hash each time.
 */
export function lookup<T>(
  values: Iterable<readonly [name: string, value: T]>,
): (name: unknown) => T | undefined {
  let find = (name: unknown): T | undefined => {
    const byName = new Map<unknown, T>(values)
    const constants = new Constants()
    const cases = Array.from(
      byName,
      ([known, value]) => `case ${JSON.stringify(known)}: return ${constants.nameOf(value)}`,
    )
    find =
      generate<typeof find>(constants.values, `name => { switch (name) { ${cases.join('\n')} } }`) ??
      (given => byName.get(given))
    return find(name)
  }
  return name => find(name)
}
