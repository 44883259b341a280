import { command } from '../command.js'
import { jsonOption, netnsOf, netnsOption } from '../shared-options.js'
import { inspect } from './inspect.js'
import { showRemoval } from './show-removal.js'
import { unknown } from './unknown.js'

export const clean = command({
  name: 'clean',
  group: 'containers',
  about: 'take a container from the host: its processes live on without a network',
  operands: [{ name: 'id', completes: 'container' }],
  options: { json: jsonOption, netns: netnsOption },
  examples: [{ line: 'clean web-1', about: 'removes web-1' }],
  notes: 'It needs no options of the program that made the container, and not the program.',
  async run({ options: { json, netns }, operands: [id = ''], terminal }) {
    const { library, found } = await inspect(netnsOf(netns))
    if (!found.containers.some(container => container.id === id)) return unknown(id, found, terminal)
    const removal = await library.PortMappingIsolator.remove({ ...netnsOf(netns), ids: [id] })
    return showRemoval(removal, json, terminal)
  },
})
