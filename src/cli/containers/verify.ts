import { setTimeout as sleep } from 'node:timers/promises'
import type { NetnsReference } from '../../index.js'
import { inColour } from '../colours.js'
import { command } from '../command.js'
import { EXIT } from '../exit-codes.js'
import { jsonText } from '../json-text.js'
import { printable } from '../printable.js'
import { jsonOption, netnsOf, netnsOption } from '../shared-options.js'
import { inspect } from './inspect.js'

/** A program that makes or removes containers has each of them half made for up to a second. */
const SETTLED_MS = 2000

export const verify = command({
  name: 'verify',
  group: 'containers',
  about: 'list faults; the exit code is 1 if there are any',
  options: { json: jsonOption, netns: netnsOption },
  examples: [{ line: 'verify && echo sound', about: 'says so if nothing is wrong' }],
  notes:
    'It changes nothing, and knows what every host with containers must have. verify() of the\n' +
    "program's isolator also checks what depends on its options. Faults that are gone 2 seconds later are not listed.",
  async run({ options: { json, netns }, terminal }) {
    const from = netnsOf(netns)
    const { prepared, unreadable, ...first } = (await inspect(from)).found
    const faults = first.faults.length === 0 ? [] : await lasting(first.faults, from)
    if (json) terminal.write(`${jsonText({ prepared, faults, unreadable })}\n`)
    else {
      const inRed = (line: string): string => (terminal.coloured ? inColour(line, 'red') : line)
      const lines = faults.length > 0 ? faults.map(fault => inRed(printable(fault))) : ['no faults']
      const hidden = unreadable.map(sentence => `not seen: ${printable(sentence)}`)
      terminal.write(`${[...lines, ...hidden].join('\n')}\n`)
    }
    return faults.length === 0 ? EXIT.fine : EXIT.found
  },
})

/** The faults that a second look finds too. */
async function lasting(faults: readonly string[], from: { netns?: NetnsReference }): Promise<string[]> {
  await sleep(SETTLED_MS)
  const { found } = await inspect(from)
  return faults.filter(fault => found.faults.includes(fault))
}
