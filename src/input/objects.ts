import {
  outline,
  type AnyDeclaration,
  type Declaration,
  type InputOf,
  type Member,
  type Optional,
} from './declaration.js'
import { isList, within, type Fault } from './fault.js'
import { nearest, oneOfNames } from './nearest.js'

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the only type every member is assignable to
type Members = Readonly<Record<string, Declaration<any> | Optional<any>>>

type OptionalNames<M> = { [K in keyof M]: M[K] extends Optional<infer _T> ? K : never }[keyof M]

// Mapped over the names of M itself, so that the docs of its members are those of the type.
type RequiredMembers<M, K extends keyof M> = { [P in K]: InputOf<M[P]> }
type OptionalMembers<M, K extends keyof M> = {
  [P in K]?: M[P] extends Optional<infer T> ? T | undefined : never
}

/** The type of an object with these members. */
export type Shape<M> = RequiredMembers<M, Exclude<keyof M, OptionalNames<M>>> &
  OptionalMembers<M, OptionalNames<M>>

/** A declared object. Its type keeps the members as they are written, so that their docs are in the published types. */
export interface ObjectDeclaration<M, B = unknown> extends Declaration<Shape<M> & B> {}

type Intersection<U> = (U extends unknown ? (member: U) => void : never) extends (member: infer I) => void
  ? I
  : never

/** The type of an object with the members of all of these. */
type BasesShape<B extends readonly AnyDeclaration[]> = B extends readonly []
  ? unknown
  : Intersection<InputOf<B[number]>>

/**
 * An object with these members, and those of `bases`; any other name is refused. Docs that are written at a member here
 * are those of the type's member:
 *
 *     const options = object({
 *       /** Packets that may wait. *\/
 *       limit: optional(whole()),
 *     })
 *     export interface Options extends InputOf<typeof options> {}
 *
 * Members are read as the code that uses them reads them, inherited ones and getters included. A value that is no plain
 * object and has none of the members is refused: it was meant for something else.
 */
export function object<M extends Members, const B extends readonly AnyDeclaration[] = readonly []>(
  members: M,
  ...bases: B
): ObjectDeclaration<M, BasesShape<B>> {
  return objectOf(membersOf(members, bases), passedOverBy(bases))
}

/**
 * The same object, where these names are passed over: what the kernel adds to an object when it lists it, so that what
 * was listed can be handed in again.
 */
export const passingOver = <T>(declaration: Declaration<T>, names: Iterable<string>): Declaration<T> =>
  objectOf(
    declaration.members ?? new Map(),
    new Set([...(declaration.passedOver ?? []), ...names].filter(name => !declaration.members?.has(name))),
  )

/** The names that a declaration knows: members, and what it passes over, of all its forms. */
export function namesOf({ members, passedOver, forms = [] }: AnyDeclaration): Set<string> {
  return new Set([
    ...(members?.keys() ?? []),
    ...(passedOver ?? []),
    ...forms.flatMap(form => [...namesOf(form)]),
  ])
}

function membersOf(members: Members, bases: readonly AnyDeclaration[]): Map<string, Member> {
  const all = new Map<string, Member>()
  for (const base of bases) for (const [name, member] of base.members ?? []) all.set(name, member)
  for (const [name, member] of Object.entries(members)) {
    all.set(
      name,
      'optional' in member
        ? { declaration: member.optional as AnyDeclaration, required: false }
        : { declaration: member, required: true },
    )
  }
  return all
}

const passedOverBy = (bases: readonly AnyDeclaration[]): Set<string> =>
  new Set(bases.flatMap(({ passedOver = new Set<string>() }) => [...passedOver]))

function objectOf<T>(members: ReadonlyMap<string, Member>, passedOver: ReadonlySet<string>): Declaration<T> {
  const names = [...members.keys()]
  const required = names.filter(name => members.get(name)?.required)
  const words =
    required.length > 0 ? `an object with ${required.join(', ')}` : `an object with ${optionalWords(names)}`
  return outline(
    { words, members, passedOver, faultIn: value => faultInObject(value, members, passedOver, words) },
    constants => {
      const known = constants.nameOf(new Set([...names, ...passedOver]))
      const isPlainName = constants.nameOf(isPlain)
      // Names that were known in the same places of an earlier object: nearly all objects of a program look alike, and
      // to compare one name takes a tenth of finding it among all.
      const before = constants.nameOf([])
      return `
        if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
        let place = 0
        for (const name in value) {
          if (name !== ${before}[place]) {
            if (!${known}.has(name)) return false
            ${before}[place] = name
          }
          place++
        }
        let member, empty = true
        ${Array.from(members, ([name, { declaration, required }]) => {
          const accepted = declaration.expression('member', constants)
          return `
            if ((member = value[${JSON.stringify(name)}]) !== undefined) {
              empty = false
              if (!(${accepted})) return false
            }${required ? ' else return false' : ''}`
        }).join('')}
        return ${required.length > 0 ? 'true' : `!empty || ${isPlainName}(value)`}`
    },
  )
}

const optionalWords = (names: readonly string[]): string =>
  names.length === 0 ? 'no members' : oneOfNames(names)

function faultInObject(
  value: unknown,
  members: ReadonlyMap<string, Member>,
  passedOver: ReadonlySet<string>,
  words: string,
): Fault | undefined {
  const noObject: Fault = { problem: 'type', path: '', value, expected: words }
  if (typeof value !== 'object' || value === null || isList(value)) return noObject
  const values = value as Record<string, unknown>
  let empty = true
  let fault: Fault | undefined
  for (const [name, { declaration, required }] of members) {
    const member = values[name]
    if (member !== undefined) {
      empty = false
      const inside = declaration.faultIn(member)
      if (inside) fault ??= within(name, inside)
    } else if (required) {
      fault ??= { problem: 'missing', path: name, value: undefined, expected: declaration.words }
    }
  }
  // First what is unknown: it is the cause where the name of a required member is misspelt.
  return unknownIn(values, members, passedOver) ?? (empty && !isPlain(value) ? noObject : fault)
}

function unknownIn(
  values: Record<string, unknown>,
  members: ReadonlyMap<string, Member>,
  passedOver: ReadonlySet<string>,
): Fault | undefined {
  for (const name in values) {
    if (members.has(name) || passedOver.has(name)) continue
    const names = [...members.keys()]
    return {
      problem: 'unknown',
      path: name,
      value: values[name],
      expected: oneOfNames(names),
      nearest: nearest(
        name,
        names.filter(known => values[known] === undefined),
      ),
    }
  }
  return undefined
}

/** Made by `{}` or without a prototype, in whichever realm. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
