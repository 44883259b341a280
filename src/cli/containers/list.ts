import type { InspectedContainer, Inspection } from '../../index.js'
import { inColour } from '../colours.js'
import { command } from '../command.js'
import { counted } from '../counted.js'
import { EXIT } from '../exit-codes.js'
import { UsageError } from '../failure.js'
import { jsonText } from '../json-text.js'
import type { Library } from '../library.js'
import { printable } from '../printable.js'
import { jsonOption, netnsOf, netnsOption } from '../shared-options.js'
import { tableLines, type Column } from '../table.js'
import type { Terminal } from '../terminal.js'
import { ageOf, ephemeralPortsOf, portsOf, rateOf, stateOf } from './container-words.js'
import { inspect } from './inspect.js'

export const list = command({
  name: 'list',
  group: 'containers',
  about: 'list the containers of a host',
  options: {
    quiet: { type: 'boolean', short: 'q', about: 'ids alone, one a line' },
    json: jsonOption,
    netns: netnsOption,
  },
  examples: [{ line: 'list', about: 'the containers of this host' }],
  notes: 'It works beside a running program, after a crash, and without privileges.',
  async run({ options: { quiet, json, netns }, terminal }) {
    if (quiet && json) throw new UsageError('--quiet and --json: choose one of them')
    const { library, found } = await inspect(netnsOf(netns))
    if (json) terminal.write(`${jsonText(found.containers)}\n`)
    else if (quiet)
      terminal.write(
        found.containers.map(({ id }) => `${terminal.isTerminal ? printable(id) : id}\n`).join(''),
      )
    else show(library, found, terminal)
    return EXIT.fine
  },
})

const columnsOf = (library: Library): Column<InspectedContainer>[] => [
  { title: 'ID', of: ({ id }) => id },
  { title: 'STATE', of: stateOf },
  { title: 'PORTS', of: container => portsOf(library, container) },
  { title: 'EPHEMERAL', of: ephemeralPortsOf },
  { title: 'SENDS', of: ({ egress }) => rateOf(library, egress) },
  { title: 'RECEIVES', of: ({ ingress }) => rateOf(library, ingress) },
  { title: 'LINK', of: ({ link }) => link },
  { title: 'PID', of: ({ pids }) => (pids.length > 3 ? `${pids.slice(0, 3).join(' ')} …` : pids.join(' ')) },
  { title: 'AGE', of: ({ since }) => ageOf(since) },
]

function show(library: Library, found: Inspection, terminal: Terminal): void {
  const { containers, faults, unreadable } = found
  const lines = [
    ...(containers.length > 0 ? [...tableLines(columnsOf(library), containers, terminal), ''] : []),
    summaryOf(found),
    ...unreadable.map(sentence => printable(`not seen: ${sentence}`)),
  ]
  terminal.write(`${lines.join('\n')}\n`)
  if (faults.length > 0) {
    const text = `${counted(faults.length, 'fault')}: rtnetlink verify shows ${faults.length === 1 ? 'it' : 'them'}`
    terminal.write(`${terminal.coloured ? inColour(text, 'red') : text}\n`)
  }
}

/** What the containers share. */
function summaryOf({ prepared, containers, publicInterface, address, freeSlots }: Inspection): string {
  if (!prepared) return 'no isolator has been on this host, or nothing is left of it'
  const number = containers.length === 0 ? 'no containers' : counted(containers.length, 'container')
  const where = publicInterface === undefined ? '' : ` on ${publicInterface}${address ? ` (${address})` : ''}`
  return printable(`${number}${where}, ${freeSlots} slots free`)
}
