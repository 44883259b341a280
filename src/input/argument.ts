import type { AnyDeclaration } from './declaration.js'
import { faultText, type Fault } from './fault.js'

/** What a public function takes as one of its arguments, for tests that go through all of them. */
export interface Argument {
  /** The function: `'RtnetlinkSocket.open'`, `'filters.add'`. */
  readonly of: string
  /** What the argument is called there: `'options'`. */
  readonly name: string
  readonly declaration: AnyDeclaration
  readonly required: boolean
}

const declared: Argument[] = []

/** Every argument that is declared by the modules loaded so far. */
export const declaredArguments = (): readonly Argument[] => declared

/** Throws unless a value is what an argument has to be. */
export type ArgumentCheck = (value: unknown) => void

/** How an argument is declared: for the function `of`, which calls it `name`. */
export type Declare = (
  of: string,
  name: string,
  declaration: AnyDeclaration | { readonly optional: AnyDeclaration },
) => ArgumentCheck

/**
 * A way to declare arguments whose faults are thrown as the errors that `errorOf` makes of them. Each half of the
 * package has its own errors.
 */
export function argumentsRefusedAs(
  errorOf: (text: string, fault: Fault, argument: Argument) => Error,
): Declare {
  return (
    of: string,
    name: string,
    given: AnyDeclaration | { readonly optional: AnyDeclaration },
  ): ArgumentCheck => {
    const [declaration, required] = 'optional' in given ? [given.optional, false] : [given, true]
    const argument = { of, name, declaration, required }
    declared.push(argument)
    return value => {
      if ((value === undefined && !required) || declaration.accepts(value)) return
      const fault = declaration.faultIn(value) ?? changing(value)
      throw errorOf(`${of}: ${faultText(fault, name)}`, fault, argument)
    }
  }
}

/** Of a getter or a Proxy that gave something else the second time. */
const changing = (value: unknown): Fault => ({
  problem: 'type',
  path: '',
  value,
  expected: 'an object that stays as it is while it is read',
})

/**
 * Declares what a public function takes: `const check = argument('RtnetlinkSocket.open', 'options', socketOptions)`,
 * then `check(options)` throws a RangeError for a number out of range, and a TypeError for everything else.
 */
export const argument: Declare = argumentsRefusedAs((text, { problem }) =>
  problem === 'range' ? new RangeError(text) : new TypeError(text),
)
