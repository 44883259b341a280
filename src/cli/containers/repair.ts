import { command } from '../command.js'
import { EXIT } from '../exit-codes.js'
import { printable } from '../printable.js'
import { jsonOption, netnsOption } from '../shared-options.js'
import { differenceLine } from './difference-line.js'
import { inspect } from './inspect.js'
import { ADOPTS, optionsOption, withIsolator } from './with-isolator.js'

export const repair = command({
  name: 'repair',
  group: 'containers',
  about: 'put right what is not as it should be, while traffic flows; ends with 1 if anything is left',
  options: { options: optionsOption, json: jsonOption, netns: netnsOption },
  examples: [{ line: 'repair --options agent.json', about: 'the host and all containers' }],
  notes: ADOPTS,
  async run({ options: { options, json, netns }, terminal }) {
    const before = await faultsOf(netns)
    const result = await withIsolator(options, netns, isolator => isolator.repair())
    const after = await faultsOf(netns)
    // Much is put right by the isolator's coming already.
    const repaired = [
      ...before.filter(fault => !after.includes(fault)),
      ...result.repaired.map(differenceLine),
    ]
    const left = [...after, ...result.left.map(differenceLine)]
    if (json) terminal.write(`${JSON.stringify({ repaired, left }, undefined, 2)}\n`)
    else {
      const lines = [
        ...repaired.map(line => `repaired: ${printable(line)}`),
        ...left.map(line => `left: ${printable(line)}`),
      ]
      terminal.write(`${lines.length > 0 ? lines.join('\n') : 'nothing to repair'}\n`)
    }
    return left.length === 0 ? EXIT.fine : EXIT.found
  },
})

const faultsOf = async (netns: string | undefined): Promise<readonly string[]> =>
  (await inspect(netns)).found.faults
