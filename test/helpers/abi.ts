import type { Test } from 'tap'
import { cValues } from './c-values.js'

/** What a declaration of attributes shows of itself. */
interface Declared {
  readonly declarations: Readonly<Record<string, readonly [name: string, type: number, codec: unknown]>>
}

/** What a declaration of a struct shows of itself. */
interface Laid {
  readonly size: number
  readonly offsets: Readonly<Record<string, number>>
}

/** Asserts that every attribute of the sets has the number that C has under its name. */
export function sameNumbers(t: Test, headers: readonly string[], sets: readonly Declared[]): void {
  const declared = sets.flatMap(({ declarations }) => Object.values(declarations))
  const values = cValues(headers, [...new Set(declared.map(([name]) => name))])
  t.ok(declared.length > 0, 'there is something to compare')
  for (const [name, type] of declared) t.equal(type, values.get(name), name)
}

/**
 * Asserts that a struct has C's size and offsets. Members are called as in C, in camel case and without `prefix`;
 * `renamed` has those that are not. Reserved members are left out.
 */
export function sameLayout(
  t: Test,
  headers: readonly string[],
  name: string,
  laid: Laid,
  { prefix = '', renamed = {}, without = [] }: { prefix?: string; renamed?: Record<string, string>; without?: string[] } = {},
): void {
  const members = Object.keys(laid.offsets).filter(member => !/^(pad\d*|reserved)$/.test(member) && !without.includes(member))
  const offsetof = (member: string): string => `offsetof(struct ${name}, ${renamed[member] ?? prefix + snakeCase(member)})`
  const sizeof = `sizeof(struct ${name})`
  const values = cValues(headers, [sizeof, ...members.map(offsetof)])
  if (without.length === 0) t.equal(laid.size, values.get(sizeof), sizeof)
  for (const member of members) t.equal(laid.offsets[member], values.get(offsetof(member)), offsetof(member))
}

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
