import { command } from '../command.js'
import { EXIT } from '../exit-codes.js'
import { printable } from '../printable.js'
import { netnsOption } from '../shared-options.js'
import { inspect } from './inspect.js'
import { unknown } from './unknown.js'
import { ADOPTS, optionsOption, removeIncompleteOption, withIsolator } from './with-isolator.js'

export const explain = command({
  name: 'explain',
  group: 'containers',
  about: "print the ip, tc and sysctl commands that make the same: of a container, or of the host's part",
  operands: [{ name: 'id', optional: true, completes: 'container' }],
  options: { options: optionsOption, 'remove-incomplete': removeIncompleteOption, netns: netnsOption },
  examples: [{ line: 'explain web-1 --options agent.json', about: 'how web-1 would be made by hand' }],
  notes: ADOPTS,
  async run({ options, operands: [id], terminal }) {
    return withIsolator(options, async ({ isolator, from }) => {
      if (id !== undefined && isolator.get(id) === undefined)
        return unknown(id, (await inspect(from)).found, terminal)
      terminal.write(
        isolator
          .explain(id)
          .map(line => `${printable(line)}\n`)
          .join(''),
      )
      return EXIT.fine
    })
  },
})
