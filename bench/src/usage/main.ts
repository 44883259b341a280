import diagnosticsChannel from 'node:diagnostics_channel'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RESULTS } from '../folders.js'
import { machine } from '../machine.js'
import { median } from '../statistics.js'
import { textTable } from '../text-table.js'
import { timed, type Timed } from './loop-delay.js'
import { Scene } from './scene.js'

/** Of the eight counters of 1,000 containers. */
const GOAL = { containers: 1000, milliseconds: 100, blocked: 10 }

const COUNTS = [200, GOAL.containers]

/** Calls before the measured ones, in which V8 compiles. */
const WARM_UPS = 5

const LIMITS = {
  bloatReduction: 'none',
  egressRateLimitPerContainer: '1MB',
  ingressRateLimitPerContainer: '1MB',
} as const

const SCENES: readonly (readonly [what: string, options: object])[] = [
  ['the eight counters', {}],
  ['and limits, both ways', LIMITS],
  [
    'and sockets, round-trip times, SNMP',
    {
      networkEnableSocketStatisticsSummary: true,
      networkEnableSocketStatisticsDetails: true,
      networkEnableSnmpStatistics: true,
    },
  ],
]

const rounds = Number(process.argv[2] ?? 21)
if (!Number.isInteger(rounds) || rounds < 1)
  throw new RangeError(`${process.argv[2]} is not a number of rounds`)

interface Summary {
  readonly what: string
  readonly containers: number
  readonly all: Timed
  readonly one: Timed
  readonly processes: number
}

let processes = 0
diagnosticsChannel.subscribe('child_process', () => {
  processes++
})

async function summarize(what: string, containers: number, { isolator }: Scene): Promise<Summary> {
  const before = processes
  const measured = async (call: () => Promise<unknown>): Promise<Timed> => {
    const times: Timed[] = []
    for (let i = -WARM_UPS; i < rounds; i++) {
      const time = await timed(call)
      if (i >= 0) times.push(time)
    }
    return {
      milliseconds: median(times.map(({ milliseconds }) => milliseconds)),
      blocked: median(times.map(({ blocked }) => blocked)),
    }
  }
  const all = await measured(() => isolator.usageAll())
  const one = await measured(() => isolator.usage(`container-${containers - 1}`))
  return { what, containers, all, one, processes: processes - before }
}

const summaries: Summary[] = []
for (const [what, options] of SCENES) {
  await using scene = await Scene.create(options)
  for (const containers of COUNTS) {
    await scene.fill(containers)
    summaries.push(await summarize(what, containers, scene))
  }
}

const ms = (milliseconds: number): string => `${milliseconds.toFixed(1)} ms`
const { processors, processor, kernel, node } = machine()
console.log(`Statistics of containers: medians of ${rounds} calls`)
console.log(`${processors} x ${processor}, Linux ${kernel}, Node ${node}\n`)
console.log(
  textTable([
    ['read', 'containers', 'usageAll()', 'loop blocked', 'usage(id)', 'processes'],
    ...summaries.map(({ what, containers, all, one, processes }) => [
      ...[what, String(containers), ms(all.milliseconds), ms(all.blocked), ms(one.milliseconds)],
      String(processes),
    ]),
  ]),
)
const counters = summaries.find(({ containers }) => containers === GOAL.containers)
if (counters) {
  const { milliseconds, blocked } = counters.all
  const met = milliseconds < GOAL.milliseconds && blocked < GOAL.blocked && counters.processes === 0
  console.log(
    `${met ? 'met' : 'MISSED'}: ${counters.what} of ${GOAL.containers} containers: under ${GOAL.milliseconds} ms, the loop blocked under ${GOAL.blocked} ms, no process started`,
  )
}
await writeFile(
  join(RESULTS, 'usage.json'),
  `${JSON.stringify({ machine: machine(), rounds, summaries }, null, 2)}\n`,
)
