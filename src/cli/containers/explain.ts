import { command } from '../command.js'
import { EXIT } from '../exit-codes.js'
import { printable } from '../printable.js'
import { netnsOption } from '../shared-options.js'
import { inspect } from './inspect.js'
import { unknown } from './unknown.js'
import { ADOPTS, optionsOption, withIsolator } from './with-isolator.js'

export const explain = command({
  name: 'explain',
  group: 'containers',
  about: "print the ip, tc and sysctl commands that make the same: of a container, or of the host's part",
  operands: [{ name: 'id', optional: true, completes: 'container' }],
  options: { options: optionsOption, netns: netnsOption },
  examples: [{ line: 'explain web-1 --options agent.json', about: 'how web-1 would be made by hand' }],
  notes: ADOPTS,
  async run({ options: { options, netns }, operands: [id], terminal }) {
    return withIsolator(options, netns, async isolator => {
      if (id !== undefined && isolator.get(id) === undefined)
        return unknown(id, (await inspect(netns)).found, terminal)
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
