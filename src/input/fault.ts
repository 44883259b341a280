/**
 * What is wrong with a value that a caller gave: an `unknown` member, one that goes with another form of the object
 * (`misplaced`), a `missing` one, a wrong `type`, or a number out of `range`.
 */
export type Problem = 'unknown' | 'misplaced' | 'missing' | 'type' | 'range'

/** The first thing that is wrong with what a caller gave. */
export interface Fault {
  readonly problem: Problem
  /** Where it is: `'actions[1].dev'`, `''` for the value as a whole. */
  readonly path: string
  /** What was found there. */
  readonly value: unknown
  /** What should be there, in words: `'true or false'`, `'a whole number from 0 to 255'`. */
  readonly expected: string
  /** Of an unknown member: the name that was probably meant. */
  readonly nearest?: string | undefined
}

/** The same fault, seen from the object or list whose member `name` holds the value. */
export function within(name: string | number, fault: Fault): Fault {
  const head = typeof name === 'number' ? `[${name}]` : name
  const glue = fault.path === '' || fault.path.startsWith('[') ? '' : '.'
  return { ...fault, path: `${head}${glue}${fault.path}` }
}

/**
 * One line for the person who reads it: `unknown 'options', did you mean 'actions'?`, `actions[1].dev is missing:
 * expected an interface name or index`. `whole` is what the value as a whole is called.
 */
export function faultText(fault: Fault, whole: string): string {
  const { problem, path, value, expected, nearest } = fault
  switch (problem) {
    case 'unknown':
      return `unknown '${path}'${nearest === undefined ? `: expected ${expected}` : `, did you mean '${nearest}'?`}`
    case 'misplaced':
      return `'${path}' ${expected}`
    case 'missing':
      return `${path === '' ? whole : path} is missing: expected ${expected}`
    case 'type':
    case 'range':
      return `${path === '' ? whole : path} is ${shown(value)}: expected ${expected}`
  }
}

const SHOWN_CHARACTERS = 60

/** A value in a message. Nothing of the value itself is called: a getter, a Proxy or `toString` could do anything. */
export function shown(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `'${value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value}'`
    case 'bigint':
      return `${value}n`
    case 'object':
      if (value instanceof Uint8Array) return `${value.length} bytes`
      return value === null ? 'null' : isList(value) ? 'a list' : 'an object'
    case 'function':
      return 'a function'
    case 'symbol':
      return 'a symbol'
    default:
      return String(value)
  }
}

/** Array.isArray, which throws for a Proxy that was revoked. */
export function isList(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value)
  } catch {
    return false
  }
}
