import { nearest } from '../../input/nearest.js'
import type { Inspection } from '../../index.js'
import { EXIT, type ExitCode } from '../exit-codes.js'
import { printable } from '../printable.js'
import type { Terminal } from '../terminal.js'

/** Says that there is no container of an id, and which one is near. */
export function unknown(id: string, { containers }: Inspection, terminal: Terminal): ExitCode {
  const ids = containers.map(container => container.id)
  const near = ids.length > 1 ? nearest(id, ids) : undefined
  const hint = near === undefined ? 'rtnetlink list shows those that there are' : `did you mean ${near}?`
  terminal.warn(`rtnetlink: there is no container '${printable(id)}': ${printable(hint)}`)
  return EXIT.found
}
