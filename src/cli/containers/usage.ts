import { setTimeout as sleep } from 'node:timers/promises'
import type { NetnsReference } from '../../index.js'
import { command } from '../command.js'
import { EXIT } from '../exit-codes.js'
import { UsageError } from '../failure.js'
import { jsonText } from '../json-text.js'
import { jsonOption, netnsOf, netnsOption } from '../shared-options.js'
import { shortNumber } from '../short-number.js'
import { tableLines, type Cell, type Column } from '../table.js'
import { inspect } from './inspect.js'
import { usageOf, type Counters, type Usage } from './usage-of.js'

export const usage = command({
  name: 'usage',
  group: 'containers',
  about: 'show what containers send and receive',
  options: {
    watch: { type: 'boolean', short: 'w', about: 'again and again, with rates per second, until Ctrl-C' },
    interval: { type: 'string', short: 'i', value: 'SECONDS', about: 'how long --watch waits (default 2)' },
    json: jsonOption,
    netns: netnsOption,
  },
  examples: [
    { line: 'usage', about: 'the counters of every container' },
    { line: 'usage --watch', about: 'who is busy now' },
  ],
  notes:
    'The counters are those of the link of each container, as the container sees them. Drops of what a container sends are\n' +
    'packets that its guard has dropped.',
  async run({ options: { watch, interval, json, netns }, terminal, interruption }) {
    const wait = secondsOf(interval)
    if (interval !== undefined && !watch) throw new UsageError('--interval goes with --watch')
    const from = netnsOf(netns)
    const signal = watch ? interruption() : undefined
    let before: Look | undefined
    do {
      const look = await lookAt(from)
      if (json) terminal.write(`${jsonText(look.usages.map(flat), { indent: watch ? 0 : 2 })}\n`)
      else {
        const lines = look.usages.length > 0 ? tableLines(columnsOf(look, before), look.usages, terminal) : []
        // A terminal shows the last look alone.
        const clear = watch && terminal.isTerminal ? '\x1b[H\x1b[2J' : ''
        terminal.write(`${clear}${lines.length > 0 ? lines.join('\n') : 'no containers'}\n`)
      }
      before = look
    } while (watch && (await waited(wait, signal)))
    return EXIT.fine
  },
})

/** The counters at a moment, in seconds. */
interface Look {
  readonly at: number
  readonly usages: readonly Usage[]
}

async function lookAt(from: { netns?: NetnsReference }): Promise<Look> {
  const { library, found } = await inspect(from)
  const usages = await usageOf(library, from, found.containers)
  return { at: performance.now() / 1000, usages }
}

const flat = ({ container: { id, slot, link }, counters }: Usage) => ({ id, slot, link, ...counters })

function secondsOf(text = '2'): number {
  const seconds = Number(text)
  if (seconds >= 0.1 && seconds <= 3600) return seconds
  throw new UsageError(`--interval is '${text}': expected seconds, 0.1 to 3600`)
}

/** False if the process was asked to end. */
const waited = (seconds: number, signal: AbortSignal | undefined): Promise<boolean> =>
  sleep(seconds * 1000, true, { signal }).catch(() => false)

/** Counters, and from the second look on how fast they grow. */
function columnsOf(look: Look, before: Look | undefined): Column<Usage>[] {
  const counter = (title: string, name: keyof Counters): Column<Usage> => ({
    title,
    align: 'right',
    of: ({ counters }) => shortNumber(counters[name]),
  })
  const rate = (title: string, name: keyof Counters): Column<Usage> => ({
    title,
    align: 'right',
    of: usage => rateOf(name, usage, look, before),
  })
  return [
    { title: 'ID', of: ({ container }) => container.id },
    counter('RX', 'net_rx_bytes'),
    counter('RX PKTS', 'net_rx_packets'),
    counter('RX DROP', 'net_rx_dropped'),
    rate('RX/S', 'net_rx_bytes'),
    counter('TX', 'net_tx_bytes'),
    counter('TX PKTS', 'net_tx_packets'),
    counter('TX DROP', 'net_tx_dropped'),
    rate('TX/S', 'net_tx_bytes'),
  ]
}

/** Nothing for a container that was not there before, or is another one by now. */
function rateOf(name: keyof Counters, { container, counters }: Usage, look: Look, before?: Look): Cell {
  const earlier = before?.usages.find(
    usage => usage.container.id === container.id && usage.container.slot === container.slot,
  )
  const more = counters[name] - (earlier?.counters[name] ?? NaN)
  return before !== undefined && more >= 0 ? shortNumber(Math.round(more / (look.at - before.at))) : ''
}
