import { nearest } from '../input/nearest.js'
import { parseArguments } from './arguments.js'
import type { Call, Command } from './command.js'
import { COMMANDS } from './commands.js'
import { EXIT, type ExitCode } from './exit-codes.js'
import { exitCodeOf, lineOf, UsageError } from './failure.js'
import { commandHelp, generalHelp } from './help.js'
import type { Terminal } from './terminal.js'
import { version } from './version.js'

/**
 * Carries a command line out.
 *
 * @param args what follows `rtnetlink`
 * @param debug shows the stack of an error
 * @returns what the process ends with
 */
export async function run(
  args: readonly string[],
  terminal: Terminal,
  interruption: () => AbortSignal,
  debug = false,
): Promise<ExitCode> {
  try {
    return await carryOut(args, terminal, interruption)
  } catch (error) {
    terminal.warn(`rtnetlink: ${lineOf(error)}`)
    if (debug && error instanceof Error) terminal.warn(error.stack ?? '')
    return exitCodeOf(error)
  }
}

async function carryOut(
  [name, ...rest]: readonly string[],
  terminal: Terminal,
  interruption: () => AbortSignal,
): Promise<ExitCode> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    if (rest[0] !== undefined) return carryOut([rest[0], '--help'], terminal, interruption)
    terminal.write(generalHelp(COMMANDS))
    return name === undefined ? EXIT.usage : EXIT.fine
  }
  if (name === '--version' || name === '-V') {
    terminal.write(`${version()}\n`)
    return EXIT.fine
  }
  const command = commandOf(name)
  const { options, operands } = parseArguments(command, rest)
  if (options['help'] === true) {
    terminal.write(commandHelp(command))
    return EXIT.fine
  }
  return command.run({ options: options as Call['options'], operands, terminal, interruption })
}

function commandOf(name: string): Command {
  const found = COMMANDS.find(command => command.name === name)
  if (found) return found
  if (name.startsWith('-')) throw new UsageError(`${name}: the command comes first, then its options`)
  const near = nearest(
    name,
    COMMANDS.map(({ name }) => name),
  )
  throw new UsageError(
    `there is no command '${name}'${near === undefined ? ': rtnetlink --help lists them' : `: did you mean ${near}?`}`,
  )
}
