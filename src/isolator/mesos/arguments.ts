import { readFileSync } from 'node:fs'
import { IsolatorError } from '../isolator-error.js'

/** Whether a flag may stand without a value (`--flag`, `--no-flag`). */
export type FlagForm = 'boolean' | 'value'

/** What a command line says of the flags one asked for. */
export interface Arguments {
  /** The value of each flag that is given, by its name without dashes; of a boolean one, a word or `''`. */
  readonly values: ReadonlyMap<string, string>
  /** Every other argument as it stands, in order; all of them from `--` on. */
  readonly rest: string[]
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
])

/**
 * Takes the flags of a command line apart as Mesos does (stout/flags/flags.hpp): `--name=value`, `--name`, `--no-name`,
 * names in either case, each at most once, nothing after `--`. `--name value` is taken too. A value `file:///path`
 * stands for what is in that file.
 *
 * @param form of a flag; undefined leaves the argument among the rest
 * @throws IsolatorError ERR_INVALID_OPTION for a repeated flag, a missing or surplus value, a file that cannot be read
 */
export function takeArguments(
  argv: readonly string[],
  form: (name: string) => FlagForm | undefined,
): Arguments {
  const values = new Map<string, string>()
  const rest: string[] = []
  const words = argv.values()
  let word = words.next()
  while (word.done !== true) {
    const argument = word.value
    word = words.next()
    if (argument.trim() === '--') return { values, rest: [...rest, argument, ...following(word, words)] }
    const flag = flagIn(argument, form)
    if (flag === undefined) {
      rest.push(argument)
      continue
    }
    if (values.has(flag.name))
      throw refuseFlag(flag.name, argument, 'it is given twice: expected it at most once')
    const next = word.done === true || !belongsTo(flag, word.value) ? undefined : word.value
    if (next !== undefined) word = words.next()
    values.set(flag.name, contentOf(flag.name, valueOf(flag, next)))
  }
  return { values, rest }
}

/** Flags from the environment, `MESOS_ETH0_NAME` for `eth0_name`; those of the command line come first. */
export function takeEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  names: readonly string[],
): Map<string, string> {
  const given = names.map((name): [string, string | undefined] => [
    name,
    environment[`MESOS_${name.toUpperCase()}`],
  ])
  return new Map(
    given.flatMap(([name, value]) => (value === undefined ? [] : [[name, contentOf(name, value)]])),
  )
}

/**
 * A boolean as Mesos writes it; the empty text is true.
 *
 * @throws IsolatorError ERR_INVALID_OPTION
 */
export function readBoolean(text: string, flag: string): boolean {
  const value = text === '' ? true : BOOLEANS.get(text)
  if (value === undefined) throw refuseFlag(flag, text, `'${text}' is not a boolean: expected true or false`)
  return value
}

/** The error of a flag that does not say what it should. */
export function refuseFlag(flag: string, value: unknown, problem: string, cause?: unknown): IsolatorError {
  const name = `--${flag}`
  return new IsolatorError('ERR_INVALID_OPTION', `${name}: ${problem}`, {
    details: { option: name, value },
    cause,
  })
}

interface Flag {
  readonly name: string
  readonly form: FlagForm
  readonly negated: boolean
  /** What follows the `=`. */
  readonly value: string | undefined
}

function flagIn(argument: string, form: (name: string) => FlagForm | undefined): Flag | undefined {
  const [, no, given = '', value] = /^\s*--(no-)?([^=]+?)(?:=(.*?))?\s*$/is.exec(argument) ?? []
  const name = given.toLowerCase()
  const found = form(name)
  return found === undefined ? undefined : { name, form: found, negated: no !== undefined, value }
}

/** Whether the next argument is the value of a flag without `=`. */
const belongsTo = ({ form, negated, value }: Flag, next: string): boolean =>
  value === undefined && !negated && (form === 'boolean' ? BOOLEANS.has(next) : !next.startsWith('--'))

function valueOf({ name, form, negated, value }: Flag, next: string | undefined): string {
  if (form === 'value') {
    if (negated) throw refuseFlag(name, `--no-${name}`, `--no- is for booleans: expected --${name}=value`)
    const text = value ?? next
    if (text === undefined)
      throw refuseFlag(name, undefined, `its value is missing: expected --${name}=value`)
    return text
  }
  if (!negated) return value ?? next ?? ''
  if (value !== undefined && value !== '')
    throw refuseFlag(name, value, `--no-${name} takes no value, and '${value}' is given`)
  return 'false'
}

function contentOf(flag: string, value: string): string {
  const [, path] = /^file:\/\/(.+)$/s.exec(value) ?? []
  if (path === undefined) return value
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw refuseFlag(flag, value, `'${value}' cannot be read: ${(error as Error).message}`, error)
  }
}

const following = (word: IteratorResult<string>, words: Iterable<string>): string[] =>
  word.done === true ? [] : [word.value, ...words]
