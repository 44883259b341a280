import type { ExitCode } from './exit-codes.js'
import type { Terminal } from './terminal.js'

/** An option of a command. */
export interface Option {
  readonly type: 'boolean' | 'string'
  readonly short?: string
  /** What help calls the value of a string: `'NAME'`. */
  readonly value?: string
  /** The values that there are; any, if they are not listed. */
  readonly choices?: readonly string[]
  /** Where bash finds the values: names of interfaces or of network namespaces. */
  readonly completes?: 'device' | 'netns'
  readonly about: string
}

export type Options = Readonly<Record<string, Option>>

export type ValuesOf<O extends Options> = {
  readonly [Name in keyof O]?: O[Name]['type'] extends 'boolean' ? boolean : string
}

/** Something that stands behind the name of a command. */
export interface Operand {
  readonly name: string
  readonly optional?: boolean
  readonly choices?: readonly string[]
  /** Where bash finds the values: ids of containers. */
  readonly completes?: 'container'
}

/** What a command is called with. */
export interface Call<O extends Options = Options> {
  readonly options: ValuesOf<O>
  readonly operands: readonly string[]
  readonly terminal: Terminal
  /**
   * For a command that goes on until it is ended: from the call on, SIGINT and SIGTERM abort the signal instead of ending the
   * process.
   */
  readonly interruption: () => AbortSignal
}

export type Group = 'netlink' | 'containers' | 'other'

/** A command, as the command line, the help and the completion know it. */
export interface Command<O extends Options = Options> {
  readonly name: string
  readonly group: Group
  /** One line, which begins with a verb. */
  readonly about: string
  readonly operands?: readonly Operand[]
  readonly options: O
  /** Arguments, and what they are good for. */
  readonly examples: readonly { readonly line: string; readonly about: string }[]
  /** What has to be known beside the options. */
  readonly notes?: string
  run(call: Call<O>): Promise<ExitCode>
}

/** Declares a command: the types of its options follow from their declaration. */
export const command = <const O extends Options>(declared: Command<O>): Command => declared
