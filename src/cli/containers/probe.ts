import type { KernelFeature } from '../../index.js'
import { command } from '../command.js'
import { EXIT } from '../exit-codes.js'
import { jsonText } from '../json-text.js'
import { loadLibrary } from '../library.js'
import { jsonOption, netnsOf, netnsOption } from '../shared-options.js'
import { tableLines, type Column } from '../table.js'

export const probe = command({
  name: 'probe',
  group: 'containers',
  about: 'try out what this kernel offers, in a namespace made for it; ends with 1 if anything is missing',
  options: { netns: netnsOption, json: jsonOption },
  examples: [{ line: 'probe', about: 'whether containers can be made here, and with which options' }],
  async run({ options: { json, netns }, terminal }) {
    const { PortMappingIsolator } = await loadLibrary()
    const features = await PortMappingIsolator.probe(netnsOf(netns))
    const all = Object.entries<KernelFeature>(features)
    const lines = json ? [jsonText(features)] : tableLines(COLUMNS, all, terminal)
    terminal.write(`${lines.join('\n')}\n`)
    return all.every(([, { available }]) => available) ? EXIT.fine : EXIT.found
  },
})

const COLUMNS: Column<[name: string, feature: KernelFeature]>[] = [
  { title: 'FEATURE', of: ([name]) => name },
  {
    title: 'HERE',
    of: ([, { available }]) => (available ? { text: 'yes', colour: 'green' } : { text: 'no', colour: 'red' }),
  },
  { title: 'MODULE', of: ([, { module }]) => module },
  { title: 'KERNEL OPTION', of: ([, { kernelOption }]) => kernelOption },
  { title: 'NEEDED FOR', of: ([, { neededFor }]) => neededFor },
  { title: 'REASON', of: ([, { reason }]) => reason?.split('\n')[0] },
]
