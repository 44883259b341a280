import type { Inspection } from '../../index.js'
import { command } from '../command.js'
import { counted } from '../counted.js'
import { EXIT } from '../exit-codes.js'
import { UsageError } from '../failure.js'
import { printable } from '../printable.js'
import { jsonOption, netnsOf, netnsOption } from '../shared-options.js'
import type { Terminal } from '../terminal.js'
import { inspect } from './inspect.js'
import { showRemoval } from './show-removal.js'

export const remove = command({
  name: 'remove',
  group: 'containers',
  about:
    'remove everything of isolators from a host, in whatever state it is, and restore what they had changed',
  options: {
    all: {
      type: 'boolean',
      short: 'a',
      about: 'required, as confirmation: every container loses its network',
    },
    yes: { type: 'boolean', short: 'y', about: 'do not ask' },
    json: jsonOption,
    netns: netnsOption,
  },
  examples: [
    { line: 'remove --all', about: 'asks, and leaves the host as it was before the first create()' },
  ],
  notes:
    'End programs that have an isolator on the host first: they would make again what remove deletes. Where nobody can be\n' +
    'asked, --yes is needed. One container: rtnetlink clean.',
  async run({ options: { all, yes, json, netns }, terminal }) {
    if (!all) throw new UsageError('remove takes everything away: say --all, or use clean for one container')
    const { library, found } = await inspect(netnsOf(netns))
    if (!yes && !(await isConfirmed(found, terminal))) {
      terminal.warn('rtnetlink: nothing was removed')
      return EXIT.found
    }
    const removal = await library.PortMappingIsolator.remove(netnsOf(netns))
    return showRemoval(removal, json, terminal)
  },
})

async function isConfirmed(
  { containers, publicInterface = 'this host' }: Inspection,
  { ask }: Terminal,
): Promise<boolean> {
  if (ask === undefined) throw new UsageError('nobody can be asked here: say --yes to remove everything')
  const ids = containers.slice(0, 5).map(({ id }) => id)
  const named = ids.length === 0 ? '' : ` (${ids.join(', ')}${containers.length > ids.length ? ', …' : ''})`
  const what = `Remove ${counted(containers.length, 'container')}${named} and all filters of isolators from ${publicInterface}? [y/N] `
  return /^y(es)?$/i.test((await ask(printable(what))).trim())
}
