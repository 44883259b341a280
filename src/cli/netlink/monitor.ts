import type { Link, Neighbour, RtnetlinkChange, RtnetlinkEvent, TableName } from '../../index.js'
import { inColour } from '../colours.js'
import { command } from '../command.js'
import { EXIT } from '../exit-codes.js'
import { jsonText } from '../json-text.js'
import { loadLibrary, type Library } from '../library.js'
import { printable } from '../printable.js'
import { jsonOption, netnsOf, netnsOption } from '../shared-options.js'
import type { Terminal } from '../terminal.js'
import { stateOf } from './links.js'
import { withSocket } from './with-socket.js'
import { wordsOf } from './words.js'

const TABLES = [
  'links',
  'addresses',
  'routes',
  'neighbours',
  'qdiscs',
  'classes',
  'filters',
] as const satisfies TableName[]

export const monitor = command({
  name: 'monitor',
  group: 'netlink',
  about: 'show changes as they happen, as `ip monitor` and `tc monitor` do, until Ctrl-C',
  operands: [{ name: 'table', optional: true, choices: TABLES }],
  options: { json: { ...jsonOption, about: 'print one JSON object per line' }, netns: netnsOption },
  examples: [
    { line: 'monitor', about: 'all that changes' },
    { line: 'monitor links --json', about: 'for a program: one object per line' },
  ],
  async run({ options: { json, netns }, operands: [table], terminal, interruption }) {
    const library = await loadLibrary()
    const signal = interruption()
    const tables = table === undefined ? TABLES : [table as TableName]
    await withSocket({ library, from: netnsOf(netns) }, async rt => {
      for await (const event of rt.monitor({ tables, signal }))
        terminal.write(
          `${json ? jsonText(event, { replacer: library.jsonReplacer, indent: 0 }) : lineOf(event, library, terminal)}\n`,
        )
    })
    return EXIT.fine
  },
})

function lineOf(event: RtnetlinkEvent, library: Library, { coloured }: Terminal): string {
  const time = new Date().toTimeString().slice(0, 8)
  if (event.event === 'overrun')
    return `${time} changes came faster than they were read; what was missed follows`
  const sign = event.event === 'new' ? '+' : '-'
  const shown = coloured ? inColour(sign, event.event === 'new' ? 'green' : 'red') : sign
  return `${time} ${shown} ${event.table.padEnd(10)} ${printable(describe(event, library))}`
}

function describe(change: RtnetlinkChange, library: Library): string {
  switch (change.table) {
    case 'links':
      return linkWords(change.object)
    case 'addresses':
      return wordsOf(library.address, change.object)
    case 'routes':
      return wordsOf(library.route, change.object)
    case 'neighbours':
      return neighbourWords(change.object, library)
    case 'qdiscs':
      return wordsOf(library.qdisc, change.object)
    case 'classes':
      return wordsOf(library.trafficClass, change.object)
    case 'filters':
      return wordsOf(library.filter, change.object)
  }
}

/** A bridge reports its ports as links: one that leaves it is not gone. Such a report has no operational state and often no MTU. */
function linkWords(link: Partial<Link> & Pick<Link, 'name' | 'up' | 'family'>): string {
  const { name, kind, mtu, master, alias, family, operationalState } = link
  if (family === 'bridge') return `${name} port of ${master ?? 'a bridge'}`
  return [
    name,
    operationalState && stateOf({ up: link.up, operationalState }).text,
    kind,
    mtu !== undefined && `mtu ${mtu}`,
    master && `master ${master}`,
    alias && `alias ${alias}`,
  ]
    .filter(Boolean)
    .join(' ')
}

/** An entry of the forwarding table of a bridge or VXLAN has a link-layer address and no other, in the words of `bridge fdb`. */
const neighbourWords = (found: Neighbour, { neighbour }: Library): string =>
  found.address === '' ? `fdb ${found.lladdr ?? ''} dev ${found.dev}` : wordsOf(neighbour, found)
