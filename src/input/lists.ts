import { inline, outline, type AnyDeclaration, type Declaration, type InputOf } from './declaration.js'
import { isList, within, type Fault } from './fault.js'
import { scalar } from './scalars.js'

/** A list of equal elements, without holes. */
export const list = <T>(
  elements: Declaration<T>,
  words = `a list, each ${elements.words}`,
): Declaration<readonly T[]> =>
  outline(
    {
      words,
      elements,
      faultIn(value) {
        if (!isList(value)) return { problem: 'type', path: '', value, expected: words }
        for (let i = 0; i < value.length; i++) {
          const fault = elements.faultIn(value[i])
          if (fault) return within(i, fault)
        }
        return undefined
      },
    },
    constants => `
      if (!Array.isArray(value)) return false
      for (let i = 0; i < value.length; i++) {
        const element = value[i]
        if (!(${elements.expression('element', constants)})) return false
      }
      return true`,
  )

type Elements<D extends readonly AnyDeclaration[]> = { readonly [I in keyof D]: InputOf<D[I]> }

/** A list of exactly these elements. */
export function tuple<const D extends readonly AnyDeclaration[]>(
  words: string,
  ...elements: D
): Declaration<Elements<D>> {
  const faultIn = (value: unknown): Fault | undefined => {
    if (!isList(value) || value.length !== elements.length)
      return { problem: 'type', path: '', value, expected: words }
    for (const [i, element] of elements.entries()) {
      const fault = element.faultIn(value[i])
      if (fault) return within(i, fault)
    }
    return undefined
  }
  return inline(
    { words, forms: elements, faultIn },
    (value, constants) => `${constants.nameOf((given: unknown) => faultIn(given) === undefined)}(${value})`,
  )
}

/** Anything that can be gone through; its elements are looked at as they come. */
export const iterable = <T>(words: string): Declaration<Iterable<T>> => scalar(words, isIterable)

const isIterable = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Partial<Iterable<unknown>>)[Symbol.iterator] === 'function'
