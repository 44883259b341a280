import type { Inspection } from '../../index.js'
import { command } from '../command.js'
import { EXIT } from '../exit-codes.js'
import { jsonText } from '../json-text.js'
import { printable } from '../printable.js'
import { jsonOption, netnsOption } from '../shared-options.js'
import { differenceLine } from './difference-line.js'
import { inspect } from './inspect.js'
import { ADOPTS, optionsOption, removeIncompleteOption, withIsolator } from './with-isolator.js'

export const repair = command({
  name: 'repair',
  group: 'containers',
  about: 'put right what is not as it should be, while traffic flows; ends with 1 if anything is left',
  options: {
    options: optionsOption,
    'remove-incomplete': removeIncompleteOption,
    json: jsonOption,
    netns: netnsOption,
  },
  examples: [{ line: 'repair --options agent.json', about: 'the host and all containers' }],
  notes: ADOPTS,
  async run({ options, terminal }) {
    const { removed, repaired, left } = await withIsolator(options, async ({ isolator, from, before }) => {
      const result = await isolator.repair()
      const { found: after } = await inspect(from)
      const removed = removedBetween(before, after)
      return {
        removed,
        // Much is put right by the isolator's coming already.
        repaired: [...repairedBetween(before, after, removed), ...result.repaired.map(differenceLine)],
        left: [...after.faults, ...result.left.map(differenceLine)],
      }
    })
    if (options.json) terminal.write(`${jsonText({ removed, repaired, left })}\n`)
    else {
      const lines = [
        ...removed.map(id => `removed container ${id}`),
        ...repaired.map(line => `repaired: ${line}`),
        ...left.map(line => `left: ${line}`),
      ]
      terminal.write(`${lines.length > 0 ? lines.map(printable).join('\n') : 'nothing to repair'}\n`)
    }
    return left.length === 0 ? EXIT.fine : EXIT.found
  },
})

/** The containers that are gone, by id. What was half made has none: its link names it. */
function removedBetween(before: Inspection, after: Inspection): string[] {
  const there = new Set(after.containers.map(({ id }) => id))
  const links = before.halfMade.filter(fault => !after.halfMade.includes(fault))
  return [
    ...before.containers.filter(({ id }) => !there.has(id)).map(({ id }) => id),
    ...links.map(fault => fault.split(' ')[0] ?? fault),
  ]
}

/** The faults that are gone, but for those of containers that are gone. */
const repairedBetween = (before: Inspection, after: Inspection, removed: readonly string[]): string[] =>
  before.faults.filter(
    fault =>
      !after.faults.includes(fault) &&
      !before.halfMade.includes(fault) &&
      !removed.some(id => fault.startsWith(`'${id}'`)),
  )
