import { errnoName, errnoText } from './errno.js'
import { whatWouldHelp } from './missing-privilege.js'

/**
 * A failed system call, in the shape of Node's own system errors: `ENOENT: no such file or directory, open '/nowhere'`
 * with `code`, `errno`, `syscall` and, where one is involved, `path`. The message goes on with what would help, if that is
 * known: the capability that is missing, or the seccomp filter that refuses the call.
 */
export class SystemError extends Error {
  override readonly name: string = 'SystemError'
  /** The name of the errno, `'EPERM'`. */
  readonly code: string
  /** The errno, negative as everywhere in Node. */
  readonly errno: number
  /** The system call that failed, `'socket'`. */
  readonly syscall: string
  /** The file it was about. */
  declare readonly path?: string

  /**
   * @param errno positive or negative
   * @param help what would help; default: the privilege that is missing, if one is
   */
  constructor(errno: number, syscall: string, path?: string, help = whatWouldHelp(errno, syscall, path)) {
    const code = errnoName(errno)
    const where = path === undefined ? syscall : `${syscall} '${path}'`
    super(`${code}: ${asClause(errnoText(errno))}, ${where}${help ? `; ${help}` : ''}`)
    this.code = code
    this.errno = -Math.abs(errno)
    this.syscall = syscall
    if (path !== undefined) this.path = path
  }
}

/** Lower case at the start, as libuv has it, except for acronyms: 'RFS specific error' stays. */
function asClause(text: string): string {
  return /^[A-Z][A-Z.]/.test(text) ? text : text.charAt(0).toLowerCase() + text.slice(1)
}
