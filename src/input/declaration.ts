import type { Fault } from './fault.js'
import { generate } from './generate.js'

/**
 * What a value that a caller gives has to be. One declaration gives the TypeScript type ({@link InputOf}), the check,
 * the words of the error, and what tests walk.
 */
export interface Declaration<T> {
  /** Never set: it carries the type, in both directions, so that a declaration and a type that differ do not compile. */
  readonly type?: (value: T) => T
  /** What is expected: `'true or false'`, `'a whole number from 0 to 255'`. */
  readonly words: string
  /** True where the value is as declared. Made at the first use, for this declaration alone: it is on the hot path. */
  accepts(value: unknown): boolean
  /** What is wrong with a value that is not accepted: the first fault, undefined where there is none. */
  faultIn(value: unknown): Fault | undefined
  /** A JavaScript expression that is true where the variable `value` is accepted. */
  expression(value: string, constants: Constants): string
  /** The members of an object. */
  readonly members?: ReadonlyMap<string, Member>
  /** Names that an object may have beside its members, and that are passed over. */
  readonly passedOver?: ReadonlySet<string>
  /** The elements of a list. */
  readonly elements?: AnyDeclaration
  /** What a value is one of. */
  readonly forms?: readonly AnyDeclaration[]
  /** The members of each form, where a member chooses it: `"kind 'u32'"`. */
  readonly formNames?: readonly string[]
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the only type every declaration is assignable to
export type AnyDeclaration = Declaration<any>

/** A member that may be left out. */
export interface Optional<T> {
  readonly optional: Declaration<T>
}

/** A member of an object as tests and checks see it. */
export interface Member {
  readonly declaration: AnyDeclaration
  readonly required: boolean
}

/** The type of the values that a declaration accepts. */
export type InputOf<D> = D extends { readonly type?: (value: infer T) => unknown } ? T : never

/** A member that may be left out, or be undefined. */
export const optional = <T>(declaration: Declaration<T>): Optional<T> => ({ optional: declaration })

/** What generated source refers to, by the names it has there. */
export class Constants {
  readonly values: Record<string, unknown> = {}
  #count = 0

  /** The name of a value in the source. */
  nameOf(value: unknown): string {
    const name = `c${this.#count++}`
    this.values[name] = value
    return name
  }
}

interface Parts {
  readonly words: string
  faultIn(value: unknown): Fault | undefined
  readonly members?: ReadonlyMap<string, Member>
  readonly passedOver?: ReadonlySet<string>
  readonly elements?: AnyDeclaration
  readonly forms?: readonly AnyDeclaration[]
  readonly formNames?: readonly string[]
}

/** A declaration whose check is one expression, written into the check of whatever it is part of. */
export function inline<T>(
  parts: Parts,
  expression: (value: string, constants: Constants) => string,
): Declaration<T> {
  return complete(parts, expression, constants => `value => ${expression('value', constants)}`)
}

/** A declaration whose check is a function of its own: `body` ends with a `return`. */
export function outline<T>(parts: Parts, body: (constants: Constants) => string): Declaration<T> {
  const declaration: Declaration<T> = complete(
    parts,
    (value, constants) => `${constants.nameOf(declaration)}.accepts(${value})`,
    constants => `value => { ${body(constants)} }`,
  )
  return declaration
}

function complete<T>(
  parts: Parts,
  expression: Declaration<T>['expression'],
  source: (constants: Constants) => string,
): Declaration<T> {
  const declaration: Declaration<T> = {
    ...parts,
    expression,
    // Most programs use a few of all declarations: a check is made at the first use, and put in its place.
    accepts(value) {
      const constants = new Constants()
      declaration.accepts =
        generate<(value: unknown) => boolean>(constants.values, source(constants)) ??
        (given => declaration.faultIn(given) === undefined)
      return declaration.accepts(value)
    },
  }
  return declaration
}
