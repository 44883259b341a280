import { EXIT, type ExitCode } from './exit-codes.js'
import { printable } from './printable.js'

/** The command line is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const PRIVILEGE = new Set(['EPERM', 'EACCES', 'ERR_NOT_PERMITTED'])

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | undefined)?.code

/** Of an option that is well-formed, and names what is not there: the error of whoever has looked. */
const hasCause = (error: unknown): boolean => error instanceof Error && error.cause !== undefined

/** What the process ends with because of an error. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError || (codeOf(error) === 'ERR_INVALID_OPTION' && !hasCause(error)))
    return EXIT.usage
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
    if (PRIVILEGE.has(codeOf(cause) ?? '')) return EXIT.privilege
  return EXIT.failed
}

/** An error in one line. */
export const lineOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error))
    .split('\n')
    .map(line => printable(line.trim()))
    .filter(line => line !== '')
    .join('; ')
