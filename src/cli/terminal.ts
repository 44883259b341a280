/** Where a command writes, and what can be shown there. */
export interface Terminal {
  /** Writes text to standard output as it is. */
  write(text: string): void
  /** Writes one line to standard error. */
  warn(line: string): void
  /** Whether standard output is a terminal. */
  readonly isTerminal: boolean
  /** Columns of the terminal; undefined if standard output is a file or a pipe: nothing is cut there. */
  readonly width?: number | undefined
  /** Whether colours may be used. */
  readonly coloured: boolean
  /** Asks a question and returns the answer; undefined if nobody can be asked. */
  readonly ask?: ((question: string) => Promise<string>) | undefined
}

/** Whether a stream shows colours: it is a terminal that knows them, and nobody has set NO_COLOR (no-color.org). */
export const showsColours = (isTerminal: boolean, env: NodeJS.ProcessEnv): boolean =>
  isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
