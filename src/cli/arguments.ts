import { parseArgs } from 'node:util'
import { nearest } from '../input/nearest.js'
import type { Command, Operand, Option } from './command.js'
import { UsageError } from './failure.js'

/** What was found behind the name of a command. */
export interface Arguments {
  readonly options: Readonly<Record<string, string | boolean>>
  readonly operands: readonly string[]
}

const HELP: Option = { type: 'boolean', short: 'h', about: 'show this help' }

/** The options that a command takes, `--help` among them. */
export const optionsOf = ({ options }: Command): Readonly<Record<string, Option>> => ({
  ...options,
  help: HELP,
})

/**
 * Reads what follows the name of a command.
 *
 * @throws UsageError that names the nearest known option
 */
export function parseArguments(command: Command, args: readonly string[]): Arguments {
  const known = optionsOf(command)
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      Object.entries(known).map(([name, { type, short }]) => [name, { type, ...(short && { short }) }]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const options: Record<string, string | boolean> = {}
  const operands: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value)
    if (token.kind !== 'option') continue
    const value = valueOf(token, known)
    if (typeof value === 'string' && token.name in options)
      throw new UsageError(`--${token.name} is given twice: it takes one value`)
    options[token.name] = value
  }
  if (options['help'] !== true) checkOperands(command, operands)
  return { options, operands }
}

interface OptionToken {
  readonly name: string
  readonly rawName: string
  readonly value: string | undefined
  readonly inlineValue: boolean | undefined
}

function valueOf({ name, rawName, value, inlineValue }: OptionToken, known: Record<string, Option>) {
  const option = Object.hasOwn(known, name) ? known[name] : undefined
  if (option === undefined) throw new UsageError(`there is no option ${rawName}${meant(rawName, known)}`)
  if (option.type === 'boolean') {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value`)
    return true
  }
  if (value === undefined || value === '' || (value.startsWith('-') && !inlineValue))
    throw new UsageError(`${rawName} needs a value: ${rawName} ${option.value}`)
  if (option.choices) checkChoice(rawName, value, option.choices)
  return value
}

/** The nearest option, as a clause. */
function meant(rawName: string, known: Record<string, Option>): string {
  const near = rawName.startsWith('--') ? nearest(rawName.slice(2), Object.keys(known)) : undefined
  return near === undefined ? `: there are ${namesOf(known)}` : `: did you mean --${near}?`
}

const namesOf = (known: Record<string, Option>): string =>
  Object.keys(known)
    .map(name => `--${name}`)
    .join(', ')

function checkChoice(what: string, value: string, choices: readonly string[]): void {
  if (choices.includes(value)) return
  const near = choices.length > 1 ? nearest(value, choices) : undefined
  throw new UsageError(
    `${what} is '${value}': ${near === undefined ? `expected ${choices.join(', ')}` : `did you mean ${near}?`}`,
  )
}

function checkOperands({ name, operands: wanted = [] }: Command, given: readonly string[]): void {
  wanted.forEach((operand, i) => {
    checkOperand(name, operand, given[i])
  })
  const surplus = given[wanted.length]
  if (surplus !== undefined) throw new UsageError(`${name} does not take '${surplus}'`)
}

function checkOperand(command: string, { name, optional, choices }: Operand, given: string | undefined) {
  if (given === undefined && !optional) throw new UsageError(`${command} needs ${name}`)
  if (given !== undefined && choices) checkChoice(name, given, choices)
}
