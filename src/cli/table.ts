import { inColour, type Colour } from './colours.js'
import { printable } from './printable.js'
import type { Terminal } from './terminal.js'

/** What is in a field of a table. Undefined and `''` are empty fields. */
export type Cell = string | number | undefined | Field

/** One column: its title, and what it shows of an object. */
export interface Column<T> {
  readonly title: string
  readonly of: (object: T) => Cell
  /** For numbers. Default: left. */
  readonly align?: 'right'
}

const GAP = '  '

export interface Field {
  readonly text: string
  readonly colour?: Colour | undefined
}

/**
 * The lines of a table, its titles first. A column that is empty in every row is left out. On a terminal, lines are cut at
 * its width.
 */
export function tableLines<T>(
  columns: readonly Column<T>[],
  objects: readonly T[],
  { width, coloured }: Pick<Terminal, 'width' | 'coloured'>,
): string[] {
  const shown = columns
    .map(column => ({ ...column, fields: objects.map(object => fieldOf(column.of(object))) }))
    .filter(({ fields }) => fields.some(({ text }) => text !== ''))
    .map(column => ({ ...column, width: widest([column.title, ...column.fields.map(({ text }) => text)]) }))
  const line = (fieldIn: (column: (typeof shown)[number]) => Field): string =>
    lineOf(
      shown.map(column => padded(fieldIn(column), column.width, column.align)),
      width,
      coloured,
    )
  return [
    line(({ title }) => ({ text: title, colour: 'bold' })),
    ...objects.map((_, row) => line(({ fields }) => fields[row] ?? { text: '' })),
  ]
}

function fieldOf(cell: Cell): Field {
  const { text, ...rest } = typeof cell === 'object' ? cell : { text: cell === undefined ? '' : `${cell}` }
  return { text: printable(text), ...rest }
}

/** In code points. */
const lengthOf = (text: string): number => Array.from(text).length

/** Of any number of texts: a call takes only so many arguments. */
const widest = (texts: readonly string[]): number =>
  texts.reduce((width, text) => Math.max(width, lengthOf(text)), 0)

/** Blanks around a field, which have no colour. */
interface Padded extends Field {
  readonly before: string
  readonly after: string
}

function padded(field: Field, width: number, align: 'right' | undefined): Padded {
  const blanks = ' '.repeat(width - lengthOf(field.text))
  return align === 'right' ? { ...field, before: blanks, after: '' } : { ...field, before: '', after: blanks }
}

function lineOf(fields: readonly Padded[], width = Infinity, coloured: boolean): string {
  let left = width
  const taken = (text: string): string => {
    const cut = cutTo(text, left)
    left -= lengthOf(cut)
    return cut
  }
  // Behind the last text there are blanks alone, of which nothing is cut.
  return fields
    .slice(0, fields.findLastIndex(({ text }) => text !== '') + 1)
    .map(({ text, colour, before, after }, i) => {
      const start = taken((i === 0 ? '' : GAP) + before)
      const inside = taken(text)
      const shown = coloured && colour !== undefined && inside !== '' ? inColour(inside, colour) : inside
      return start + shown + taken(after)
    })
    .join('')
    .trimEnd()
}

/** Text of at most `width` characters; what is cut ends in `…`. */
function cutTo(text: string, width: number): string {
  const characters = Array.from(text)
  if (characters.length <= width) return text
  return width <= 0 ? '' : `${characters.slice(0, width - 1).join('')}…`
}
