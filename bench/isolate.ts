/**
 * `isolate()` from end to end beside the same by hand: every command of `explain()`, one `ip`, `tc` or `sysctl` process each.
 *
 *     npm run bench -- isolate [rounds]
 */
import { NetworkNamespace } from '../lib/index.js'
import { alternate } from './src/alternate.js'
import { IsolatedHost } from './src/limits/isolated-host.js'
import { output } from './src/output.js'
import { median } from './src/statistics.js'
import { textTable } from './src/text-table.js'
import { duration, times } from './src/units.js'

const rounds = Number(process.argv[2] ?? 15)
const WAYS = ['isolate()', 'commands'] as const
const PORTS = '31000-31007'

await using scene = await IsolatedHost.create(1, {})
const { isolator } = scene
const netns = scene.topology.containers[0]?.name ?? ''
await isolator.isolate('sample', { netns, ports: PORTS })
// The host has an id for the namespace since then, and refuses another.
const lines = isolator.explain('sample').filter(line => !line.includes(' netns set '))
await isolator.cleanup('sample')

const samples = new Map<(typeof WAYS)[number], number[]>(WAYS.map(way => [way, []]))
await alternate(WAYS, rounds, async way => {
  const began = process.hrtime.bigint()
  if (way === 'isolate()') await isolator.isolate('sample', { netns, ports: PORTS })
  else for (const line of lines) await output('sh', ['-c', line])
  samples.get(way)?.push(Number(process.hrtime.bigint() - began))
  if (way === 'isolate()') await isolator.cleanup('sample')
  else await undo()
})

/** Takes away what the commands made: the isolator does not know of it, but takes it for what a crash left. */
async function undo(): Promise<void> {
  await isolator.recover([])
  const name = lines[0]?.match(/run\/netns\/(pm\d+)/)?.[1]
  if (name !== undefined) await NetworkNamespace.deleteName(name).catch(() => undefined)
}

const [ours = NaN, byHand = NaN] = WAYS.map(way => median(samples.get(way) ?? []))
console.log(
  textTable([
    ['one container with 8 + 1024 ports', 'median', 'ratio'],
    ['isolate()', duration(ours), times(1)],
    [`${lines.length} commands, a process each`, duration(byHand), times(byHand / ours)],
  ]),
)
