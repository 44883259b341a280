import type { InspectedContainer, Inspection } from '../../index.js'
import { command } from '../command.js'
import { EXIT } from '../exit-codes.js'
import { jsonText } from '../json-text.js'
import type { Library } from '../library.js'
import { jsonOption, netnsOf, netnsOption } from '../shared-options.js'
import { tableLines, type Cell } from '../table.js'
import { ageOf, ephemeralPortsOf, portsOf, rateOf, stateOf } from './container-words.js'
import { inspect } from './inspect.js'
import { unknown } from './unknown.js'
import { usageOf } from './usage-of.js'

export const show = command({
  name: 'show',
  group: 'containers',
  about: 'show all that is known of a container',
  operands: [{ name: 'id', completes: 'container' }],
  options: { json: jsonOption, netns: netnsOption },
  examples: [{ line: 'show web-1', about: 'its ports, limits, processes and counters' }],
  async run({ options: { json, netns }, operands: [id = ''], terminal }) {
    const from = netnsOf(netns)
    const { library, found } = await inspect(from)
    const container = found.containers.find(container => container.id === id)
    if (container === undefined) return unknown(id, found, terminal)
    const [usage] = await usageOf(library, from, [container])
    if (json) {
      terminal.write(`${jsonText({ ...container, ...(usage && { usage: usage.counters }) })}\n`)
      return EXIT.fine
    }
    const rows = [
      ...rowsOf(library, found, container),
      ...Object.entries(usage?.counters ?? {}).map(([name, count]): [string, Cell] => [name, count]),
    ]
    // The titles would say nothing.
    const [, ...lines] = tableLines(
      [
        { title: '', of: ([name]) => ({ text: name, colour: 'bold' }) },
        { title: '', of: ([, value]) => value },
      ],
      rows.filter(([, value]) => value !== ''),
      terminal,
    )
    terminal.write(`${lines.join('\n')}\n`)
    return EXIT.fine
  },
})

function rowsOf(
  library: Library,
  { address, ipv6, publicInterface }: Inspection,
  container: InspectedContainer,
): [string, Cell][] {
  const { id, slot, link, held, interfaceName, egress, ingress, pids, since } = container
  return [
    ['id', id],
    ['state', stateOf(container)],
    ['address', address === undefined ? '' : `${address}, of ${publicInterface}`],
    ['IPv6 addresses', ipv6?.addresses.join(', ') ?? ''],
    ['ports', portsOf(library, container)],
    ['ephemeral ports', ephemeralPortsOf(container)],
    ['sends at most', rateOf(library, egress)],
    ['receives at most', rateOf(library, ingress)],
    ['link', `${link}, slot ${slot}`],
    ['interface inside', interfaceName],
    ['namespace', held ? `held by /run/netns/${link}` : 'not held: it ends with its last process'],
    ['processes', pids.join(' ')],
    ['since', since === undefined ? '' : `${since} (${ageOf(since)} ago)`],
  ]
}
