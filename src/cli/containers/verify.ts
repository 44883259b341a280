import { inColour } from '../colours.js'
import { command } from '../command.js'
import { EXIT } from '../exit-codes.js'
import { printable } from '../printable.js'
import { jsonOption, netnsOption } from '../shared-options.js'
import { inspect } from './inspect.js'

export const verify = command({
  name: 'verify',
  group: 'containers',
  about: 'say what is not as it should be; ends with 1 if anything is',
  options: { json: jsonOption, netns: netnsOption },
  examples: [{ line: 'verify && echo sound', about: 'says so if nothing is wrong' }],
  notes:
    'It changes nothing, and knows what every host with containers must have. What depends on the options of the program\n' +
    "that made them, verify() of that program's isolator compares.",
  async run({ options: { json, netns }, terminal }) {
    const { prepared, faults, unreadable } = (await inspect(netns)).found
    if (json) terminal.write(`${JSON.stringify({ prepared, faults, unreadable }, undefined, 2)}\n`)
    else {
      const inRed = (line: string): string => (terminal.coloured ? inColour(line, 'red') : line)
      const lines = faults.length > 0 ? faults.map(fault => inRed(printable(fault))) : ['no faults']
      const hidden = unreadable.map(sentence => `not seen: ${printable(sentence)}`)
      terminal.write(`${[...lines, ...hidden].join('\n')}\n`)
    }
    return faults.length === 0 ? EXIT.fine : EXIT.found
  },
})
