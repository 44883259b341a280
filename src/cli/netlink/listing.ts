import { command, type Command, type Options, type ValuesOf } from '../command.js'
import { EXIT } from '../exit-codes.js'
import { jsonText } from '../json-text.js'
import { loadLibrary, type Library } from '../library.js'
import { checkDevice, deviceOption, jsonOption, netnsOf, netnsOption } from '../shared-options.js'
import { tableLines, type Column } from '../table.js'
import type { NetnsReference } from '../../index.js'

const common = {
  dev: deviceOption('what belongs to this interface alone'),
  json: jsonOption,
  netns: netnsOption,
} as const

type Common = typeof common

/** Where to look, and how. */
export interface Place {
  readonly library: Library
  readonly from: { netns?: NetnsReference }
  /** Says what is missing from the list, on standard error. */
  readonly warn: (line: string) => void
}

/** A command that lists objects of the kernel. */
export interface Listing<T, O extends Options> {
  /** Plural, as on a socket. */
  readonly name: string
  readonly about: string
  /** What it takes besides `--dev`, `--json` and `--netns`. */
  readonly options?: O
  readonly examples: Command['examples']
  readonly notes?: string
  readonly columns: (library: Library) => readonly Column<T>[]
  readonly list: (place: Place, options: ValuesOf<O & Common>) => Promise<T[]>
  /** What the rows of the table show, if it is not one object each as it was listed. */
  readonly rows?: (objects: T[], place: Place) => T[] | Promise<T[]>
}

/** The command: a table for people; with `--json` what the library lists, as `jsonReplacer` writes it. */
export function listing<T, const O extends Options>(declared: Listing<T, O>): Command {
  const { name, about, options, examples, notes, columns, list, rows } = declared
  return command({
    ...{ name, group: 'netlink', about, examples, ...(notes === undefined ? {} : { notes }) },
    options: { ...options, ...common },
    async run({ options, terminal }) {
      checkDevice(options.dev)
      const library = await loadLibrary()
      const warn = (line: string): void => {
        terminal.warn(`rtnetlink: ${line}`)
      }
      const place = { library, from: netnsOf(options.netns), warn }
      const objects = await list(place, options)
      if (options.json) terminal.write(`${jsonText(objects, { replacer: library.jsonReplacer })}\n`)
      else if (objects.length === 0) terminal.write(`no ${name}\n`)
      else {
        const shown = rows === undefined ? objects : await rows(objects, place)
        terminal.write(`${tableLines(columns(library), shown, terminal).join('\n')}\n`)
      }
      return EXIT.fine
    },
  })
}
