import type { Removal } from '../../index.js'
import { EXIT, type ExitCode } from '../exit-codes.js'
import { jsonText } from '../json-text.js'
import { printable } from '../printable.js'
import type { Terminal } from '../terminal.js'

/** Says what was removed and what could not be. */
export function showRemoval(removal: Removal, json: boolean | undefined, terminal: Terminal): ExitCode {
  const { containers, removed, left } = removal
  if (json) terminal.write(`${jsonText(removal)}\n`)
  else {
    const lines = [
      ...containers.map(id => `removed container ${id}`),
      ...removed.map(what => `done: ${what}`),
      ...left.map(what => `left: ${what}`),
    ]
    terminal.write(`${lines.length > 0 ? lines.map(printable).join('\n') : 'nothing to remove'}\n`)
  }
  return left.length === 0 ? EXIT.fine : EXIT.failed
}
